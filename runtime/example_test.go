package runtime_test

import (
	"context"
	"fmt"
	"log"

	"cllm/gguf"
	"cllm/model"
	"cllm/runtime"
	"cllm/tokenizer"
)

// open starts an engine on a model file. A program keeps one engine, and
// closes it, and then the file, at its end.
func open(path string) (*runtime.Engine, *tokenizer.Tokenizer, func()) {
	f, err := gguf.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	m, err := model.Load(f)
	if err != nil {
		log.Fatal(err)
	}
	tok, err := tokenizer.New(f)
	if err != nil {
		log.Fatal(err)
	}
	e, err := runtime.New(m, tok, runtime.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return e, tok, func() {
		e.Close()
		f.Close()
	}
}

// A request's text arrives piece by piece.
func ExampleEngine_Submit() {
	e, tok, stop := open("../testdata/demo-qwen2-q4_k_m.gguf")
	defer stop()

	stream, err := e.Submit(context.Background(), runtime.Request{
		Prompt:    tok.Encode(nil, "Once upon a time", true),
		MaxTokens: 8,
	})
	if err != nil {
		log.Fatal(err)
	}
	for event, err := range stream.Events() {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(event.Text)
		if event.Done {
			fmt.Printf(" [%s, %d tokens]\n", event.FinishReason, event.Usage.CompletionTokens)
		}
	}
	// Output:  there lived a man who had a wife [length, 8 tokens]
}

// Several choices share the computation of the prompt. Each has its own draws,
// and the same seed gives the same draws again.
func ExampleStream_Wait() {
	e, tok, stop := open("../testdata/demo-qwen2-q4_k_m.gguf")
	defer stop()

	stream, err := e.Submit(context.Background(), runtime.Request{
		Prompt:    tok.Encode(nil, "The king", true),
		MaxTokens: 5,
		N:         2,
		Sampling:  runtime.Sampling{Temperature: 0.8, TopK: 40, Seed: runtime.FixedSeed(1)},
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := stream.Wait()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(result.Choices), "choices,", result.Usage.CompletionTokens, "tokens")
	// Output: 2 choices, 10 tokens
}

// Embeddings have length 1, so their dot product is the cosine.
func ExampleEngine_Embed() {
	e, tok, stop := open("../testdata/demo-qwen2-q4_k_m.gguf")
	defer stop()

	embed := func(text string) []float32 {
		v, err := e.Embed(context.Background(), tok.Encode(nil, text, false), runtime.PoolMean)
		if err != nil {
			log.Fatal(err)
		}
		return v
	}
	cosine := func(a, b []float32) (sum float32) {
		for i := range a {
			sum += a[i] * b[i]
		}
		return sum
	}
	king := embed("The king went into the wood.")
	fmt.Println(cosine(king, embed("The queen went into the forest.")) > cosine(king, embed("He ate seven apples!")))
	// Output: true
}

// Two engines of one process compute on the same workers, in turns, and are
// planned out of the same memory.
func ExampleLedger() {
	workers, err := runtime.NewWorkers(0, "")
	if err != nil {
		log.Fatal(err)
	}
	defer workers.Close()
	ledger := runtime.NewLedger(1 << 30)
	for _, path := range []string{"../testdata/demo-qwen2-q4_k_m.gguf", "../testdata/demo-qwen3-f16.gguf"} {
		f, err := gguf.Open(path)
		if err != nil {
			log.Fatal(err)
		}
		defer f.Close()
		m, err := model.Load(f)
		if err != nil {
			log.Fatal(err)
		}
		tok, err := tokenizer.New(f)
		if err != nil {
			log.Fatal(err)
		}
		e, err := runtime.New(m, tok, runtime.Options{Workers: workers, Ledger: ledger, Parallel: 4})
		if err != nil {
			log.Fatal(err) // it does not fit beside the others, with the numbers
		}
		defer e.Close()
	}
	fmt.Println(len(ledger.Plans()), "engines")
	// Output: 2 engines
}

// oneOf is a constraint: a single token out of a few, then the end.
type oneOf struct {
	first, then []int32
	said        bool
}

func (c *oneOf) Mask(allowed []uint64) {
	clear(allowed)
	ids := c.first
	if c.said {
		ids = c.then
	}
	for _, id := range ids {
		allowed[id/64] |= 1 << (id % 64)
	}
}

func (c *oneOf) Accept(int32) { c.said = true }

func (c *oneOf) Clone() runtime.Constraint {
	clone := *c
	return &clone
}

// A constraint says what may come next.
func ExampleConstraint() {
	e, tok, stop := open("../testdata/demo-qwen2-q4_k_m.gguf")
	defer stop()

	queenOrWolf := &oneOf{then: tok.EndTokens()}
	for _, word := range []string{" queen", " wolf"} {
		queenOrWolf.first = append(queenOrWolf.first, tok.Encode(nil, word, false)[0])
	}
	stream, err := e.Submit(context.Background(), runtime.Request{
		Prompt:     tok.Encode(nil, "The king married the", false),
		Constraint: queenOrWolf,
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := stream.Wait()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Choices[0].Text, result.Choices[0].FinishReason)
	// Output:  queen stop
}
