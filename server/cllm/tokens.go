package cllm

import (
	"net/http"
	"strconv"

	"cllm/server/api"
	"cllm/server/wire"
)

func (d *dialect) encode(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	var text string
	var special bool
	if !body.Text("text", &text) {
		body.Fail("text", "text is missing")
	}
	body.Bool("special", &special)
	if err := body.Done(); err != nil {
		return err
	}
	tokens, err := d.Tokenize(r.Context(), text, special)
	if err != nil {
		return err
	}
	body.Forget() // its room is the tokens' until they are sent
	out := wire.NewPieces(w)
	out.Buf = append(strconv.AppendInt(append(out.Buf, `{"success":true,"data":{"length":`...), int64(len(tokens)), 10), `,"tokens":[`...)
	for i, id := range tokens {
		if i > 0 {
			out.Buf = append(out.Buf, ',')
		}
		out.Buf = strconv.AppendInt(out.Buf, int64(id), 10)
		if err := out.Flush(false); err != nil {
			return err
		}
	}
	out.Buf = append(out.Buf, "]}}\n"...)
	return out.Flush(true)
}

func (d *dialect) decode(w http.ResponseWriter, r *http.Request) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	var tokens []int32
	var special bool
	if !body.TokenIDs("tokens", &tokens) {
		body.Fail("tokens", "tokens is missing")
	}
	body.Bool("special", &special)
	if err := body.Done(); err != nil {
		return err
	}
	for i, id := range tokens {
		if int(id) >= d.VocabSize() {
			return api.Refuse("tokens[%d] is %d, must be from 0 to %d", i, id, d.VocabSize()-1)
		}
	}
	body.Forget() // its room is the tokens' until they are sent
	// Piece by piece: a list of long tokens is a text of many times its size.
	out := wire.NewPieces(w)
	out.Buf = append(strconv.AppendInt(append(out.Buf, `{"success":true,"data":{"length":`...), int64(len(tokens)), 10), `,"text":"`...)
	text := d.NewDecoder(special)
	for _, id := range tokens {
		out.Buf = wire.AppendString(out.Buf, text.Push(id))
		if err := out.Flush(false); err != nil {
			return err
		}
	}
	out.Buf = append(wire.AppendString(out.Buf, text.Flush()), "\"}}\n"...)
	return out.Flush(true)
}
