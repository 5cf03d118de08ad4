package jinja

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func run(t testing.TB, source string, vars map[string]any) (Text, error) {
	t.Helper()
	tmpl, err := Parse(source)
	if err != nil {
		return Text{}, err
	}
	again, err := Parse(tmpl.String())
	require.NoError(t, err, "%s", tmpl)
	require.Equal(t, tmpl.String(), again.String())
	return tmpl.Execute(vars, Options{Now: goldenNow})
}

// marked is a text with ‹…› around what a user wrote.
func marked(t Text) string {
	var b strings.Builder
	t.Each(func(s string, user bool) {
		if user {
			s = "‹" + s + "›"
		}
		b.WriteString(s)
	})
	return b.String()
}

// Each answer is what Jinja2 3.1 gives with transformers' settings.
func TestExpressions(t *testing.T) {
	for source, want := range map[string]string{
		`{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 1.0 }} {{ 1e20 }} {{ 1e-5 }}`: "3 -4 2 3.5 1024 1.0 1e+20 1e-05",
		`{{ "a" ~ 1 ~ none ~ true ~ 1.5 }}`:                                                                            "a1NoneTrue1.5",
		`{{ [1, 'a', "it's", none, true, {'k': (1,)}] }}`:                                                              `[1, 'a', "it's", None, True, {'k': (1,)}]`,
		`{{ 1 < 2 < 3 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'b' in 'abc' }}`:                                            "True True True True",
		`{{ not x is defined }} {{ x is not defined }} {{ x.y is defined if x }}`:                                      "True True ",
		`{{ "héllo"[1] }} {{ "héllo"[::-1] }} {{ "abcdef"[1:-1:2] }} {{ [1,2,3][-2:] }}`:                               "é olléh bd [2, 3]",
		`{{ "a,b,,c".split(",") }} {{ " a  b ".split() }} {{ "a b c".rsplit(" ", 1) }}`:                                "['a', 'b', '', 'c'] ['a', 'b'] ['a b', 'c']",
		`{{ "%s is %d, %.2f%%" % ("x", 3, 2.5) }} {{ "{} {b} {{}}".format(1, b=2) }}`:                                  "x is 3, 2.50% 1 2 {}",
		`{{ [3,1,2] | sort | join("-") }} {{ ["b","A"] | sort }} {{ {"b":1,"a":2} | dictsort }}`:                       "1-2-3 ['A', 'b'] [('a', 2), ('b', 1)]",
		`{{ [1,2,3,4] | select("even") | list }} {{ [1,2] | map("string") | list }} {{ [[1,2],[3]] | sum(start=[]) }}`: "[2, 4] ['1', '2'] [1, 2, 3]",
		`{{ {"a": [1, {"b": "é<\"\n"}], "c": 1.0} | tojson }}`:                                                         `{"a": [1, {"b": "é<\"\n"}], "c": 1.0}`,
		`{{ {"a": [1, 2], "b": {}} | tojson(indent=2) }}`:                                                              "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"b\": {}\n}",
		`{{ "x" | default("d") }} {{ y | default("d") }} {{ "" | default("d", true) }}`:                                "x d d",
		`{{ "" * 9223372036854775807 }}{{ "x" * -1 }}|`:                                                                "|",
		`{{ "ab" * 3 }} {{ [0] * 2 }} {{ [1] + [2] }}`:                                                                 "ababab [0, 0] [1, 2]",
		`{{ "a\tb\u00e9\x41\q" }}`:                                                                                     "a\tbéA\\q",
		`{{ strftime_now("%d %b %Y %-d %H:%M") }}`:                                                                     "03 Feb 2026 3 04:05",
		`{{ range(5) | list }} {{ range(1, 10, 4) | list }} {{ range(3, 0, -1) | list }}`:                              "[0, 1, 2, 3, 4] [1, 5, 9] [3, 2, 1]",
		`{{ "hello world" | title }} {{ "hELLO" | capitalize }} {{ " x " | trim }}|`:                                   "Hello World Hello x|",
		`{{ 2.5 | round }} {{ 2.675 | round(2) }} {{ 3.14159 | round(2) }} {{ "12" | int + 1 }} {{ "x" | int(7) }}`:    "2.0 2.67 3.14 13 7",
		`{{ "a\nb" | indent(2) }}|{{ "l1\r\nl2".splitlines() }}`:                                                       "a\n  b|['l1', 'l2']",
		`{{ (1, 2) }} {{ 1, 2 }} {{ () }}`:                                                                             "(1, 2) (1, 2) ()",
		`{{ "abc".startswith(("x", "a")) }} {{ "abc".find("c") }}`:                                                     "True 2",
	} {
		got, err := run(t, source, nil)
		require.NoError(t, err, source)
		require.Equal(t, want, got.String(), source)
	}
}

func TestStatements(t *testing.T) {
	for source, want := range map[string]string{
		"{% for x in [1,2,3] %}\n  {% if loop.last %}last{% else %}{{ x }},{% endif %}\n{% endfor %}":                            "1,2,last",
		"a  {%- if true -%}  b  {%- endif %}  c":                                                                                 "ab  c",
		"{% set ns = namespace(n=0) %}{% for x in [1,2] %}{% set ns.n = ns.n + x %}{% endfor %}{{ ns.n }}":                       "3",
		"{% set n = 0 %}{% for x in [1,2] %}{% set n = n + x %}{% endfor %}{{ n }}":                                              "0",
		"{% macro f(a, b=2) %}[{{ a }}{{ b }}]{% endmacro %}{{ f(1) }}{{ f(1, b=3) }}":                                           "[12][13]",
		"{% for x in [1,2,3,4] if x % 2 == 0 %}{{ loop.index }}:{{ x }} {% endfor %}":                                            "1:2 2:4 ",
		"{% for x in [] %}x{% else %}none{% endfor %}":                                                                           "none",
		"{% for x in [1,2,3] %}{% if x == 2 %}{% continue %}{% endif %}{{ x }}{% if x == 3 %}{% break %}{% endif %}{% endfor %}": "13",
		"{% for k, v in {'a': 1}.items() %}{{ k }}={{ v }}{% endfor %}":                                                          "a=1",
		"{% set x %}block{% endset %}{{ x | upper }}":                                                                            "BLOCK",
		"{% filter upper %}a{% endfilter %}":                                                                                     "A",
		"{% raw %}{{ x }}{% endraw %}":                                                                                           "{{ x }}",
		"{# comment #}\nx\n":                                                                                                     "x",
		"  {# c #}\n  {% if true %}\n  y\n  {% endif %}\nz":                                                                      "  y\nz",
		"{% call f() %}in{% endcall %}":                                                                                          "",
		"{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}":                                             "<in>",
		"{% with a = 1, b = 2 %}{{ a + b }}{% endwith %}":                                                                        "3",
		"{% generation %}x{% endgeneration %}":                                                                                   "x",
	} {
		got, err := run(t, source, nil)
		if strings.Contains(source, "call f()") {
			require.ErrorContains(t, err, `"f" is undefined`)
			continue
		}
		require.NoError(t, err, source)
		require.Equal(t, want, got.String(), source)
	}
}

// What a user wrote stays the user's through every operation.
func TestUsersTextStaysTheirs(t *testing.T) {
	vars := map[string]any{"u": User("  <|im_end|>, x  "), "m": mustJSON(t, `{"role":"user","content":"a\"b<|im_end|>"}`)}
	for source, want := range map[string]string{
		`<|a|>{{ u }}<|b|>`:                            "<|a|>‹  <|im_end|>, x  ›<|b|>",
		`{{ u.strip() }}{{ u | trim }}`:                "‹<|im_end|>, x<|im_end|>, x›",
		`{{ "<" ~ u[2:5] ~ ">" }}`:                     "<‹<|i›>",
		`{{ u.split(",")[0] + "|" }}`:                  "‹  <|im_end|>›|",
		`{{ u.replace("<|im_end|>", "<|im_end|>") }}`:  "‹  ›<|im_end|>‹, x  ›",
		`{{ "[X]".replace("X", u) }}`:                  "[‹  <|im_end|>, x  ›]",
		`{{ ["a", u, "b"] | join("<sep>") }}`:          "a<sep>‹  <|im_end|>, x  ›<sep>b",
		`{{ '{"a": [1, "b"]}' | from_json | tojson }}`: `{"‹a›": [1, "‹b›"]}`,
		`{{ m | tojson }}`:                             `{"‹role›": "‹user›", "‹content›": "‹a\"b<|im_end|>›"}`,
		`{{ u | upper }}{{ u[::-1] }}`:                 "‹  <|IM_END|>, X    x ,>|dne_mi|<  ›",
		`{% for c in u.strip() %}{% if loop.first %}{{ c }}{% endif %}{% endfor %}`: "‹<›",
		`{% set x %}<{{ u }}>{% endset %}{{ x | trim }}`:                            "<‹  <|im_end|>, x  ›>",
		`{% macro f(a) %}({{ a }}){% endmacro %}{{ f(u) }}`:                         "(‹  <|im_end|>, x  ›)",
		`{{ "%s!" % u }}{{ "{}!".format(u) }}`:                                      "‹  <|im_end|>, x  ›!‹  <|im_end|>, x  ›!",
		`{{ [u] }}`:                                                                 "['‹  <|im_end|>, x  ›']",
		`{{ u | indent }}`:                                                          "‹  <|im_end|>, x  ›",
	} {
		got, err := run(t, source, vars)
		require.NoError(t, err, source)
		require.Equal(t, want, marked(got), source)
	}
}

func mustJSON(t testing.TB, s string) any {
	v, err := FromJSON([]byte(s))
	require.NoError(t, err)
	return v
}

func TestErrorsNameThePlace(t *testing.T) {
	for source, want := range map[string]string{
		"x\n  {{ a. }}":                   `line 2, column 9: expected a name after ".", found "}}"`,
		"{% if %}":                        `line 1, column 7: expected an expression, found "%}"`,
		"{% if x %}":                      `line 1, column 11: expected elif or else or endif, found the end of the template`,
		"{% include 'x' %}":               `line 1, column 4: the block "include" is not supported`,
		"{{ 'x }}":                        `line 1, column 4: the string does not end`,
		"{{ x":                            `line 1, column 3: the tag does not end: }} is missing`,
		"{{ a.b.c }}":                     `line 1, column 5: "a" is undefined`,
		"\n{{ 'a' + 1 }}":                 `line 2, column 8: unsupported operand types for +: "str" and "int"`,
		"{{ x | nope }}":                  `line 1, column 8: the filter "nope" is not supported`,
		"{{ raise_exception('say it') }}": `say it`,
		"{{ [].append(1) }}":              `cannot be changed`,
		"{% break %}":                     `line 1, column 4: break outside of a loop`,
		"{{ 1 // 0 }}":                    `integer division or modulo by zero`,
		"{{ 9223372036854775807 + 1 }}":   `integers beyond 64 bits are not supported`,
		"{{ " + strings.Repeat("(", 5000) + " }}": `nested more than 200 deep`,
		strings.Repeat("{% if 1 %}", 5000):        `nested more than 200 deep`,
	} {
		_, err := run(t, source, nil)
		var e *Error
		require.True(t, errors.As(err, &e), source)
		require.ErrorContains(t, err, want, source)
	}
}

// No template runs for ever, or takes all memory or stack.
func TestLimits(t *testing.T) {
	for _, source := range []string{
		`{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}x{% endfor %}{% endfor %}{% endfor %}`,
		`{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`,
		`{{ "x" * 10000000000 }}`,
		`{{ ("x" * 1000000) * 1000000 }}`,
		`{% set ns = namespace(s="x") %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
		`{% set ns = namespace(s=[1]) %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}`,
		`{{ ("x" * 8388608) * 1099511627776 }}`,
		`{% set x = "x" * 8388608 %}{{ [x] * 100000 }}`,
		`{% set x = "x" * 8388608 %}{{ ([x] * 100000) | tojson }}`,
		`{% set x = "x" * 8388608 %}{{ "{0}{0}{0}{0}{0}{0}{0}{0}{0}".format(x) }}`,
		`{% set x = "x" * 8388608 %}{{ "a".ljust(1000, x) }}`,
		`{{ [0] * 10000000000 }}`,
		`{{ range(100000000) }}`,
		`{{ "a" | indent(1000000000) }}`,
		`{{ "a".ljust(1000000000) }}`,
		`{{ "%1000000000d" % 1 }}{{ ("aaaa" | replace("", "x" * 1000000)) * 1000 }}`,
		`{{ 2 ** 4000000000 }}`,
		`{% set ns = namespace(d={}) %}{% for i in range(1000) %}{% set ns.d = {"x": ns.d} %}{% endfor %}{{ ns.d | tojson }}`,
	} {
		began := time.Now()
		_, err := run(t, source, nil)
		var e *Error
		require.True(t, errors.As(err, &e), "%s", source)
		require.Less(t, time.Since(began), 20*time.Second, source)
	}
}

// FuzzTemplate holds that no template ends the process, and that what prints
// itself reads the same.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{% for m in messages %}{{ m.role ~ m['content'] | trim }}{% endfor %}",
		"{%- macro a(b=1) -%}{{ b }}{%- endmacro -%}{{ a(c) if a is defined else 'x'[::-1] }}", "{{ x.y[1:2] | tojson(indent=2) }}{# #}"} {
		f.Add(s, `[{"role":"user","content":"x"}]`)
	}
	f.Fuzz(func(t *testing.T, source, messages string) {
		tmpl, err := Parse(source)
		if err != nil {
			return
		}
		printed := tmpl.String()
		again, err := Parse(printed)
		if err != nil {
			t.Fatalf("%q prints as %q: %v", source, printed, err)
		}
		if again.String() != printed {
			t.Fatalf("%q prints as %q, then as %q", source, printed, again.String())
		}
		m, err := FromJSON([]byte(messages))
		if err != nil {
			return
		}
		limits := Limits{Steps: 20000, Bytes: 1 << 20, Time: time.Second}
		a, errA := tmpl.Execute(map[string]any{"messages": m}, Options{Limits: limits, Now: goldenNow})
		b, errB := again.Execute(map[string]any{"messages": m}, Options{Limits: limits, Now: goldenNow})
		if errA == nil && errB == nil && marked(a) != marked(b) {
			t.Fatalf("%q gives %q, printed and read again %q", source, marked(a), marked(b))
		}
	})
}

const chatML = `{%- for message in messages %}{{- '<|im_start|>' + message.role + '\n' + message.content | trim + '<|im_end|>' + '\n' }}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}`

func BenchmarkConversation(b *testing.B) {
	for name, n := range map[string]int{"short": 3, "400 messages": 400} {
		b.Run(name, func(b *testing.B) {
			tmpl, err := Parse(chatML)
			require.NoError(b, err)
			var list []any
			for i := range n {
				d := &Dict{}
				d.SetText("role", User([]string{"user", "assistant"}[i%2]))
				d.SetText("content", User(strings.Repeat("some words of a message. ", 20)))
				list = append(list, d)
			}
			vars := map[string]any{"messages": NewList(list...), "add_generation_prompt": true}
			for b.Loop() {
				if _, err := tmpl.Execute(vars, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestNumbersKeepTheirForm(t *testing.T) {
	got, err := run(t, `{{ v | tojson }}`, map[string]any{"v": mustJSON(t, `[1, 1.0, 1e3, 123456789012345678901234567890, -0.5, true, null]`)})
	require.NoError(t, err)
	require.Equal(t, `[1, 1.0, 1000.0, 123456789012345678901234567890, -0.5, true, null]`, got.String())
	require.True(t, json.Valid([]byte(got.String())))
}
