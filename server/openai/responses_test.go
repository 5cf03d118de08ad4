package openai

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"cllm/chat"
	"cllm/runtime"
	"cllm/server/api"
)

// numbered is a server that has nothing but ids.
type numbered struct {
	api.Server
	n int
}

func (s *numbered) NewID() string {
	s.n++
	return fmt.Sprintf("%032d", s.n)
}

// Whatever a model writes and however it comes, the response that a stream ends
// with is the whole one, and its pieces are its text.
func TestStreamedIsWhole(t *testing.T) {
	form, err := chat.New(chat.Source{Has: func(string) bool { return true }}, chat.ChatML)
	require.NoError(t, err)
	words := []string{"<think>", "</think>", "<tool_call>", "</tool_call>", `{"name": "f", "arguments": {"a": "b`, `"}}`, "\n", " ", "x", "é", "<", "<function=f>", "</function>", "<parameter=a>", "</parameter>"}
	rapid.Check(t, func(rt *rapid.T) {
		said := rapid.SliceOfN(rapid.SampledFrom(words), 0, 20).Draw(rt, "said")
		reason := rapid.SampledFrom([]string{runtime.FinishStop, runtime.FinishLength, runtime.FinishTimeout}).Draw(rt, "reason")
		one := func(stream bool, pieces []string) (*response, []responseEvent) {
			r := &response{conversation: &conversation{form: form, prompt: &chat.Prompt{}, split: true, tools: []chat.Tool{{Name: "f"}}, stream: stream},
				d: &dialect{Server: &numbered{}}}
			r.describe()
			r.begin()
			for _, text := range pieces {
				r.add(&runtime.Event{Text: text, Tokens: []int32{1}})
			}
			r.add(&runtime.Event{Done: true, FinishReason: reason, Usage: runtime.Usage{CompletionTokens: 20}})
			return r, r.events
		}
		whole, none := one(false, []string{strings.Join(said, "")})
		streamed, events := one(true, said)
		require.Empty(rt, none)

		require.Equal(rt, texts(whole.object.Output), texts(streamed.object.Output))
		require.Equal(rt, whole.object.Status, streamed.object.Status)
		require.Equal(rt, len(whole.turns.messages), len(streamed.turns.messages))
		pieces := make([]string, len(streamed.object.Output))
		for i, ev := range events {
			require.Equal(rt, i, ev.Number)
			if ev.Delta != nil {
				pieces[*ev.Index] += *ev.Delta
			}
		}
		for i, text := range texts(streamed.object.Output) {
			require.True(rt, strings.HasSuffix(text, ":"+pieces[i]), "%s %s", text, pieces[i])
		}
		for _, m := range streamed.turns.messages {
			for _, c := range m.Calls {
				require.True(rt, json.Valid([]byte(c.Arguments)), c.Arguments)
			}
		}
	})
}

// texts are the kinds, states and texts of items.
func texts(items []any) (list []string) {
	for _, item := range items {
		switch item := item.(type) {
		case *messageItem:
			list = append(list, "message:"+item.Status+":"+item.Content[0].Text)
		case *reasoningItem:
			list = append(list, "reasoning:"+item.Status+":"+item.Content[0].Text)
		case *callItem:
			list = append(list, item.Name+":"+item.Status+":"+item.Arguments)
		}
	}
	return list
}
