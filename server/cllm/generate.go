package cllm

import (
	"math"
	"net/http"
	"time"

	"cllm/runtime"
	"cllm/server/api"
)

// generation is one request to /generate.
type generation struct {
	api.Request
	id     string
	asked  int // max_tokens as it was asked for
	start  time.Time
	stream bool
}

// noLimit is what clients ask for by -1.
const noLimit = -1

// read reads the fields of /generate.
func (d *dialect) read(body *api.Body) (*generation, error) {
	c := d.Config()
	g := &generation{id: d.NewID(), start: time.Now(), asked: c.Defaults.MaxTokens}
	g.Text, g.ParseSpecial, g.N = c.Defaults.Prompt, true, 1
	p := &g.Sampling
	p.Temperature, p.TopP = float32(c.Defaults.Temperature), float32(c.Defaults.TopP)
	p.TopK, p.RepetitionPenalty = c.Defaults.TopK, float32(c.Defaults.RepetitionPenalty)

	if !body.Text("prompt", &g.Text) && g.Text == "" {
		body.Fail("prompt", "prompt is missing")
	}
	body.IntegerOr("max_tokens", &g.asked, 0, math.MaxInt32, "no limit")
	body.Number("temperature", &p.Temperature, 0, maxTemperature)
	body.IntegerOr("top_k", &p.TopK, 0, math.MaxInt32, "all")
	body.Number("top_p", &p.TopP, 0, 1)
	body.Positive("repetition_penalty", &p.RepetitionPenalty, maxPenalty)
	body.Number("min_p", &p.MinP, 0, 1)
	body.Number("presence_penalty", &p.PresencePenalty, -maxPenalty, maxPenalty)
	body.Number("frequency_penalty", &p.FrequencyPenalty, -maxPenalty, maxPenalty)
	body.Biases("logit_bias", &p.LogitBias, maxBias)
	var seed uint64
	if body.Seed("seed", &seed) {
		p.Seed = runtime.FixedSeed(seed)
	}
	body.Texts("stop", &g.Stop)
	body.TokenIDs("stop_tokens", &g.StopTokens)
	body.Bool("ignore_eos", &g.IgnoreEOS)
	body.Integer("min_tokens", &g.MinTokens, 0, math.MaxInt32)
	body.Integer("n", &g.N, 1, d.Facts().Limits.Parallel)
	body.Integer("logprobs", &g.TopLogProbs, 0, runtime.MaxTopLogProbs)
	body.Bool("echo", &g.Echo)
	body.Bool("special", &g.Special)
	body.Bool("parse_special", &g.ParseSpecial)
	var timeout float32
	body.Number("timeout", &timeout, 0, 1e9)
	body.Bool("stream", &g.stream)
	if err := body.Done(); err != nil {
		return nil, err
	}
	g.Timeout = time.Duration(float64(timeout) * float64(time.Second))
	g.LogProbs = g.TopLogProbs > 0
	g.limits()
	return g, nil
}

// limits turns what numbers mean over HTTP into what they mean to the engine,
// whose zeros are its defaults.
func (g *generation) limits() {
	p := &g.Sampling
	switch g.asked {
	case 0:
		g.PromptOnly = true
	case noLimit:
	default:
		g.MaxTokens = g.asked
	}
	p.TopK = max(p.TopK, 0) // to the engine 0 is all, as -1 is
	p.TopP = runtime.LeastTopP(p.TopP)
}

const (
	maxTemperature = 2 // above it everything is noise
	maxPenalty     = 100
	maxBias        = 100
)

func (d *dialect) generate(w http.ResponseWriter, r *http.Request) error {
	return d.respond(w, r, false)
}

func (d *dialect) generateStream(w http.ResponseWriter, r *http.Request) error {
	return d.respond(w, r, true)
}

func (d *dialect) respond(w http.ResponseWriter, r *http.Request, stream bool) error {
	body, err := d.ReadBody(w, r)
	if err != nil {
		return err
	}
	defer body.Close()
	g, err := d.read(body)
	if err != nil {
		return err
	}
	if err := d.TokenizePrompt(r.Context(), &g.Request); err != nil {
		return err
	}
	g.stream = g.stream || stream
	if !g.stream {
		g.Hold = g.certain(d.Facts().Context)
	}
	events, err := d.Generate(r.Context(), &g.Request)
	if err != nil {
		return err
	}
	defer events.Close()
	body.Close()
	if g.stream {
		return d.SendStream(w, r, events, &frames{dialect: d, generation: g})
	}
	a := newAnswer(d, g, events)
	for ev, err := range api.Events(r.Context(), events) {
		if err != nil {
			return err
		}
		if err := a.add(&ev); err != nil {
			return err
		}
	}
	return a.write(w)
}
