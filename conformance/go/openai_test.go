// Package conformance asks the servers of scripts/conformance.sh with OpenAI's
// client for Go.
package conformance

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/require"
)

func dial(server string, more ...option.RequestOption) openai.Client {
	base := option.WithBaseURL(os.Getenv("CLLM_"+server) + "/v1")
	return openai.NewClient(append([]option.RequestOption{base, option.WithAPIKey(os.Getenv("CLLM_KEY")), option.WithMaxRetries(0)}, more...)...)
}

// story is a conversation of several turns.
func story() openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model: "demo", MaxTokens: openai.Int(12), Temperature: openai.Float(0),
		Messages: []openai.ChatCompletionMessageParamUnion{
			openai.SystemMessage("You tell stories."), openai.UserMessage("Tell me one."),
			openai.AssistantMessage("Once there was a king."),
			openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{openai.TextContentPart("And then?")}),
		},
	}
}

func endless() option.RequestOption { return option.WithJSONSet("ignore_eos", true) }

type load struct{ Running, Waiting int }

func health(t *testing.T, server string) load {
	res, err := http.Get(os.Getenv("CLLM_"+server) + "/health")
	require.NoError(t, err)
	defer res.Body.Close()
	var h struct{ Data load }
	require.NoError(t, json.NewDecoder(res.Body).Decode(&h))
	return h.Data
}

// idle waits until nothing runs: an answer that nobody reads has ended.
func idle(t *testing.T, server string) {
	require.Eventually(t, func() bool { return health(t, server) == load{} }, 5*time.Second, 20*time.Millisecond)
}

func fails(t *testing.T, err error, status int, code, field string) {
	var e *openai.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, []any{status, code, field}, []any{e.StatusCode, e.Code, e.Param})
	require.NotEmpty(t, e.Message)
}

func TestModels(t *testing.T) {
	c := dial("DEMO")
	list := c.Models.ListAutoPaging(t.Context())
	require.True(t, list.Next())
	require.Equal(t, "demo", list.Current().ID)
	require.False(t, list.Next())
	require.NoError(t, list.Err())
	one, err := c.Models.Get(t.Context(), "demo")
	require.NoError(t, err)
	require.EqualValues(t, "model", one.Object)
	_, err = c.Models.Get(t.Context(), "other")
	fails(t, err, 404, "model_not_found", "model")
}

func TestChat(t *testing.T) {
	c, ask := dial("DEMO"), story()
	whole, err := c.Chat.Completions.New(t.Context(), ask)
	require.NoError(t, err)
	require.EqualValues(t, "length", whole.Choices[0].FinishReason)
	require.EqualValues(t, 12, whole.Usage.CompletionTokens)

	ask.StreamOptions = openai.ChatCompletionStreamOptionsParam{IncludeUsage: openai.Bool(true)}
	ask.Logprobs, ask.TopLogprobs = openai.Bool(true), openai.Int(2)
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask)
	var all openai.ChatCompletionAccumulator
	for stream.Next() {
		require.True(t, all.AddChunk(stream.Current()))
	}
	require.NoError(t, stream.Err())
	require.Equal(t, whole.Choices[0].Message.Content, all.Choices[0].Message.Content)
	require.Equal(t, whole.Usage.PromptTokens, all.Usage.PromptTokens)
	require.Len(t, all.Choices[0].Logprobs.Content, 12)
	require.Len(t, all.Choices[0].Logprobs.Content[0].TopLogprobs, 2)

	several := story()
	several.N, several.Seed, several.Temperature = openai.Int(3), openai.Int(7), openai.Float(1)
	several.Stop = openai.ChatCompletionNewParamsStopUnion{OfStringArray: []string{"never", "at all"}}
	several.LogitBias = map[string]int64{"10": -100}
	one, err := c.Chat.Completions.New(t.Context(), several)
	require.NoError(t, err)
	two, err := c.Chat.Completions.New(t.Context(), several)
	require.NoError(t, err)
	require.Len(t, one.Choices, 3)
	for i := range one.Choices {
		require.Equal(t, one.Choices[i].Message.Content, two.Choices[i].Message.Content)
	}
}

func TestReasoning(t *testing.T) {
	c, ask := dial("THINK"), story()
	ask.ReasoningEffort = shared.ReasoningEffortLow
	whole, err := c.Chat.Completions.New(t.Context(), ask)
	require.NoError(t, err)
	var message struct {
		Thought string `json:"reasoning_content"`
	}
	require.NoError(t, json.Unmarshal([]byte(whole.Choices[0].Message.RawJSON()), &message))
	require.NotEmpty(t, message.Thought)
	require.Empty(t, whole.Choices[0].Message.Content)
	var streamed strings.Builder
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask)
	for stream.Next() {
		var delta struct {
			Thought string `json:"reasoning_content"`
		}
		require.NoError(t, json.Unmarshal([]byte(stream.Current().Choices[0].Delta.RawJSON()), &delta))
		streamed.WriteString(delta.Thought)
	}
	require.NoError(t, stream.Err())
	require.Equal(t, message.Thought, streamed.String())
}

func TestTools(t *testing.T) {
	c := dial("TOOLS")
	ask := openai.ChatCompletionNewParams{
		Model: "any", Temperature: openai.Float(0), MaxTokens: openai.Int(60),
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("What is the weather in Paris?")},
		Tools: []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: "get_weather", Description: openai.String("The weather of a city now"),
			Parameters: shared.FunctionParameters{"type": "object", "required": []string{"city"},
				"properties": map[string]any{"city": map[string]string{"type": "string"}}},
		})},
	}
	whole, err := c.Chat.Completions.New(t.Context(), ask)
	require.NoError(t, err)
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask)
	var all openai.ChatCompletionAccumulator
	finished := 0
	for stream.Next() {
		require.True(t, all.AddChunk(stream.Current()))
		if call, ok := all.JustFinishedToolCall(); ok {
			require.Equal(t, "get_weather", call.Name)
			finished++
		}
	}
	require.NoError(t, stream.Err())
	require.Equal(t, 1, finished)
	for _, answer := range []openai.ChatCompletion{*whole, all.ChatCompletion} {
		require.EqualValues(t, "tool_calls", answer.Choices[0].FinishReason)
		require.Len(t, answer.Choices[0].Message.ToolCalls, 1)
		call := answer.Choices[0].Message.ToolCalls[0]
		require.NotEmpty(t, call.ID)
		require.Equal(t, "get_weather", call.Function.Name)
		require.JSONEq(t, `{"city":"Paris"}`, call.Function.Arguments)
	}
	message := whole.Choices[0].Message
	ask.Messages = append(ask.Messages, message.ToParam(), openai.ToolMessage("21 degrees and sunny", message.ToolCalls[0].ID))
	ask.ToolChoice = openai.ChatCompletionToolChoiceOptionUnionParam{OfAuto: param.NewOpt("none")}
	second, err := c.Chat.Completions.New(t.Context(), ask)
	require.NoError(t, err)
	require.Contains(t, second.Choices[0].Message.Content, "21")
}

func TestErrors(t *testing.T) {
	c := dial("DEMO")
	ask := story()
	ask.Temperature = openai.Float(3)
	_, err := c.Chat.Completions.New(t.Context(), ask)
	fails(t, err, 400, "", "temperature")
	stream := c.Chat.Completions.NewStreaming(t.Context(), ask)
	require.False(t, stream.Next())
	fails(t, stream.Err(), 400, "", "temperature")
	_, err = c.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
		Model: "demo", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(strings.Repeat("word ", 5000))}})
	fails(t, err, 400, "context_length_exceeded", "messages")
	wrong := dial("DEMO", option.WithAPIKey("wrong"))
	_, err = wrong.Models.Get(t.Context(), "demo")
	fails(t, err, 401, "invalid_api_key", "")
}

func TestAbort(t *testing.T) {
	c := dial("TOOLS")
	ask := story()
	ask.MaxTokens = param.Opt[int64]{}
	ctx, cancel := context.WithCancel(t.Context())
	stream := c.Chat.Completions.NewStreaming(ctx, ask, endless())
	for range 5 {
		require.True(t, stream.Next())
	}
	require.Equal(t, 1, health(t, "TOOLS").Running)
	cancel()
	for stream.Next() {
	}
	require.ErrorIs(t, stream.Err(), context.Canceled)
	idle(t, "TOOLS")

	stream = c.Chat.Completions.NewStreaming(t.Context(), ask, endless())
	require.True(t, stream.Next())
	require.NoError(t, stream.Close())
	idle(t, "TOOLS")
}

func TestTimeouts(t *testing.T) {
	c, ask := dial("TOOLS"), story()
	ask.MaxTokens = param.Opt[int64]{}
	_, err := c.Chat.Completions.New(t.Context(), ask, endless(), option.WithRequestTimeout(500*time.Millisecond))
	require.ErrorIs(t, err, context.DeadlineExceeded)
	idle(t, "TOOLS")
	slow, began := dial("SLOW", option.WithMaxRetries(3)), time.Now()
	_, err = slow.Chat.Completions.New(t.Context(), ask, endless())
	fails(t, err, 504, "timeout", "")
	require.Less(t, time.Since(began), 2500*time.Millisecond, "the server's own limit is not tried again")
	stream := slow.Chat.Completions.NewStreaming(t.Context(), ask, endless())
	for stream.Next() {
	}
	require.ErrorContains(t, stream.Err(), "timeout")
}

// A full server refuses, and the client comes again by itself.
func TestRetry(t *testing.T) {
	c, ask := dial("TOOLS"), story()
	ask.MaxTokens = param.Opt[int64]{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, full := range []load{{Running: 1}, {Running: 1, Waiting: 1}} {
		go func() {
			stream := c.Chat.Completions.NewStreaming(ctx, ask, endless())
			for stream.Next() {
			}
		}()
		require.Eventually(t, func() bool { return health(t, "TOOLS") == full }, 5*time.Second, 20*time.Millisecond)
	}
	few := story()
	few.MaxTokens = openai.Int(2)
	_, err := c.Chat.Completions.New(t.Context(), few)
	fails(t, err, 429, "rate_limit_exceeded", "")
	time.AfterFunc(time.Second, cancel)
	answer, err := c.Chat.Completions.New(t.Context(), few, option.WithMaxRetries(2))
	require.NoError(t, err)
	require.EqualValues(t, 2, answer.Usage.CompletionTokens)
	idle(t, "TOOLS")
}

func TestCompletions(t *testing.T) {
	c := dial("DEMO")
	ask := openai.CompletionNewParams{Model: "demo", MaxTokens: openai.Int(6), Temperature: openai.Float(0),
		Prompt: openai.CompletionNewParamsPromptUnion{OfArrayOfStrings: []string{"Once upon", "The king"}}}
	texts := make([]string, 2)
	stream := c.Completions.NewStreaming(t.Context(), ask)
	for stream.Next() {
		for _, choice := range stream.Current().Choices {
			texts[choice.Index] += choice.Text
		}
	}
	require.NoError(t, stream.Err())
	ask.Echo, ask.Logprobs = openai.Bool(true), openai.Int(1)
	whole, err := c.Completions.New(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, "Once upon"+texts[0], whole.Choices[0].Text)
	require.Equal(t, "The king"+texts[1], whole.Choices[1].Text)
	require.Equal(t, whole.Choices[1].Text, strings.Join(whole.Choices[1].Logprobs.Tokens, ""))
}

func TestEmbeddings(t *testing.T) {
	c := dial("DEMO")
	got, err := c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "demo", Dimensions: openai.Int(16),
		Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: []string{"Once", "The king"}}})
	require.NoError(t, err)
	require.Len(t, got.Data, 2)
	require.Len(t, got.Data[1].Embedding, 16)
	require.Positive(t, got.Usage.PromptTokens)
	_, err = c.Embeddings.New(t.Context(), openai.EmbeddingNewParams{Model: "demo", Dimensions: openai.Int(1 << 20),
		Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String("x")}})
	fails(t, err, 400, "", "dimensions")
}
