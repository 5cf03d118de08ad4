// Command chat answers a question with a model, in a program of its own: it
// embeds the engine. Its module needs a replace of cllm with where that lies;
// then `go mod tidy && go run . model.gguf "a question"`.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"cllm/chat"
	"cllm/gguf"
	"cllm/model"
	"cllm/runtime"
	"cllm/tokenizer"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: chat MODEL.gguf QUESTION")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := answer(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func answer(ctx context.Context, path, question string) error {
	file, err := gguf.Open(path) // mapped: it must stay open
	if err != nil {
		return err
	}
	defer file.Close()
	weights, err := model.Load(file)
	if err != nil {
		return err
	}
	words, err := tokenizer.New(file)
	if err != nil {
		return err
	}
	prompt, err := promptOf(words, question)
	if err != nil {
		return err
	}

	engine, err := runtime.New(weights, words, runtime.Options{Parallel: 1})
	if err != nil {
		return err
	}
	defer engine.Close()
	stream, err := engine.Submit(ctx, runtime.Request{
		Prompt:    prompt,
		MaxTokens: 64,
		Sampling:  runtime.Sampling{Temperature: 0.7, TopP: 0.9, Seed: runtime.FixedSeed(1)},
	})
	if err != nil {
		return err
	}
	defer stream.Close()
	for event, err := range stream.Events() {
		if err != nil {
			return err
		}
		fmt.Print(event.Text)
		if event.Done {
			fmt.Printf("\n[%s: %d tokens after %d]\n", event.FinishReason, event.Usage.CompletionTokens, event.Usage.PromptTokens)
		}
	}
	return nil
}

// promptOf puts a question into the form that the model's file asks for. What
// the user wrote stays text: no control token comes from it.
func promptOf(words *tokenizer.Tokenizer, question string) ([]int32, error) {
	source := chat.Source{BOS: words.BOSText(), EOS: words.EOSText(), Has: func(token string) bool {
		_, found := words.ID(token)
		return found
	}}
	source.Template, _ = words.Template("")
	template, err := chat.New(source, "")
	if err != nil {
		return nil, err
	}
	prompt, err := template.Render(&chat.Conversation{Messages: []chat.Message{{Role: "user", Content: []string{question}}}})
	if err != nil {
		return nil, err
	}
	segments := make([]tokenizer.Segment, len(prompt.Segments))
	for i, s := range prompt.Segments {
		segments[i] = tokenizer.Segment{Text: s.Text, Special: s.Special}
	}
	return words.EncodePromptSegments(segments...), nil
}
