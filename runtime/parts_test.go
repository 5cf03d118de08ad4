package runtime

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cllm/machine"
	"cllm/model"
)

// Text in pieces must be cut where the whole text is cut, and nothing that may
// be a stop string's beginning may be shown early.
func TestStopFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringMatching(`[abc]{0,30}`)
		text := letters.Draw(t, "text")
		stops := rapid.SliceOfN(rapid.StringMatching(`[abc]{1,5}`), 0, 4).Draw(t, "stops")
		want, stopped := text, false
		for end := 0; end <= len(text) && !stopped; end++ {
			for _, s := range stops { // the first that is complete, the longest of these
				if strings.HasSuffix(text[:end], s) && (!stopped || end-len(s) < len(want)) {
					want, stopped = text[:end-len(s)], true
				}
			}
		}
		f := newStopFilter(newStopStrings(stops))
		got, found := "", false
		for rest := text; rest != "" && !found; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "piece")
			var shown string
			shown, found = f.push(rest[:n])
			got += shown
			rest = rest[n:]
			require.True(t, strings.HasPrefix(want, got), "%q was shown, want %q", got, want)
		}
		if !found {
			got += f.flush()
		}
		require.Equal(t, stopped, found)
		require.Equal(t, want, got)
	})
}

func TestStopFilterHoldsBackNoMoreThanItMust(t *testing.T) {
	f := newStopFilter(newStopStrings([]string{"</end>", "\n\n"}))
	for _, step := range []struct{ in, out string }{
		{"a<", "a"}, {"/e", ""}, {"x", "</ex"}, {"\n", ""}, {"b", "\nb"}, {"c</end", "c"},
	} {
		shown, found := f.push(step.in)
		require.False(t, found)
		require.Equal(t, step.out, shown, "after %q", step.in)
	}
	shown, found := f.push(">more")
	require.True(t, found)
	require.Empty(t, shown)
}

func TestLookupDraft(t *testing.T) {
	for _, c := range []struct {
		tokens string
		n      int
		want   string
	}{
		{"abcdXabc", 2, "dX"},
		{"abcdXabc", 9, "dXabc"},
		{"abcdefYbcdgYabcd", 1, "e"}, // the longest match, not the latest
		{"abcdYabceYabc", 1, "e"},    // of equals the latest
		{"abXab", 3, ""},             // too short to mean anything
		{"aaaaa", 2, "a"},
		{"", 2, ""},
	} {
		require.Equal(t, c.want, string(drafted(c.tokens, c.n)), c.tokens)
	}
}

// drafted is the draft after a text of which the first half is the prompt.
func drafted(text string, n int) []rune {
	tokens := []rune(text)
	half := len(tokens) / 2
	l := &lookup{prompt: indexPrompt(tokens[:half])}
	return l.draft(nil, history{tokens[:half], tokens[half:]}, n)
}

func TestSpeculationRestsWhenItDoesNotPay(t *testing.T) {
	var cost costCurve
	cost.observe(1, 10*time.Millisecond)
	cost.observe(5, 12*time.Millisecond)
	var s speculation
	drafts := 0
	for range 1000 {
		if n := s.want(16, 1, 1, &cost); n > 0 {
			drafts += n
			s.learn(n, 0)
		}
	}
	require.Less(t, drafts, 40)

	s = speculation{}
	for range 10 {
		if n := s.want(16, 1, 1, &cost); n > 0 {
			s.learn(n, n)
		}
	}
	require.Equal(t, 16, s.want(16, 1, 1, &cost), "all accepted: the longest draft")

	// Where every row costs a step's worth, even good guesses do not pay.
	var dear costCurve
	for rows := 1; rows <= 64; rows *= 2 {
		dear.observe(rows, time.Duration(rows)*10*time.Millisecond)
	}
	s = speculation{}
	require.Zero(t, s.want(16, 1, 1, &dear))
}

func TestCostCurve(t *testing.T) {
	var c costCurve
	require.Zero(t, c.predict(5))
	c.observe(1, 10*time.Millisecond)
	require.InDelta(t, 0.010, c.predict(1), 1e-9)
	require.InDelta(t, 0.080, c.predict(8), 1e-9, "beyond the known: in proportion")
	c.observe(64, 73*time.Millisecond)
	require.InDelta(t, 0.010+0.063*31/63, c.predict(32), 1e-9)
	require.Equal(t, 13, c.tokensWithin(0.0225, 512))
	for range 20 {
		c.observe(1, 20*time.Millisecond)
	}
	require.InDelta(t, 0.020, c.predict(1), 0.0005, "it follows")
}

// While prompts are read, no step may take longer than the stretch allows, on
// a machine whose steps take a millisecond per row after ten.
func TestLongPromptsDoNotStallRunningSequences(t *testing.T) {
	r := newRig(t, 256, Options{Parallel: 8, Speculate: -1})
	seconds := func(rows int) float64 { return 0.010 + 0.001*float64(max(rows-8, 0)) }
	observe := func() {
		n := r.fake.steps[len(r.fake.steps)-1]
		r.sched.cost = trained(seconds)
		require.LessOrEqual(t, seconds(n), 2.2*seconds(2), "a step of %d rows", n)
	}
	r.sched.cost = trained(seconds)
	for i := range 2 {
		q := greedy(prompt(4, i), 0)
		q.IgnoreEOS = true
		r.submit1(t, q)
	}
	r.intake()
	r.turn(t)
	r.submit1(t, greedy(prompt(4000, 1), 2))
	short := r.submit1(t, greedy(prompt(30, 3), 2))
	r.intake()
	for range 8 {
		r.turn(t)
		observe()
	}
	_, err := short.Wait()
	require.NoError(t, err, "the short prompt does not wait for the long one")
	for r.sched.running[2].pending() > 1 {
		r.turn(t)
		observe()
	}
	require.True(t, r.busy())
	r.expire(nil, true)
}

func trained(seconds func(int) float64) (c costCurve) {
	for rows := 1; rows <= 512; rows *= 2 {
		c.observe(rows, time.Duration(seconds(rows)*1e9))
	}
	return c
}

var coder = model.Config{
	Arch: "qwen2", Layers: 24, Hidden: 896, Heads: 14, KVHeads: 2, HeadDim: 64, FFN: 4864,
	Vocab: 151936, Context: 32768, WeightBytes: 485 * mib,
}

func TestPlan(t *testing.T) {
	o := Options{Threads: 4, Parallel: 8, Context: 4096, MemoryLimit: 4096 * mib}
	p, err := Plan(coder, o, machine.Memory{Total: 7200 * mib, Available: 1000 * mib})
	require.NoError(t, err)
	require.Equal(t, "memory limit", p.Source, "what the user says replaces what is available now")
	require.Equal(t, int64(8*4096*12288), p.KV)
	require.Equal(t, 4096, p.Context)
	require.Equal(t, p.Weights+p.KV+p.Scratch+p.Requests+p.Margin, p.Total)
	require.Contains(t, p.String(), "1024 blocks of 32 tokens in f16")

	// The lowest limit counts, and what is automatic is fitted under it.
	o = Options{Threads: 2, Parallel: 8}
	p, err = Plan(coder, o, machine.Memory{Total: 7200 * mib, Available: 3000 * mib, GroupLimit: 900 * mib})
	require.NoError(t, err)
	require.Equal(t, "control group", p.Source)
	require.LessOrEqual(t, p.Total, p.Limit)
	require.Greater(t, p.Total, p.Limit-p.BlockBytes-bytesPerBlock)
	require.Less(t, p.Context, 32768)
	require.Equal(t, p.Blocks*32, p.Context)

	// What others hold of a group is not there to plan with, unless the user
	// says that it is; the group's limit always holds.
	shared := machine.Memory{Total: 7200 * mib, Available: 3000 * mib, GroupLimit: 1400 * mib, GroupOthers: 500 * mib}
	p, err = Plan(coder, o, shared)
	require.NoError(t, err)
	require.Equal(t, "control group (1400.0 MiB, others hold 500.0 MiB)", p.Source)
	require.Equal(t, int64(900*mib), p.Limit)
	p, err = Plan(coder, Options{Threads: 2, Parallel: 8, MemoryLimit: 1200 * mib}, shared)
	require.NoError(t, err)
	require.Equal(t, int64(1200*mib), p.Limit)
	shared.GroupOthers = shared.GroupLimit
	_, err = Plan(coder, o, shared)
	require.ErrorContains(t, err, "others hold 1400.0 MiB")

	for name, c := range map[string]struct {
		o    Options
		m    machine.Memory
		want []string
	}{
		"weights do not fit":        {Options{MemoryLimit: 300 * mib}, machine.Memory{}, []string{"485.0 MiB", "300.0 MiB", "memory limit", "smaller model"}},
		"stated context":            {Options{Context: 32768, Parallel: 1, MemoryLimit: 900 * mib}, machine.Memory{}, []string{"900.0 MiB", "lower the context"}},
		"KV memory for the context": {Options{Context: 4096, KVMemory: 10 * mib}, machine.Memory{}, []string{"10.0 MiB", "4096", "48.0 MiB"}},
		"KV memory and the machine": {Options{KVMemory: 2048 * mib}, machine.Memory{Available: 1024 * mib}, []string{"2047.9 MiB", "1024.0 MiB", "memory available"}},
		"context of the model":      {Options{Context: 40000}, machine.Memory{}, []string{"40000", "32768"}},
	} {
		_, err := Plan(coder, c.o, c.m)
		require.Error(t, err, name)
		for _, w := range c.want {
			require.ErrorContains(t, err, w, name)
		}
	}
}
