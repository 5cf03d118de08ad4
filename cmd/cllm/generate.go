package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cllm/chat"
	"cllm/runtime"
	"cllm/tokenizer"
)

// generateFlags are the flags of the command.
type generateFlags struct {
	settings                *settings
	prompt, file            string
	system, template        string
	chat, json, ignoreEOS   bool
	tokens, topK            int
	temperature, topP, minP float32
	repetition              float32
	presence, frequency     float32
	seed                    seedFlag
	stop                    []string
}

func newGenerate() *cobra.Command {
	var o generateFlags
	cmd := &cobra.Command{
		Use:   "generate",
		Short: "Continue a prompt",
		Long:  "Continue a prompt, from -p, a file or standard input, and stream the text to standard output.\nA prompt is taken as it is, a line break at its end too; special tokens in it, as <|im_start|>, are parsed,\nbut not in what --chat takes for a message.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&o.prompt, "prompt", "p", "", "the prompt")
	f.StringVarP(&o.file, "file", "f", "", "file with the prompt")
	f.BoolVar(&o.chat, "chat", false, "put the prompt through the model's chat form, as a user's message")
	f.StringVar(&o.system, "system", "", "with --chat: what the system says before the message")
	f.StringVar(&o.template, "chat-template", "", "with --chat: a file with a template, the name of one of the model file's own, or chatml")
	f.IntVarP(&o.tokens, "tokens", "n", 256, "tokens to generate; -1 is as many as the context holds")
	f.Float32Var(&o.temperature, "temperature", 0.7, "0 is greedy")
	f.IntVar(&o.topK, "top-k", 40, "draw from the k likeliest tokens; 0 or -1 is all")
	f.Float32Var(&o.topP, "top-p", 0.9, "draw from the likeliest tokens that hold this probability; 1 is all, 0 the likeliest alone")
	f.Float32Var(&o.minP, "min-p", 0, "draw from tokens at least this likely relative to the first; 0 is all")
	f.Float32Var(&o.repetition, "repetition-penalty", 1.1, "1 is none")
	f.Float32Var(&o.presence, "presence-penalty", 0, "subtracted from tokens that occurred")
	f.Float32Var(&o.frequency, "frequency-penalty", 0, "subtracted for each occurrence")
	f.Var(&o.seed, "seed", "fixes the draws; -1 draws at random")
	f.StringArrayVar(&o.stop, "stop", nil, "end before this text; may be repeated")
	f.BoolVar(&o.ignoreEOS, "ignore-eos", false, "never draw the model's end tokens")
	f.BoolVar(&o.json, "json", false, "print one JSON object instead of the text")
	o.settings = addSettings(f, append(modelSettings, "threads", "max-context-length", "kv-type", "memory-limit", "kv-cache-memory", "mlock")...)
	return cmd
}

// seedFlag is --seed.
type seedFlag struct{ fixed *uint64 } // nil: random

func (s *seedFlag) Type() string { return "seed" }

func (s *seedFlag) String() string {
	if s.fixed == nil {
		return "-1"
	}
	return strconv.FormatUint(*s.fixed, 10)
}

func (s *seedFlag) Set(value string) error {
	if value == "-1" {
		s.fixed = nil
		return nil
	}
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil {
		return fmt.Errorf("must be from 0 to %d, or -1 for a random one", uint64(math.MaxUint64))
	}
	s.fixed = &n
	return nil
}

// timings are the times of a generation, as --json shows them.
type timings struct {
	Load           float64 `json:"load_ms"`
	FirstToken     float64 `json:"first_token_ms"` // from the start of the process
	PromptTokens   int     `json:"prompt_n"`
	Prompt         float64 `json:"prompt_ms"`
	PromptRate     float64 `json:"prompt_per_second"`
	Generated      int     `json:"generated_n"`
	Generate       float64 `json:"generated_ms"`
	GenerateRate   float64 `json:"generated_per_second"`
	PerToken       float64 `json:"ms_per_token"`
	BytesPerSecond float64 `json:"gb_per_s"` // of weights read while generating
}

// processStart is as near to the start of the process as Go lets us see.
var processStart = time.Now()

func (o *generateFlags) run(cmd *cobra.Command) (err error) {
	start := time.Now()
	if o.tokens < -1 {
		return usage("--tokens is %d, must be 0 or more, or -1 for as many as the context holds", o.tokens)
	}
	if o.topK < -1 {
		return usage("--top-k is %d, must be 0 or more, or -1 for all", o.topK)
	}
	if !o.chat && o.system+o.template != "" {
		return usage("--system and --chat-template are of use with --chat alone")
	}
	if o.repetition == 0 { // which the engine takes for none
		return usage("--repetition-penalty is 0, must be above 0; 1 is none")
	}
	req := runtime.Request{MaxTokens: max(o.tokens, 0), PromptOnly: o.tokens == 0, Stop: o.stop, IgnoreEOS: o.ignoreEOS,
		Sampling: runtime.Sampling{Temperature: o.temperature, TopK: max(o.topK, 0), TopP: runtime.LeastTopP(o.topP), MinP: o.minP,
			RepetitionPenalty: o.repetition, PresencePenalty: o.presence, FrequencyPenalty: o.frequency}}
	if o.seed.fixed != nil {
		req.Sampling.Seed = runtime.FixedSeed(*o.seed.fixed)
	}
	c, _, err := o.settings.load()
	if err != nil {
		return err
	}
	options := engineOptions(c, commandLog(cmd))
	options.Parallel = 1
	var arg *string
	if cmd.Flags().Changed("prompt") {
		arg = &o.prompt
	}
	prompt, err := inputText(cmd, arg, o.file)
	if err != nil {
		return err
	}
	l, err := load(c, options.Logger)
	if err != nil {
		return err
	}
	defer l.Close()
	if req.Prompt, err = o.encode(l.tokenizer, prompt); err != nil {
		return err
	}
	engine, err := runtime.New(l.model, l.tokenizer, options)
	if err != nil {
		return err
	}
	defer engine.Close()
	l.lock(c, options.Logger)
	t := timings{Load: ms(time.Since(start))}
	out := cmd.OutOrStdout()
	if o.json {
		out = io.Discard
	}
	result, err := stream(cmd.Context(), engine, req, out, &t)
	if err != nil {
		return err
	}
	choice := result.Choices[0]
	t.add(result, l.bytesPerStep())
	if o.json {
		err = writeJSON(cmd.OutOrStdout(), map[string]any{
			"text": choice.Text, "tokens": list(choice.Tokens), "prompt_tokens": list(req.Prompt),
			"finish_reason": choice.FinishReason, "timings": t,
		})
		if err == nil && cmd.Context().Err() != nil {
			err = errInterrupted
		}
		return err
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "\nload %.0f ms | prompt %d tokens, %.1f tokens/s | generated %d tokens, %.1f tokens/s, %.2f ms per token, %.2f GB/s | %s\n",
		t.Load, t.PromptTokens, t.PromptRate, t.Generated, t.GenerateRate, t.PerToken, t.BytesPerSecond, choice.FinishReason)
	if cmd.Context().Err() != nil {
		return errInterrupted
	}
	return nil
}

// encode returns the tokens of a prompt. In a message of a chat no control tokens are parsed.
func (o *generateFlags) encode(t *tokenizer.Tokenizer, prompt string) ([]int32, error) {
	if !o.chat {
		return t.EncodePrompt(prompt, true), nil
	}
	form, err := chatTemplate(t, o.template, true)
	if err != nil {
		return nil, err
	}
	c := &chat.Conversation{Messages: []chat.Message{{Role: "user", Content: []string{prompt}}}}
	if o.system != "" {
		c.Messages = []chat.Message{{Role: "system", Content: []string{o.system}}, c.Messages[0]}
	}
	return encodeChat(t, form, c)
}

// stream writes the text as it comes and returns it whole.
func stream(ctx context.Context, engine *runtime.Engine, req runtime.Request, out io.Writer, t *timings) (*runtime.Result, error) {
	events, err := engine.Submit(ctx, req)
	if err != nil {
		return nil, err
	}
	defer events.Close()
	result := &runtime.Result{Choices: make([]runtime.Choice, 1)}
	c := &result.Choices[0]
	for ev, err := range events.Events() {
		if err != nil {
			return nil, err
		}
		if t.FirstToken == 0 && len(ev.Tokens) > 0 {
			t.FirstToken = ms(time.Since(processStart))
		}
		if _, err := io.WriteString(out, ev.Text); err != nil {
			return nil, err
		}
		c.Text += ev.Text
		c.Tokens = append(c.Tokens, ev.Tokens...)
		if ev.Done {
			c.FinishReason, c.Timings, result.Usage = ev.FinishReason, ev.Timings, ev.Usage
		}
	}
	_, err = io.WriteString(out, "\n")
	return result, err
}

// add fills in the rates. The first token comes out of the prompt's pass, so
// generating is the passes after it.
func (t *timings) add(r *runtime.Result, weights int64) {
	times := r.Choices[0].Timings
	t.PromptTokens, t.Generated = r.Usage.PromptTokens, r.Usage.CompletionTokens
	t.Prompt, t.Generate = ms(times.Prompt), ms(times.Generate)
	if t.Prompt > 0 {
		t.PromptRate = float64(t.PromptTokens) / t.Prompt * 1e3
	}
	if passes := float64(t.Generated - 1); passes > 0 && t.Generate > 0 {
		t.GenerateRate = passes / t.Generate * 1e3
		t.PerToken = t.Generate / passes
		t.BytesPerSecond = t.GenerateRate * float64(weights) / 1e9
	}
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// list is ids as a JSON list even when there are none.
func list(ids []int32) []int32 {
	if ids == nil {
		return []int32{}
	}
	return ids
}
