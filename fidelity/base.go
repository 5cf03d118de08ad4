package fidelity

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// A base file is llama.cpp's: "_logits_", the tokens of a window (uint32), the size of the vocabulary
// and the number of windows (int32), the tokens of all windows (int32), then for each counted position
// scale and least (float32) and a uint16 for each token, padded to an even number: log-probabilities of
// least + scale*value, cut off 16 below the first. Everything is little-endian.
const (
	baseMagic  = "_logits_"
	baseHeader = len(baseMagic) + 3*4
	baseRange  = 16
	baseSteps  = 65535
)

// baseRow is the bytes of a position.
func baseRow(vocab int) int { return 2*4 + 2*((vocab+1)/2*2) }

// baseWriter writes a base file; a nil one does nothing.
type baseWriter struct {
	w   io.Writer
	row int
	buf []byte
}

func newBaseWriter(w io.Writer, window, vocab int, tokens []int32) (*baseWriter, error) {
	head := binary.LittleEndian.AppendUint32([]byte(baseMagic), uint32(window))
	head = binary.LittleEndian.AppendUint32(head, uint32(vocab))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(tokens)/window))
	for _, id := range tokens {
		head = binary.LittleEndian.AppendUint32(head, uint32(id))
	}
	_, err := w.Write(head)
	return &baseWriter{w: w, row: baseRow(vocab)}, err
}

// reserve makes room for rows.
func (b *baseWriter) reserve(n int) {
	if b == nil {
		return
	}
	if cap(b.buf) < n*b.row {
		b.buf = make([]byte, n*b.row)
	}
	b.buf = b.buf[:n*b.row]
}

// set fills in a row. The arithmetic is in float32 where llama.cpp's is.
func (b *baseWriter) set(i int, logits []float32, s *softmax) {
	if b == nil {
		return
	}
	row := b.buf[i*b.row : (i+1)*b.row]
	least := max(s.min, s.max-baseRange)
	scale := (s.max - least) / baseSteps
	binary.LittleEndian.PutUint32(row, math.Float32bits(scale))
	binary.LittleEndian.PutUint32(row[4:], math.Float32bits(least-s.max-float32(s.lse)))
	clear(row[8+2*len(logits):])
	inverse := 1 / scale
	for k, v := range logits {
		q := uint16(0)
		if v > least {
			q = uint16(math.RoundToEven(float64(inverse * (v - least))))
		}
		binary.LittleEndian.PutUint16(row[8+2*k:], q)
	}
}

// flush writes the rows.
func (b *baseWriter) flush() error {
	if b == nil {
		return nil
	}
	_, err := b.w.Write(b.buf)
	return err
}

// Base is a base file that is being read.
type Base struct {
	Window  int
	Vocab   int
	Windows int
	Tokens  []int32

	r   io.Reader
	row int
	buf []byte
}

// OpenBase reads the head of a base file of size bytes. What it promises has to be there: nothing
// larger than the file is taken for it.
func OpenBase(r io.Reader, size int64) (*Base, error) {
	head := make([]byte, baseHeader)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:len(baseMagic)]) != baseMagic {
		return nil, fmt.Errorf("this is no file of log-probabilities: it does not begin with %q", baseMagic)
	}
	number := func(i int) int64 { return int64(binary.LittleEndian.Uint32(head[len(baseMagic)+4*i:])) }
	window, vocab, windows := number(0), number(1), number(2)
	if window < 4 || vocab < 1 || windows < 1 || window > math.MaxInt32 || vocab > math.MaxInt32 || windows > math.MaxInt32 {
		return nil, fmt.Errorf("%d windows of %d tokens of a vocabulary of %d: not a file of log-probabilities", windows, window, vocab)
	}
	// Products of two cannot overflow 63 bits; that of three is compared by division.
	row, counted := int64(baseRow(int(vocab))), int64(Counted(int(window)))
	perWindow := 4*float64(window) + float64(counted)*float64(row)
	if want := float64(baseHeader) + float64(windows)*perWindow; want > float64(size) {
		return nil, fmt.Errorf("the file has %d bytes, its %d windows of %d tokens of a vocabulary of %d need %.0f", size, windows, window, vocab, want)
	}
	b := &Base{Window: int(window), Vocab: int(vocab), Windows: int(windows), r: r, row: int(row)}
	raw := make([]byte, 4*window*windows)
	if _, err := io.ReadFull(r, raw); err != nil {
		return nil, err
	}
	for i := 0; i < len(raw); i += 4 {
		id := int32(binary.LittleEndian.Uint32(raw[i:]))
		if id < 0 || int(id) >= b.Vocab {
			return nil, fmt.Errorf("token %d of the text is %d, the vocabulary has %d", i/4, id, vocab)
		}
		b.Tokens = append(b.Tokens, id)
	}
	return b, nil
}

// next reads the rows of n positions.
func (b *Base) next(n int) error {
	if cap(b.buf) < n*b.row {
		b.buf = make([]byte, n*b.row)
	}
	b.buf = b.buf[:n*b.row]
	_, err := io.ReadFull(b.r, b.buf)
	return err
}

// logProbs are the base's log-probabilities at a position.
type logProbs struct {
	scale, least float32
	values       []byte
}

func (b *Base) at(i int) logProbs {
	row := b.buf[i*b.row:]
	return logProbs{math.Float32frombits(binary.LittleEndian.Uint32(row)), math.Float32frombits(binary.LittleEndian.Uint32(row[4:])),
		row[8 : 8+2*b.Vocab]}
}

func (l logProbs) of(token int) float32 {
	return l.scale*float32(binary.LittleEndian.Uint16(l.values[2*token:])) + l.least
}
