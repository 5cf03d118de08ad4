package wire

import "net/http"

// Pieces writes a JSON answer that is not held whole: what is appended to Buf
// goes out by Flush, as soon as there is enough of it.
type Pieces struct {
	Buf []byte
	w   http.ResponseWriter
}

// NewPieces begins an answer.
func NewPieces(w http.ResponseWriter) *Pieces {
	return &Pieces{Buf: make([]byte, 0, maxWrite/4), w: w}
}

// Flush writes Buf if it is large, or the answer's last piece.
func (p *Pieces) Flush(last bool) error {
	if !last && len(p.Buf) < maxWrite/8 {
		return nil
	}
	p.w.Header().Set("Content-Type", contentType)
	_, err := p.w.Write(p.Buf)
	p.Buf = p.Buf[:0]
	return err
}
