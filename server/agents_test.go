package server

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/chat"
)

// Two requests of an agent that differ in its changing header alone share all
// blocks of their prompts but the last; as they are, none.
func TestChangingHeader(t *testing.T) {
	const block = 32
	for _, verbatim := range []bool{false, true} {
		i := start(t, setup{})
		form, err := chat.New(chat.Source{Has: func(string) bool { return true }, Verbatim: verbatim}, chat.ChatML)
		require.NoError(t, err)
		i.options.Chat = form
		ask := func(cch string) (prompt, cached int) {
			system := "x-anthropic-billing-header: cc_version=2.1.41.c12; cc_entrypoint=cli; cch=" + cch + ";\n" + strings.Repeat("You are an agent. ", 30)
			status, whole := i.v1("/v1/chat/completions", fmt.Sprintf(`{"messages":[{"role":"system","content":%q},{"role":"user","content":"Go"}],"max_tokens":2}`, system))
			require.Equal(t, 200, status, whole)
			return int(at(whole, "usage", "prompt_tokens").(float64)), int(at(whole, "usage", "prompt_tokens_details", "cached_tokens").(float64))
		}
		_, cached := ask("7a3f1")
		require.Zero(t, cached)
		prompt, cached := ask("0bc29")
		require.Greater(t, prompt, 4*block)
		if verbatim {
			require.LessOrEqual(t, cached, 2*block)
		} else {
			require.GreaterOrEqual(t, cached, prompt-block)
		}
	}
}
