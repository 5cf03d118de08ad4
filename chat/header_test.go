package chat

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSteadyHeader(t *testing.T) {
	const line, steadied = "x-anthropic-billing-header: cc_version=2.1.41.c12; cc_entrypoint=cli; cch=7a3f1;", "x-anthropic-billing-header: cc_version=2.1.41.c12; cc_entrypoint=cli; cch=0;"
	c := &Conversation{Messages: []Message{
		{Role: "system", Content: []string{line, "cch=abc\n" + line + "\ncch=def; x-anthropic-billing-header: cch=1"}},
		text("user", line),
		{Role: "developer", Content: []string{"no header, cch=1"}},
	}}
	source := Source{Has: func(string) bool { return true }}
	tmpl, err := New(source, ChatML)
	require.NoError(t, err)
	p, err := tmpl.Render(c)
	require.NoError(t, err)
	require.Equal(t, "<|im_start|>system\n"+steadied+"cch=abc\n"+steadied+"\ncch=def; x-anthropic-billing-header: cch=1<|im_end|>\n"+
		"<|im_start|>user\n"+line+"<|im_end|>\n<|im_start|>system\nno header, cch=1<|im_end|>\n<|im_start|>assistant\n", p.String())
	require.Equal(t, line, c.Messages[0].Content[0], "the caller's stays as it was")

	source.Verbatim = true
	tmpl, err = New(source, ChatML)
	require.NoError(t, err)
	p, err = tmpl.Render(c)
	require.NoError(t, err)
	require.NotContains(t, p.String(), "cch=0;")
}
