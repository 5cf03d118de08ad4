package jinja

import (
	"fmt"
	"slices"
	"strings"
)

// maxNesting bounds how deep brackets and blocks may stand in each other.
const maxNesting = 200

// parser reads statements; parse_expr.go has the expressions.
type parser struct {
	toks  []tok
	i     int
	depth int // of blocks and expressions
	loops int // around what is read, for break and continue
}

func (p *parser) cur() tok { return p.toks[p.i] }

func (p *parser) next() tok {
	t := p.toks[p.i]
	if t.kind != kEOF {
		p.i++
	}
	return t
}

func (p *parser) skip(op string) bool {
	if p.cur().is(op) {
		p.i++
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.cur().name(name) {
		p.i++
		return true
	}
	return false
}

// The parser's functions panic with *Error; [parser.template] recovers.
func (p *parser) fail(t tok, format string, args ...any) {
	panic(&Error{Line: t.pos.line, Column: t.pos.col, Message: fmt.Sprintf(format, args...)})
}

func (p *parser) want(k kind, what string) tok {
	if p.cur().kind != k {
		p.fail(p.cur(), "expected %s, found %s", what, p.cur().describe())
	}
	return p.next()
}

func (p *parser) wantOp(op string) tok {
	if !p.cur().is(op) {
		p.fail(p.cur(), "expected %q, found %s", op, p.cur().describe())
	}
	return p.next()
}

func (p *parser) enter() {
	if p.depth++; p.depth > maxNesting {
		p.fail(p.cur(), "the template is nested more than %d deep", maxNesting)
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) template() (body []node, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			e, ok := cause.(*Error)
			if !ok {
				panic(cause)
			}
			err = e
		}
	}()
	body = p.body()
	if t := p.cur(); t.kind != kEOF {
		p.fail(t, "unexpected %s", t.describe())
	}
	return body, nil
}

// body reads nodes up to the end, or up to a block tag with one of the names,
// which stays: at its name.
func (p *parser) body(until ...string) []node {
	p.enter()
	defer p.leave()
	body := []node{}
	for {
		switch t := p.cur(); t.kind {
		case kText:
			p.next()
			body = append(body, &textNode{t.val})
		case kExprBegin:
			p.next()
			e := p.tuple(true)
			p.want(kExprEnd, `"}}"`)
			body = append(body, &outputNode{e})
		case kBlockBegin:
			p.next()
			name := p.want(kName, "the name of a block")
			if slices.Contains(until, name.val) {
				p.i--
				return body
			}
			body = append(body, p.statement(name))
		default:
			if len(until) > 0 {
				p.fail(t, "expected %s, found %s", strings.Join(until, " or "), t.describe())
			}
			return body
		}
	}
}

func (p *parser) endBlock() { p.want(kBlockEnd, `"%}"`) }

// block reads the rest of a tag, a body, and the tag that ends it.
func (p *parser) block(end string) []node {
	p.endBlock()
	body := p.body(end)
	p.next()
	p.endBlock()
	return body
}

func (p *parser) statement(name tok) node {
	switch name.val {
	case "if":
		return p.ifBlock()
	case "for":
		return p.forBlock(name)
	case "set":
		return p.set(name)
	case "macro":
		m := &macroNode{pos: name.pos, name: p.want(kName, "the macro's name").val}
		m.params = p.params()
		m.body = p.outside(func() []node { return p.block("endmacro") })
		return m
	case "call":
		return p.call(name)
	case "filter":
		n := &filterNode{filters: []*filterExpr{p.filter(nil)}}
		for p.skip("|") {
			n.filters = append(n.filters, p.filter(nil))
		}
		n.body = p.block("endfilter")
		return n
	case "with":
		n := &withNode{}
		for p.cur().kind != kBlockEnd {
			if len(n.names) > 0 {
				p.wantOp(",")
			}
			n.names = append(n.names, p.target(false))
			p.wantOp("=")
			n.values = append(n.values, p.expression())
		}
		n.body = p.block("endwith")
		return n
	case "generation":
		return &scopeNode{p.block("endgeneration")}
	case "break", "continue":
		if p.loops == 0 {
			p.fail(name, "%s outside of a loop", name.val)
		}
		p.endBlock()
		return &loopNode{name.val == "continue"}
	}
	p.fail(name, "the block %q is not supported", name.val)
	return nil
}

// outside reads what a loop around it cannot be broken from.
func (p *parser) outside(read func() []node) []node {
	loops := p.loops
	p.loops = 0
	body := read()
	p.loops = loops
	return body
}

func (p *parser) ifBlock() node {
	n := &ifNode{}
	for {
		n.tests = append(n.tests, p.tuple(false))
		p.endBlock()
		n.bodies = append(n.bodies, p.body("elif", "else", "endif"))
		switch p.next().val {
		case "elif":
			continue
		case "else":
			p.endBlock()
			n.bodies = append(n.bodies, p.body("endif"))
			p.next()
		}
		p.endBlock()
		return n
	}
}

func (p *parser) forBlock(name tok) node {
	n := &forNode{pos: name.pos, target: p.target(true)}
	if !p.skipName("in") {
		p.fail(p.cur(), `expected "in", found %s`, p.cur().describe())
	}
	n.iter = p.tupleOf(p.or)
	if p.skipName("if") {
		n.test = p.expression()
	}
	if p.cur().name("recursive") {
		p.fail(p.cur(), "recursive loops are not supported")
	}
	p.endBlock()
	p.loops++
	n.body = p.body("else", "endfor")
	p.loops--
	if p.next().val == "else" {
		p.endBlock()
		n.rest = p.body("endfor")
		p.next()
	}
	p.endBlock()
	return n
}

// target reads what is assigned to.
func (p *parser) target(unpack bool) target {
	paren := unpack && p.skip("(")
	t := target{names: []string{p.want(kName, "a name").val}}
	if !unpack {
		return t
	}
	for p.skip(",") {
		t.tuple = true
		if p.cur().kind != kName || p.cur().name("in") {
			break
		}
		t.names = append(t.names, p.next().val)
	}
	if paren {
		p.wantOp(")")
	}
	return t
}

func (p *parser) set(name tok) node {
	n := &setNode{pos: name.pos, target: p.target(true)}
	if !n.target.tuple && p.skip(".") {
		n.target.attr = p.want(kName, "the name of an attribute").val
	}
	if p.skip("=") {
		n.value = p.tuple(false)
		p.endBlock()
		return n
	}
	for p.skip("|") {
		n.filter = append(n.filter, p.filter(nil))
	}
	n.body = p.block("endset")
	return n
}

func (p *parser) params() []param {
	var list []param
	p.wantOp("(")
	for !p.skip(")") {
		if len(list) > 0 {
			p.wantOp(",")
			if p.skip(")") {
				break
			}
		}
		t := p.want(kName, "the name of a parameter")
		a := param{name: t.val}
		if p.skip("=") {
			a.def = p.expression()
		} else if len(list) > 0 && list[len(list)-1].def != nil {
			p.fail(t, "the parameter %q without a default follows one with a default", t.val)
		}
		list = append(list, a)
	}
	return list
}

func (p *parser) call(name tok) node {
	n := &callNode{pos: name.pos, macro: &macroNode{pos: name.pos}}
	if p.cur().is("(") {
		n.macro.params = p.params()
	}
	t := p.cur()
	c, ok := p.expression().(*callExpr)
	if !ok {
		p.fail(t, "expected a call")
	}
	n.call = c
	n.macro.body = p.outside(func() []node { return p.block("endcall") })
	return n
}
