package chat

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// told is what an answer gives for a text in pieces, neighbours merged: text
// as it is, {thought}, and [name(arguments)].
func told(form string, thinking bool, cut bool, pieces ...string) string {
	tmpl := &Template{tools: &form_(form).form, plain: &form_(form).form}
	a := tmpl.NewAnswer(&Prompt{Thinking: thinking}, testTools, true)
	var b strings.Builder
	last := EventKind(255)
	call := -1
	show := func(evs []Event) {
		for _, ev := range evs {
			if ev.Kind != last || ev.Kind > Thought && ev.Kind != Arguments {
				if last == Thought {
					b.WriteString("}")
				}
				if ev.Kind == Thought {
					b.WriteString("{")
				}
			}
			switch ev.Kind {
			case CallStart:
				if call++; ev.Call != call {
					b.WriteString(fmt.Sprintf("!call %d is %d!", call, ev.Call))
				}
				b.WriteString("[" + ev.Text + "(")
			case CallEnd:
				b.WriteString(")]")
			default:
				b.WriteString(ev.Text)
			}
			last = ev.Kind
		}
	}
	for _, p := range pieces {
		show(a.Push(p))
	}
	show(a.End(cut))
	if last == Thought {
		b.WriteString("}")
	}
	if a.Calls() != call+1 {
		b.WriteString(fmt.Sprintf("!%d calls counted!", a.Calls()))
	}
	return b.String()
}

type namedForm struct{ form }

func form_(name string) *namedForm {
	return &namedForm{form{text: map[string]string{"tags": toolOpen, "json": pythonTag, "mistral": mistralMark, "gemma": gemmaOpen}[name], traits: traits{tools: true}}}
}

var testTools = []Tool{
	{Name: "get_weather", Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"},"days":{"type":"integer"},"where":{"type":["object","null"]},"any":{}}}`)},
	{Name: "write", Parameters: json.RawMessage(`{"type":"object","properties":{"text":{"type":"string"},"mode":{"enum":["a","b"]},"n":{"type":"number"},"flag":{"anyOf":[{"type":"boolean"},{"type":"null"}]}}}`)},
}

var answers = []struct{ form, text, want string }{
	{"tags", "Hello there.", "Hello there."},
	{"tags", "<think>\nhm, 1 < 2\n</think>\n\nDone.", "{hm, 1 < 2}Done."},
	{"tags", "  \n<think></think>x", "x"},
	{"tags", "no <think>x</think>", "no <think>x</think>"},
	{"tags", "<think>never closed", "{never closed}"},
	{"tags", "Let me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_call>", `Let me see.[get_weather({"city": "Rome"})]`},
	{"tags", `<tool_call>{"name":"a","arguments":{}}</tool_call>` + "\n" + `<tool_call>{"arguments":{"x":[1,{"y":2}]},"name":"b"}</tool_call> after`, `[a({})][b({"x":[1,{"y":2}]})]after`},
	{"tags", `<tool_call>{"name":"a"}</tool_call>`, `[a({})]`},
	{"tags", `<tool_call>{"name":"a","arguments":null}</tool_call>`, `[a({})]`},
	{"tags", `<tool_call>{"name":"a","arguments":"{\"k\": 1}"}</tool_call>`, `[a({"k": 1})]`},
	{"tags", `<tool_call>{"id": 12, "name":"a","parameters":{"k":1},"x":[2]}</tool_call>`, `[a({"k":1})]`},
	{"tags", "<tool_call>{\"name\":\"a\",\"arguments\":{\"k\":\"line\nbreak </tool_call> \\\" \\u00e9\"}}</tool_call>", `[a({"k":"line\nbreak </tool_call> \" \u00e9"})]`},
	{"tags", `<tool_call>not json</tool_call> rest`, `<tool_call>not json</tool_call> rest`},
	{"tags", `<tool_call>{"nom":"a"}</tool_call>`, `<tool_call>{"nom":"a"}</tool_call>`},
	{"tags", `<tool_call>{"name":"a","arguments":{"k":1}`, `[a({"k":1})]`},
	{"tags", `<tool_call>{"name":"a","arguments":{"k":"val`, `[a({"k":"val"})]`},
	{"tags", `<tool_call>{"name":"a","arguments":{"k":oops}}</tool_call> x`, `[a({"k":null})]oops}}</tool_call> x`},
	{"tags", `<tool_call>{"name":"a","arguments":[1]}</tool_call>`, `<tool_call>{"name":"a","arguments":[1]}</tool_call>`},
	{"tags", `{"name": "get_weather", "arguments": {"city": "Oslo"}}`, `[get_weather({"city": "Oslo"})]`},
	{"tags", "```json\n{\n  \"name\": \"get_weather\",\n  \"arguments\": {\"city\": \"```\"}\n}\n```\nDone.", "[get_weather({\"city\": \"```\"})]Done."},
	{"tags", "```\n{\"arguments\": {\"text\": \"x\"}, \"name\": \"write\"}\n```", `[write({"text": "x"})]`},
	{"tags", "```json\n{\"name\": \"get_weather\", \"arguments\": {}}\n{\"name\": \"write\", \"arguments\": {}}\n```", `[get_weather({})][write({})]`},
	{"tags", "```json\n{\"name\": \"Anna\", \"arguments\": {\"age\": 3}}\n```", "```json\n{\"name\": \"Anna\", \"arguments\": {\"age\": 3}}\n```"},
	{"tags", "```json\n{\"age\": 3}\n``` x", "```json\n{\"age\": 3}\n``` x"},
	{"tags", "```python\nprint({})\n```", "```python\nprint({})\n```"},
	{"tags", "As in\n```json\n{\"name\": \"write\", \"arguments\": {}}\n```", "As in\n```json\n{\"name\": \"write\", \"arguments\": {}}\n```"},
	{"tags", "``", "``"},
	{"tags", `{"name": "Anna"}`, `{"name": "Anna"}`},
	{"tags", `{"city": "Oslo", "name": "x"}`, `{"city": "Oslo", "name": "x"}`},
	{"tags", `a <tool_ b <tool_call`, `a <tool_ b <tool_call`},
	{"tags", "<tool_call>\n<function=get_weather>\n<parameter=city>\nRome </parameter> <b>\n</parameter>\n<parameter=days>\n3\n</parameter>\n<parameter=where>\n{\"a\": 1}\n</parameter>\n</function>\n</tool_call>",
		`[get_weather({"city": "Rome </parameter> <b>", "days": 3, "where": {"a": 1}})]`},
	{"tags", "ok\n<function=write>\n<parameter=text>\n  a \"q\" \\ é\n\n</parameter>\n<parameter=mode>a</parameter><parameter=n>1.5</parameter><parameter=flag>True</parameter></function>\n</tool_call>",
		`ok[write({"text": "  a \"q\" \\ é\n", "mode": "a", "n": 1.5, "flag": true})]` + "</tool_call>"},
	{"tags", "<tool_call><function=now></function></tool_call><tool_call><function=now>\n</function></tool_call>", `[now({})][now({})]`},
	{"tags", "<tool_call><function=write><parameter=text>cut of", `[write({"text": "cut of"})]`},
	{"tags", "<tool_call><function=write><parameter=text>x</function></tool_call>", `[write({"text": "x"})]`},
	{"json", `{"name": "get_weather", "parameters": {"city": "Rome"}}`, `[get_weather({"city": "Rome"})]`},
	{"json", `<|python_tag|>{"name": "a", "parameters": {}}; {"name": "b", "parameters": {"x": 1}}`, `[a({})][b({"x": 1})]`},
	{"json", `{"a": 1}`, `{"a": 1}`},
	{"json", `It is {"name": "a"}`, `It is {"name": "a"}`},
	{"mistral", `[TOOL_CALLS][{"name": "a", "arguments": {"k": 1}, "id": "123456789"}, {"name": "b", "arguments": {}}]`, `[a({"k": 1})][b({})]`},
	{"mistral", `sure[TOOL_CALLS]a[ARGS]{"k": "v"}[TOOL_CALLS]b[CALL_ID]12[ARGS]{}`, `sure[a({"k": "v"})][b({})]`},
	{"mistral", `[TOOL_CALLS]nothing of the kind`, `[TOOL_CALLS]nothing of the kind`},
	{"gemma", `<|tool_call>call:get_weather{city:<|"|>Ro"me<|"|>,days:3,where:{a:[1,<|"|>x<|"|>,true]}}<tool_call|>`, `[get_weather({"city": "Ro\"me", "days": 3, "where": {"a": [1, "x", true]}})]`},
	{"gemma", `<|tool_call>call:f{}<tool_call|> and <|tool_call>bad<tool_call|>`, `[f({})]and <|tool_call>bad<tool_call|>`},
}

func TestAnswers(t *testing.T) {
	for _, c := range answers {
		require.Equal(t, c.want, told(c.form, false, false, c.text), "%s: %s", c.form, c.text)
	}
	require.Equal(t, "{more}Answer", told("tags", true, false, "more\n</think>\n\nAnswer"), "opened by the template")
	require.Equal(t, `[a({"k":"val`, told("tags", false, true, `<tool_call>{"name":"a","arguments":{"k":"val`)+"", "cut off by length")
}

// However a text is cut, the same comes out; and nothing that was written is lost.
func TestAnyCutGivesTheSame(t *testing.T) {
	var fragments []string
	for _, c := range answers {
		fragments = append(fragments, c.text)
	}
	fragments = append(fragments, toolOpen, toolClose, functionOpen, functionClose, parameterOpen, parameterClose, "x>", "\n", " ", "{", "}", `"`, `"name"`, ":", ",",
		thinkOpen, thinkClose, pythonTag, mistralMark, mistralArgs, gemmaOpen, gemmaClose, gemmaQuote, "é", "[", "]", "1", "true", `\`, "call:", "text", ";")
	rapid.Check(t, func(t *rapid.T) {
		form := rapid.SampledFrom([]string{"tags", "json", "mistral", "gemma"}).Draw(t, "form")
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(fragments), 1, 6).Draw(t, "text"), "")
		thinking := rapid.Bool().Draw(t, "thinking")
		short := rapid.Bool().Draw(t, "cut off")
		whole := told(form, thinking, short, text)
		var pieces []string
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, min(len(rest), 12)).Draw(t, "piece")
			for n < len(rest) && !utf8.RuneStart(rest[n]) {
				n++ // the engine gives whole characters
			}
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		if got := told(form, thinking, short, pieces...); got != whole {
			t.Fatalf("%q\n in pieces %q\n gives %q\n whole     %q", text, pieces, got, whole)
		}
	})
}

// Arguments of a call that came to its end are JSON, whatever the model wrote.
func FuzzAnswer(f *testing.F) {
	for _, c := range answers {
		f.Add(c.form, c.text, uint8(3))
	}
	f.Fuzz(func(t *testing.T, form, text string, size uint8) {
		tmpl := &Template{tools: &form_(form).form, plain: &form_(form).form}
		a := tmpl.NewAnswer(&Prompt{}, testTools, true)
		args := map[int]string{}
		see := func(evs []Event) {
			for _, ev := range evs {
				switch ev.Kind {
				case Arguments:
					args[ev.Call] += ev.Text
				case CallEnd:
					var v map[string]any
					if s := strings.ToValidUTF8(args[ev.Call], "?"); json.Unmarshal([]byte(s), &v) != nil {
						t.Fatalf("%q: arguments %q", text, s)
					}
				}
			}
		}
		n := int(size%16) + 1
		for i := 0; i < len(text); i += n {
			see(a.Push(text[i:min(i+n, len(text))]))
		}
		see(a.End(false))
	})
}
