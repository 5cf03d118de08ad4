package cllm

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"cllm/runtime"
	"cllm/server/api"
	"cllm/server/fields"
)

// No body makes the server fail: it is read as something that makes sense, or
// refused.
func FuzzRead(f *testing.F) {
	d := &dialect{Server: &recorder{}}
	for _, body := range []string{
		`{"prompt":"Once","max_tokens":2,"temperature":0.5,"top_p":1,"top_k":3,"seed":-1,"stop":["a"],"logit_bias":{"1":2}}`,
		`{"prompt":"x","n":1e0,"logprobs":-0,"timeout":1e-300,"stream":null,"stop_tokens":[1,2]}`,
		`{"prompt":"x","max_tokens":-1,"top_k":-1,"top_p":0,"logprobs":20}`, `{"prompt":"x","max_tokens":0}`,
		`{"prompt":"\ud800","min_p":1E400}`, `[[[`, `{"a":1}{"b":2}`, "\xff", ``, `nul`, "\ufeff{}",
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		g, err := d.read(&api.Body{Object: fields.Parse([]byte(body)), Release: func() {}, OnUnknown: func(string) {}})
		if err != nil {
			require.Equal(t, api.BadRequest, api.ErrorOf(err).Kind, "%v", err)
			return
		}
		p := g.Sampling
		require.True(t, g.MaxTokens > 0 || g.asked == noLimit || g.PromptOnly)
		require.GreaterOrEqual(t, g.Timeout, time.Duration(0))
		require.GreaterOrEqual(t, p.TopK, 0)
		require.True(t, p.TopP > 0 && p.TopP <= 1)
		require.Equal(t, g.TopLogProbs > 0, g.LogProbs)
		require.LessOrEqual(t, g.TopLogProbs, runtime.MaxTopLogProbs)
		for _, x := range []float32{p.Temperature, p.MinP, p.PresencePenalty, p.FrequencyPenalty, p.RepetitionPenalty} {
			require.False(t, math.IsNaN(float64(x)) || math.IsInf(float64(x), 0))
		}
	})
}
