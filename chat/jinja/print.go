package jinja

import (
	"strconv"
	"strings"
)

func printBody(body []node) string {
	var b strings.Builder
	printNodes(&b, body)
	return b.String()
}

func printNodes(b *strings.Builder, body []node) {
	for _, n := range body {
		n.print(b)
	}
}

// tag writes a block tag that takes no white space along.
func tag(b *strings.Builder, parts ...any) {
	b.WriteString("{%+ ")
	put(b, parts...)
	b.WriteString(" +%}")
}

// put writes strings and expressions.
func put(b *strings.Builder, parts ...any) {
	for _, p := range parts {
		switch p := p.(type) {
		case string:
			b.WriteString(p)
		case expr:
			p.print(b)
		}
	}
}

func list(b *strings.Builder, es []expr) {
	for i, e := range es {
		if i > 0 {
			b.WriteString(", ")
		}
		e.print(b)
	}
}

func (n *textNode) print(b *strings.Builder) {
	// A string in an output tag keeps all of it, trimmed by nothing.
	put(b, "{{ ", &constExpr{v: Trusted(n.s)}, " }}")
}
func (n *outputNode) print(b *strings.Builder) { put(b, "{{ ", n.e, " }}") }
func (n *ifNode) print(b *strings.Builder) {
	for i, test := range n.tests {
		word := "elif "
		if i == 0 {
			word = "if "
		}
		tag(b, word, test)
		printNodes(b, n.bodies[i])
	}
	if len(n.bodies) > len(n.tests) {
		tag(b, "else")
		printNodes(b, n.bodies[len(n.tests)])
	}
	tag(b, "endif")
}
func (n *forNode) print(b *strings.Builder) {
	if n.test != nil {
		tag(b, "for ", n.target.String(), " in ", n.iter, " if ", n.test)
	} else {
		tag(b, "for ", n.target.String(), " in ", n.iter)
	}
	printNodes(b, n.body)
	if n.rest != nil {
		tag(b, "else")
		printNodes(b, n.rest)
	}
	tag(b, "endfor")
}
func (t target) String() string {
	s := strings.Join(t.names, ", ")
	if t.attr != "" {
		s += "." + t.attr
	}
	if t.tuple && len(t.names) == 1 {
		s += ","
	}
	return s
}
func (n *setNode) print(b *strings.Builder) {
	if n.value != nil {
		tag(b, "set ", n.target.String(), " = ", n.value)
		return
	}
	b.WriteString("{%+ set " + n.target.String())
	for _, f := range n.filter {
		b.WriteString(" | ")
		f.printCall(b)
	}
	b.WriteString(" +%}")
	printNodes(b, n.body)
	tag(b, "endset")
}
func (n *macroNode) printParams(b *strings.Builder) {
	b.WriteString("(")
	for i, p := range n.params {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(p.name)
		if p.def != nil {
			put(b, " = ", p.def)
		}
	}
	b.WriteString(")")
}
func (n *macroNode) print(b *strings.Builder) {
	b.WriteString("{%+ macro " + n.name)
	n.printParams(b)
	b.WriteString(" +%}")
	printNodes(b, n.body)
	tag(b, "endmacro")
}
func (n *callNode) print(b *strings.Builder) {
	b.WriteString("{%+ call")
	if len(n.macro.params) > 0 {
		n.macro.printParams(b)
	}
	put(b, " ", n.call, " +%}")
	printNodes(b, n.macro.body)
	tag(b, "endcall")
}
func (n *filterNode) print(b *strings.Builder) {
	b.WriteString("{%+ filter ")
	for i, f := range n.filters {
		if i > 0 {
			b.WriteString(" | ")
		}
		f.printCall(b)
	}
	b.WriteString(" +%}")
	printNodes(b, n.body)
	tag(b, "endfilter")
}
func (n *withNode) print(b *strings.Builder) {
	b.WriteString("{%+ with ")
	for i := range n.names {
		if i > 0 {
			b.WriteString(", ")
		}
		put(b, n.names[i].String(), " = ", n.values[i])
	}
	b.WriteString(" +%}")
	printNodes(b, n.body)
	tag(b, "endwith")
}
func (n *scopeNode) print(b *strings.Builder) {
	tag(b, "generation")
	printNodes(b, n.body)
	tag(b, "endgeneration")
}
func (n *loopNode) print(b *strings.Builder) {
	if n.next {
		tag(b, "continue")
	} else {
		tag(b, "break")
	}
}

func (e *constExpr) print(b *strings.Builder) {
	switch v := e.v.(type) {
	case nil:
		b.WriteString("none")
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case float64:
		b.WriteString(floatRepr(v))
	case Text:
		b.WriteString(literal(v.s))
	}
}

// literal is a string as a template writes it.
func literal(s string) string {
	r := strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`)
	return "'" + r.Replace(s) + "'"
}
func (e *nameExpr) print(b *strings.Builder) { b.WriteString(e.name) }
func (e *listExpr) print(b *strings.Builder) {
	if !e.tuple {
		b.WriteString("[")
		list(b, e.items)
		b.WriteString("]")
		return
	}
	b.WriteString("(")
	list(b, e.items)
	if len(e.items) == 1 {
		b.WriteString(",")
	}
	b.WriteString(")")
}
func (e *dictExpr) print(b *strings.Builder) {
	b.WriteString("{")
	for i := range e.keys {
		if i > 0 {
			b.WriteString(", ")
		}
		put(b, e.keys[i], ": ", e.values[i])
	}
	b.WriteString("}")
}
func (e *unaryExpr) print(b *strings.Builder)  { put(b, "(", e.op, " ", e.e, ")") }
func (e *binaryExpr) print(b *strings.Builder) { put(b, "(", e.l, " ", e.op, " ", e.r, ")") }
func (e *compareExpr) print(b *strings.Builder) {
	put(b, "(", e.first)
	for i, op := range e.ops {
		put(b, " ", op, " ", e.rest[i])
	}
	b.WriteString(")")
}
func (e *condExpr) print(b *strings.Builder) {
	put(b, "(", e.then, " if ", e.test)
	if e.other != nil {
		put(b, " else ", e.other)
	}
	b.WriteString(")")
}
func (e *attrExpr) print(b *strings.Builder)  { put(b, primary{e.e}, ".", e.name) }
func (e *indexExpr) print(b *strings.Builder) { put(b, primary{e.e}, "[", e.i, "]") }
func (e *sliceExpr) print(b *strings.Builder) {
	put(b, primary{e.e}, "[")
	if e.lo != nil {
		e.lo.print(b)
	}
	b.WriteString(":")
	if e.hi != nil {
		e.hi.print(b)
	}
	if e.step != nil {
		put(b, ":", e.step)
	}
	b.WriteString("]")
}
func (a *args) print(b *strings.Builder) {
	b.WriteString("(")
	list(b, a.list)
	for i, name := range a.names {
		if i > 0 || len(a.list) > 0 {
			b.WriteString(", ")
		}
		put(b, name, "=", a.named[i])
	}
	b.WriteString(")")
}
func (e *callExpr) print(b *strings.Builder) {
	put(b, primary{e.f})
	e.args.print(b)
}
func (e *filterExpr) printCall(b *strings.Builder) {
	b.WriteString(e.name)
	if len(e.list)+len(e.named) > 0 {
		e.args.print(b)
	}
}
func (e *filterExpr) print(b *strings.Builder) {
	put(b, "(", e.e, " | ")
	e.printCall(b)
	b.WriteString(")")
}
func (e *testExpr) print(b *strings.Builder) {
	put(b, "(", e.e, " is ")
	if e.not {
		b.WriteString("not ")
	}
	b.WriteString(e.name)
	if len(e.list)+len(e.named) > 0 {
		e.args.print(b)
	}
	b.WriteString(")")
}

// primary prints an expression so that ".", "[" or "(" may follow.
type primary struct{ expr }

func (p primary) print(b *strings.Builder) {
	if c, ok := p.expr.(*constExpr); ok {
		if _, text := c.v.(Text); !text {
			put(b, "(", c, ")")
			return
		}
	}
	p.expr.print(b)
}
