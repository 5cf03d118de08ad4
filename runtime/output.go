package runtime

import "math"

// output is what a request wants of the model's rows. The engine's workers call
// it, not two of them for the same position.
type output interface {
	hidden() bool   // hidden states instead of logits
	everyRow() bool // of each position of the prompt, so that its prefix must be computed
	draws() bool    // tokens are drawn after the prompt
	inOrder() bool  // one worker takes all rows of a step, by position
	// add takes the row of a position of the prompt.
	add(position int, row []float32, w *workspace)
}

// continuation is text alone.
type continuation struct{}

func (continuation) hidden() bool                   { return false }
func (continuation) everyRow() bool                 { return false }
func (continuation) draws() bool                    { return true }
func (continuation) inOrder() bool                  { return false }
func (continuation) add(int, []float32, *workspace) {}

// scores is text, and the log-probabilities of the prompt before it.
type scores struct {
	continuation
	prompt  []int32
	top     int
	entries []TokenLogProb // of each token of the prompt: 1+top
}

func newScores(prompt []int32, top int) *scores {
	s := &scores{prompt: prompt, top: top, entries: make([]TokenLogProb, len(prompt)*(1+top))}
	for i := range s.entries {
		s.entries[i].Token = noToken
	}
	s.entries[0] = TokenLogProb{prompt[0], float32(math.NaN())}
	return s
}

func scoreBytes(prompt, top int) int64 { return 8 * int64(prompt) * int64(1+top) }

func (s *scores) everyRow() bool { return true }

func (s *scores) add(position int, row []float32, w *workspace) {
	if next := position + 1; next < len(s.prompt) {
		at := next * (1 + s.top)
		w.logProb(s.entries[at:at:at+1+s.top], row, s.prompt[next], s.top)
	}
}

func (s *scores) logProbs() LogProbs { return LogProbs{s.entries, 1 + s.top} }

// embedding is the pooled hidden states of a text.
type embedding struct {
	pooling Pooling
	sum     []float64
}

func (m *embedding) hidden() bool   { return true }
func (m *embedding) everyRow() bool { return m.pooling == PoolMean }
func (m *embedding) draws() bool    { return false }
func (m *embedding) inOrder() bool  { return true }

func (m *embedding) add(_ int, row []float32, _ *workspace) {
	if m.sum == nil {
		m.sum = make([]float64, len(row))
	}
	for i, x := range row {
		m.sum[i] += float64(x)
	}
}

// vector is the pooled state with length 1.
func (m *embedding) vector() []float32 {
	norm := 0.0
	for _, x := range m.sum {
		norm += x * x
	}
	norm = math.Sqrt(norm)
	v := make([]float32, len(m.sum))
	if norm > 0 {
		for i, x := range m.sum {
			v[i] = float32(x / norm)
		}
	}
	return v
}
