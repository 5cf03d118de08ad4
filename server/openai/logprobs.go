package openai

import (
	"strconv"

	"cllm/runtime"
	"cllm/server/wire"
)

// appendLogProbs appends tokens with their log-probabilities, as chat
// completions have them, with commas between and none before.
func (d *dialect) appendLogProbs(dst []byte, l runtime.LogProbs) []byte {
	for i := range l.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		p := l.At(i)
		dst = append(d.appendLogProb(dst, p.Token, p.LogProb), `,"top_logprobs":[`...)
		for j, t := range p.Top {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = append(d.appendLogProb(dst, t.Token, t.LogProb), '}')
		}
		dst = append(dst, "]}"...)
	}
	return dst
}

// appendLogProb appends a token, all but the closing brace.
func (d *dialect) appendLogProb(dst []byte, id int32, p float32) []byte {
	text := d.TokenBytes(id)
	dst = append(wire.AppendString(append(dst, `{"token":"`...), text), `","logprob":`...)
	dst = append(wire.AppendFloat(dst, p), `,"bytes":[`...)
	for i, b := range text {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64(b), 10)
	}
	return append(dst, ']')
}
