package openai

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"sync"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/wire"
)

// embeddings answers with a vector for each text, or list of tokens.
func (d *dialect) embeddings(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	c := &completion{model: d.Facts().ModelName}
	d.readModel(body)
	if raw, ok := body.Value("input"); !ok {
		body.Fail("input", "input is missing")
	} else if err := c.readPrompts(raw); err != nil {
		body.Fail("input", "input must be a string, a list of strings, a list of token ids or a list of these, at most %d", maxPrompts)
	}
	format, dimensions := "float", 0
	body.Text("encoding_format", &format)
	body.Integer("dimensions", &dimensions, 1, math.MaxInt32)
	body.Value("user")
	width := d.Facts().Model.Hidden
	switch {
	case format != "float" && format != "base64":
		body.Fail("encoding_format", "encoding_format is %q, must be float or base64", format)
	case dimensions > width:
		body.Fail("dimensions", "dimensions is %d, the model has %d", dimensions, width)
	}
	if err := body.Done(); err != nil {
		return err
	}
	if dimensions == 0 {
		dimensions = width
	}
	if err := d.tokenize(r, c); err != nil {
		return err
	}
	vectors, tokens, err := d.embedAll(r, c.prompts)
	if err != nil {
		return tooLong(err, "input")
	}
	out := []byte(`{"object":"list","data":[`)
	for i, v := range vectors {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, `{"object":"embedding","index":`...)
		out, _ = wire.AppendJSON(out, i)
		out = append(out, `,"embedding":`...)
		out = append(appendVector(out, shortened(v, dimensions), format == "base64"), '}')
	}
	out, _ = wire.AppendJSON(append(out, `],"model":`...), c.model)
	out, _ = wire.AppendJSON(append(out, `,"usage":`...), map[string]int{"prompt_tokens": tokens, "total_tokens": tokens})
	return wire.Write(w, http.StatusOK, append(out, "}\n"...))
}

// embedAll embeds all texts at once.
func (d *dialect) embedAll(r *http.Request, prompts [][]int32) (vectors [][]float32, tokens int, err error) {
	vectors = make([][]float32, len(prompts))
	errs := make([]error, len(prompts))
	var all sync.WaitGroup
	for i, p := range prompts {
		if len(p) == 0 {
			return nil, 0, api.Refuse("input[%d] is empty", i)
		}
		tokens += len(p)
		all.Go(func() { vectors[i], errs[i] = d.Embed(r.Context(), p, runtime.PoolMean) })
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, 0, err
		}
	}
	return vectors, tokens, nil
}

// shortened is the first n dimensions of a vector, of length 1 again.
func shortened(v []float32, n int) []float32 {
	if n == len(v) {
		return v
	}
	norm := 0.0
	for _, x := range v[:n] {
		norm += float64(x) * float64(x)
	}
	short := make([]float32, n)
	if norm = math.Sqrt(norm); norm > 0 {
		for i := range short {
			short[i] = float32(float64(v[i]) / norm)
		}
	}
	return short
}

// appendVector writes a vector as a list, or as the base64 of its little-endian
// float32, as OpenAI's clients ask for it.
func appendVector(dst []byte, v []float32, compact bool) []byte {
	if compact {
		raw := make([]byte, 0, 4*len(v))
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		dst = append(dst, '"')
		return append(base64.StdEncoding.AppendEncode(dst, raw), '"')
	}
	dst = append(dst, '[')
	for i, x := range v {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = wire.AppendFloat(dst, x)
	}
	return append(dst, ']')
}
