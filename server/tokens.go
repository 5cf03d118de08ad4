package server

import "net/http"

func (s *Server) encode(w http.ResponseWriter, r *http.Request) {
	var text string
	var special bool
	f := s.readFields(w, r)
	defer f.release()
	if !f.str("text", &text) && f.err == nil {
		f.err = badRequest("text is missing")
	}
	f.boolean("special", &special)
	if err := s.finish(f, r); err != nil {
		s.fail(w, r, err)
		return
	}
	tokens := s.bodies.tokens(text, special, func(text string, special bool) []int32 {
		return s.Tokenizer.Encode([]int32{}, text, special)
	})
	succeed(w, map[string]any{"length": len(tokens), "tokens": tokens})
}

func (s *Server) decode(w http.ResponseWriter, r *http.Request) {
	var tokens []int32
	var special bool
	f := s.readFields(w, r)
	defer f.release()
	if !f.ids("tokens", &tokens) && f.err == nil {
		f.err = badRequest("tokens is missing")
	}
	f.boolean("special", &special)
	err := s.finish(f, r)
	for i, id := range tokens {
		if err == nil && (id < 0 || int(id) >= s.Tokenizer.Size()) {
			err = badRequest("tokens[%d] is %d, must be from 0 to %d", i, id, s.Tokenizer.Size()-1)
		}
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	succeed(w, map[string]any{"text": s.Tokenizer.Decode(tokens, special), "length": len(tokens)})
}
