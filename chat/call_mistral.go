package chat

import "strings"

// mistralCalls reads what follows [TOOL_CALLS]: a list of objects, or, from
// 2025 on, name[ARGS]{…} (with [CALL_ID]… before [ARGS], or none of them).
type mistralCalls struct {
	counter
	list *jsonCalls
	scan *jsonScan
}

const (
	mistralMark = "[TOOL_CALLS]"
	mistralArgs = "[ARGS]"
	mistralID   = "[CALL_ID]"
)

func (m *mistralCalls) read(text string, end bool) (n int, status callStatus) {
	if m.list == nil && m.scan == nil {
		n = blanks(text)
		rest := text[n:]
		if rest == "" {
			return n, callMore
		}
		if rest[0] == '[' && !strings.HasPrefix(mistralArgs, rest[:min(2, len(rest))]) || rest[0] == '{' {
			m.list = &jsonCalls{}
		} else {
			name, used, more := mistralName(rest, end)
			switch {
			case more:
				return n, callMore
			case name == "":
				return n, callFailed
			}
			n += used
			m.begin(name)
			m.scan = &jsonScan{}
		}
	}
	if m.list != nil {
		k, status := m.list.read(text[n:], end)
		m.waiting = append(m.waiting, m.list.take()...)
		m.count, m.open = m.list.count, m.list.open
		return n + k, status
	}
	from := n
	var b strings.Builder
	for n < len(text) {
		write, taken := m.scan.next(text[n])
		if !taken || len(m.scan.stack) == 0 && m.scan.state != scanDone {
			m.arguments(b.String())
			return n, callFailed
		}
		n++
		b.WriteString(write)
		if m.scan.state == scanDone {
			m.arguments(b.String())
			m.end()
			return n, callDone
		}
	}
	if n > from {
		m.arguments(b.String())
	}
	return n, callMore
}

// mistralName reads the name before the arguments.
func mistralName(text string, end bool) (name string, n int, more bool) {
	i := strings.IndexByte(text, '{')
	if i < 0 {
		return "", 0, !end && len(text) < 512
	}
	name = text[:i]
	if j := strings.Index(name, mistralArgs); j >= 0 {
		name = name[:j]
	}
	if j := strings.Index(name, mistralID); j >= 0 {
		name = name[:j]
	}
	name = strings.TrimSpace(name)
	if strings.ContainsAny(name, " \t\r\n\"[]") {
		return "", 0, false
	}
	return name, i, false
}

func (m *mistralCalls) repair() (string, bool) {
	if m.list != nil {
		return m.list.repair()
	}
	if !m.open {
		return "", false
	}
	if m.scan.state == scanValue && len(m.scan.stack) == 0 {
		return "{}", true
	}
	return m.scan.closing(), true
}
