package jinja

import "strconv"

// The grammar of expressions, from the loosest binding to the tightest:
// condition, or, and, not, comparison, + -, ~, * / // %, **, unary, postfix.

func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	e := p.or()
	for p.cur().name("if") {
		t := p.next()
		c := &condExpr{pos: t.pos, then: e, test: p.or()}
		if p.skipName("else") {
			c.other = p.expression()
		}
		e = c
	}
	return e
}

// tuple reads an expression, or several with commas between: a tuple.
func (p *parser) tuple(output bool) expr {
	if output && p.cur().kind == kExprEnd {
		p.fail(p.cur(), "expected an expression, found %s", p.cur().describe())
	}
	return p.tupleOf(p.expression)
}

func (p *parser) tupleOf(read func() expr) expr {
	t := p.cur()
	e := read()
	if !p.cur().is(",") {
		return e
	}
	items := []expr{e}
	for p.skip(",") {
		if c := p.cur(); c.kind == kExprEnd || c.kind == kBlockEnd || c.is(")") {
			break
		}
		items = append(items, read())
	}
	return &listExpr{pos: t.pos, items: items, tuple: true}
}

func (p *parser) or() expr {
	e := p.and()
	for p.cur().name("or") {
		t := p.next()
		e = &binaryExpr{t.pos, "or", e, p.and()}
	}
	return e
}

func (p *parser) and() expr {
	e := p.not()
	for p.cur().name("and") {
		t := p.next()
		e = &binaryExpr{t.pos, "and", e, p.not()}
	}
	return e
}

func (p *parser) not() expr {
	if p.cur().name("not") {
		p.enter()
		defer p.leave()
		t := p.next()
		return &unaryExpr{t.pos, "not", p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	first := p.sum()
	var c *compareExpr
	for {
		t := p.cur()
		op := ""
		switch {
		case t.is("=="), t.is("!="), t.is("<"), t.is("<="), t.is(">"), t.is(">="), t.name("in"):
			op = t.val
		case t.name("not") && p.toks[p.i+1].name("in"):
			p.next()
			op = "not in"
		default:
			if c == nil {
				return first
			}
			return c
		}
		p.next()
		if c == nil {
			c = &compareExpr{pos: t.pos, first: first}
		}
		c.ops, c.rest = append(c.ops, op), append(c.rest, p.sum())
	}
}

// binary reads a level of operators that bind to the left.
func (p *parser) binary(operand func() expr, ops ...string) expr {
	e := operand()
	for {
		t, found := p.cur(), false
		for _, op := range ops {
			found = found || t.is(op)
		}
		if !found {
			return e
		}
		p.next()
		e = &binaryExpr{t.pos, t.val, e, operand()}
	}
}

func (p *parser) sum() expr     { return p.binary(p.concat, "+", "-") }
func (p *parser) concat() expr  { return p.binary(p.product, "~") }
func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }
func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(filters bool) expr {
	p.enter()
	defer p.leave()
	var e expr
	if t := p.cur(); t.is("-") || t.is("+") {
		p.next()
		e = &unaryExpr{t.pos, t.val, p.unary(false)}
	} else {
		e = p.postfix(p.primary())
	}
	if !filters {
		return e
	}
	for {
		switch t := p.cur(); {
		case t.is("|"):
			p.next()
			e = p.filter(e)
		case t.name("is"):
			p.next()
			e = p.test(t, e)
		case t.is("("):
			e = p.arguments(e)
		default:
			return e
		}
	}
}

func (p *parser) primary() expr {
	t := p.next()
	switch {
	case t.kind == kName:
		switch t.val {
		case "true", "True":
			return &constExpr{t.pos, true}
		case "false", "False":
			return &constExpr{t.pos, false}
		case "none", "None":
			return &constExpr{t.pos, nil}
		}
		return &nameExpr{t.pos, t.val}
	case t.kind == kString:
		s := t.val
		for p.cur().kind == kString { // neighbours are one
			s += p.next().val
		}
		return &constExpr{t.pos, Trusted(s)}
	case t.kind == kInt:
		n, _ := strconv.ParseInt(t.val, 10, 64) // the lexer has checked it
		return &constExpr{t.pos, n}
	case t.kind == kFloat:
		x, _ := strconv.ParseFloat(t.val, 64)
		return &constExpr{t.pos, x}
	case t.is("("):
		if p.skip(")") {
			return &listExpr{pos: t.pos, tuple: true}
		}
		e := p.tuple(false)
		p.wantOp(")")
		return e
	case t.is("["):
		e := &listExpr{pos: t.pos}
		p.items("]", func() { e.items = append(e.items, p.expression()) })
		return e
	case t.is("{"):
		e := &dictExpr{pos: t.pos}
		p.items("}", func() {
			e.keys = append(e.keys, p.expression())
			p.wantOp(":")
			e.values = append(e.values, p.expression())
		})
		return e
	}
	p.fail(t, "expected an expression, found %s", t.describe())
	return nil
}

// items reads a list with commas up to its end; a last comma is free.
func (p *parser) items(end string, read func()) {
	for n := 0; !p.skip(end); n++ {
		if n > 0 {
			p.wantOp(",")
			if p.skip(end) {
				return
			}
		}
		read()
	}
}

func (p *parser) postfix(e expr) expr {
	for {
		t := p.cur()
		switch {
		case t.is("."):
			p.next()
			n := p.next()
			switch n.kind {
			case kName:
				e = &attrExpr{t.pos, e, n.val}
			case kInt:
				i, _ := strconv.ParseInt(n.val, 10, 64)
				e = &indexExpr{t.pos, e, &constExpr{n.pos, i}}
			default:
				p.fail(n, "expected a name after \".\", found %s", n.describe())
			}
		case t.is("["):
			p.next()
			e = p.subscript(t, e)
		case t.is("("):
			e = p.arguments(e)
		default:
			return e
		}
	}
}

func (p *parser) subscript(t tok, e expr) expr {
	part := func() expr {
		if p.cur().is(":") || p.cur().is("]") {
			return nil
		}
		return p.expression()
	}
	first := part()
	if !p.skip(":") {
		if first == nil {
			p.fail(p.cur(), "expected an index, found %s", p.cur().describe())
		}
		p.wantOp("]")
		return &indexExpr{t.pos, e, first}
	}
	s := &sliceExpr{pos: t.pos, e: e, lo: first, hi: part()}
	if p.skip(":") {
		s.step = part()
	}
	p.wantOp("]")
	return s
}

func (p *parser) arguments(f expr) expr {
	return &callExpr{pos: p.cur().pos, f: f, args: p.argList()}
}

func (p *parser) argList() (a args) {
	p.wantOp("(")
	p.items(")", func() {
		t := p.cur()
		if t.is("*") || t.is("**") {
			p.fail(t, "unpacked arguments are not supported")
		}
		if t.kind == kName && p.toks[p.i+1].is("=") {
			p.i += 2
			a.names, a.named = append(a.names, t.val), append(a.named, p.expression())
			return
		}
		if len(a.named) > 0 {
			p.fail(t, "a positional argument follows a named one")
		}
		a.list = append(a.list, p.expression())
	})
	return a
}

// filter reads the name and the arguments of a filter of e.
func (p *parser) filter(e expr) *filterExpr {
	t := p.want(kName, "the name of a filter")
	f := &filterExpr{pos: t.pos, e: e, name: t.val}
	if p.cur().is("(") {
		f.args = p.argList()
	}
	return f
}

// test reads what stands after "is".
func (p *parser) test(is tok, e expr) expr {
	x := &testExpr{pos: is.pos, e: e, not: p.skipName("not")}
	t := p.next()
	if t.kind != kName {
		p.fail(t, "expected the name of a test, found %s", t.describe())
	}
	x.name = t.val
	switch c := p.cur(); {
	case c.is("("):
		x.args = p.argList()
	case c.kind == kName && c.val != "else" && c.val != "or" && c.val != "and" && c.val != "if" && c.val != "is" && c.val != "in" && c.val != "not",
		c.kind == kString, c.kind == kInt, c.kind == kFloat, c.is("["), c.is("{"):
		x.list = []expr{p.postfix(p.primary())}
	}
	return x
}
