package openai

import (
	"math"

	"cllm/runtime"
	"cllm/server/api"
)

const (
	maxTemperature = 2
	maxPenalty     = 2
	maxRepetition  = 100
	maxBias        = 100
	maxN           = 128
)

// readSampling reads what chat completions and completions have in common. The
// defaults are OpenAI's: temperature 1, no penalty, tokens up to the context.
func (d *dialect) readSampling(body *api.Body, r *api.Request) {
	p := &r.Sampling
	p.Temperature, p.TopP, p.RepetitionPenalty, r.N = 1, 1, 1, 1
	body.Number("temperature", &p.Temperature, 0, maxTemperature)
	body.Number("top_p", &p.TopP, 0, 1)
	body.IntegerOr("top_k", &p.TopK, 0, math.MaxInt32, "all")
	body.Number("min_p", &p.MinP, 0, 1)
	body.Number("presence_penalty", &p.PresencePenalty, -maxPenalty, maxPenalty)
	body.Number("frequency_penalty", &p.FrequencyPenalty, -maxPenalty, maxPenalty)
	body.Positive("repetition_penalty", &p.RepetitionPenalty, maxRepetition)
	p.PenaltyWindow = -1 // OpenAI's penalties see all of the text
	body.Biases("logit_bias", &p.LogitBias, maxBias)
	var seed uint64
	if body.Seed("seed", &seed) {
		p.Seed = runtime.FixedSeed(seed)
	}
	body.Texts("stop", &r.Stop)
	body.TokenIDs("stop_token_ids", &r.StopTokens)
	body.Bool("ignore_eos", &r.IgnoreEOS)
	body.Integer("min_tokens", &r.MinTokens, 0, math.MaxInt32)
	body.Integer("n", &r.N, 1, min(maxN, d.Facts().Limits.Parallel))
	p.TopK, p.TopP = max(p.TopK, 0), runtime.LeastTopP(p.TopP)
	refuseConstraints(body)
}

// refuseConstraints refuses what would bind answers to a schema or a grammar:
// OpenAI's field, llama-server's and vLLM's. Who asks for one reads the answer
// by it.
func refuseConstraints(body *api.Body) {
	object(body, "response_format", func(o *nested) {
		var kind string
		if o.Text("type", &kind); kind != "text" {
			o.Fail("type", "type %q is not supported yet: answers cannot be bound to a schema", kind)
		}
	})
	for _, name := range []string{"json_schema", "grammar", "structured_outputs", "guided_json", "guided_regex", "guided_choice", "guided_grammar"} {
		refuse(body, name, "is not supported yet: answers cannot be bound to a schema or a grammar")
	}
}

// readMaxTokens reads the first of the fields that is there; without one the
// context is the limit.
func readMaxTokens(body *api.Body, r *api.Request, names ...string) {
	const absent = math.MinInt
	n := absent
	for _, name := range names {
		own := absent
		body.IntegerOr(name, &own, 0, math.MaxInt32, "no limit")
		if n == absent {
			n = own
		}
	}
	switch {
	case n == 0:
		r.PromptOnly, r.MaxTokens = true, 0
	case n > 0:
		r.MaxTokens = n
	}
}

// readModel reads the model's name. One model is served, whatever it is called.
func (d *dialect) readModel(body *api.Body) {
	var name string
	body.Text("model", &name)
}

// readStream reads stream and stream_options.
func readStream(body *api.Body) (stream, includeUsage bool) {
	body.Bool("stream", &stream)
	object(body, "stream_options", func(o *nested) {
		o.Bool("include_usage", &includeUsage)
		var obfuscation bool // of no use here
		o.Bool("include_obfuscation", &obfuscation)
	})
	return stream, includeUsage
}

// refuse answers that a field which is there cannot be honoured. A value in
// idle asks for nothing.
func refuse(body *api.Body, name, why string, idle ...string) {
	raw, ok := body.Value(name)
	if !ok {
		return
	}
	for _, s := range idle {
		if string(raw) == s {
			return
		}
	}
	body.Fail(name, "%s: %s", name, why)
}
