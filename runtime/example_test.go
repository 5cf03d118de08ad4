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
