package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/chat"
	"cllm/runtime"
)

// opensReasoning is a template that has the model think.
const opensReasoning = `{% for m in messages %}<|im_start|>{{ m.role }}
{{ m.content }}<|im_end|>
{% endfor %}<|im_start|>assistant
<think>
`

// tokens are those of a text.
func (i *instance) tokens(text string) []int32 {
	var encoded struct{ Tokens []int32 }
	i.ask("/encode", fmt.Sprintf(`{"text":%q,"special":true}`, text), &encoded)
	return encoded.Tokens
}

// A budget of reasoning closes it after so many tokens, in every choice, drafts
// or none; the demo model would never close it.
func TestReasoningBudget(t *testing.T) {
	for _, speculate := range []int{0, -1} {
		i := start(t, setup{options: func(o *runtime.Options) { o.Speculate = speculate }})
		form, err := chat.New(chat.Source{Has: func(string) bool { return true }}, opensReasoning)
		require.NoError(t, err)
		i.options.Chat = form
		ask := func(more string) (list []map[string]any) {
			status, whole := i.v1("/v1/chat/completions", `{"messages":[{"role":"user","content":"the king the king the king"}],"max_tokens":40,"ignore_eos":true,"logprobs":true,`+more+`}`)
			require.Equal(t, 200, status, whole)
			for _, c := range whole["choices"].([]any) {
				list = append(list, c.(map[string]any))
			}
			return list
		}
		// thought is the number of tokens before the reasoning is closed.
		thought := func(choice map[string]any) int {
			var said strings.Builder
			for n, token := range at(choice, "logprobs", "content").([]any) {
				said.WriteString(at(token, "token").(string))
				if before, _, ok := strings.Cut(said.String(), "</think>"); ok {
					require.True(t, strings.HasSuffix(before, "\n"))
					return n + 1 - len(i.tokens("\n</think>"))
				}
			}
			return -1
		}
		open := ask(`"temperature":0,"reasoning_budget":-1`)[0]
		require.Equal(t, -1, thought(open))
		require.Empty(t, at(open, "message", "content"))
		for _, budget := range []int{0, 1, 7} {
			for _, c := range ask(fmt.Sprintf(`"temperature":1,"seed":3,"n":3,"reasoning_budget":%d`, budget)) {
				require.Contains(t, []int{budget, budget + 1, budget + 2, budget + 3}, thought(c), "a character is whole")
				require.NotEmpty(t, at(c, "message", "content"))
				require.NotContains(t, at(c, "message", "content"), "</think>")
			}
			greedy := ask(fmt.Sprintf(`"temperature":0,"reasoning_budget":%d`, budget))[0]
			require.Equal(t, budget, thought(greedy))
			text, _ := at(greedy, "message").(map[string]any)["reasoning_content"].(string)
			require.True(t, strings.HasPrefix(at(open, "message", "reasoning_content").(string), text), "up to there it is the same")
		}
		// A template that cannot switch reasoning off.
		require.NotEmpty(t, at(ask(`"temperature":0,"enable_thinking":false`)[0], "message", "content"))
		status, wrong := i.v1("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"reasoning_budget":-2}`)
		require.Equal(t, 400, status)
		require.Equal(t, "reasoning_budget", at(wrong, "error", "param"))
		i.idle()
	}
}
