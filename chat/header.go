package chat

import (
	"regexp"
	"slices"
	"strings"
)

// billingHeader begins a line of the system's text that Claude Code writes
// anew for every request, which says nothing to a model:
//
//	x-anthropic-billing-header: cc_version=2.1.41.c12; cc_entrypoint=cli; cch=7a3f1;
const billingHeader = "x-anthropic-billing-header:"

var (
	billingLine  = regexp.MustCompile(`(?m)^` + billingHeader + `.*$`)
	changingPart = regexp.MustCompile(`\bcch=[0-9A-Fa-f]+`)
)

// steady returns the conversation with the part of the system's text that
// changes from request to request always the same. What follows it, nearly all
// of the prompt, would otherwise never be found in the prefix cache.
func steady(c *Conversation) *Conversation {
	var copied *Conversation
	for i, m := range c.Messages {
		if m.Role != "system" && m.Role != "developer" {
			continue
		}
		for k, text := range m.Content {
			if !strings.Contains(text, billingHeader) {
				continue
			}
			if copied == nil {
				own := *c
				own.Messages = slices.Clone(c.Messages)
				copied = &own
			}
			to := &copied.Messages[i]
			if &to.Content[0] == &m.Content[0] {
				to.Content = slices.Clone(to.Content)
			}
			to.Content[k] = billingLine.ReplaceAllStringFunc(text, func(line string) string {
				return changingPart.ReplaceAllString(line, "cch=0")
			})
		}
	}
	if copied == nil {
		return c
	}
	return copied
}
