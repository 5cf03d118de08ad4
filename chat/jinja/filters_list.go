package jinja

import (
	"slices"
	"strconv"
	"strings"
)

func filterBatch(e *exec, p pos, v any, a *callArgs) any {
	n := e.integer(p, a, 0, "linecount", 0)
	if n < 1 {
		e.fail(p, "batch needs a positive number of items")
	}
	out := &List{lazy: true}
	for part := range slices.Chunk(e.iterate(p, v), int(min(n, 1<<30))) {
		items := slices.Clone(part)
		if fill, ok := a.get(1, "fill_with"); ok && fill != nil {
			e.step(int(min(n, int64(e.limits.Steps))))
			for int64(len(items)) < n {
				items = append(items, fill)
			}
		}
		out.items = append(out.items, &List{items: items})
	}
	return out
}

func end(e *exec, p pos, v any, last bool) any {
	items := e.iterate(p, v)
	switch {
	case len(items) == 0:
		return undefined{"the sequence was empty"}
	case last:
		return items[len(items)-1]
	}
	return items[0]
}

func filterItems(e *exec, p pos, v any, _ *callArgs) any {
	switch v := v.(type) {
	case *Dict:
		return &List{items: pairs(v), lazy: true}
	case undefined:
		return &List{lazy: true}
	}
	e.fail(p, "can only get item pairs from a mapping")
	return nil
}

func pairs(d *Dict) []any {
	items := make([]any, len(d.keys))
	for i, k := range d.keys {
		items[i] = &List{items: []any{k, d.values[i]}, tuple: true}
	}
	return items
}

func filterJoin(e *exec, p pos, v any, a *callArgs) any {
	items := e.iterate(p, v)
	get := e.attribute(p, a, 1)
	sep := e.text(p, a, 0, "d", "")
	list := make([]Text, len(items))
	n := 0
	for i, item := range items {
		list[i] = str(get(item))
		n += len(list[i].s) + len(sep.s)
	}
	e.made(n)
	return join(sep, list)
}

// attribute is the function that gets the attribute named by an argument, with
// dots between parts; without the argument, the item itself.
func (e *exec) attribute(p pos, a *callArgs, i int) func(any) any {
	v, ok := a.get(i, "attribute")
	if !ok || v == nil {
		return func(v any) any { return v }
	}
	if n, ok := v.(int64); ok {
		return func(v any) any { return e.index(p, v, n) }
	}
	t, ok := v.(Text)
	if !ok {
		e.fail(p, "attribute must be a string or an integer, not %s", typeName(v))
	}
	parts := t.split(".", -1)
	return func(v any) any {
		for _, part := range parts {
			if n, err := strconv.ParseInt(part.s, 10, 64); err == nil {
				v = e.index(p, v, n)
			} else {
				v = e.index(p, v, part)
			}
		}
		return v
	}
}

func filterMap(e *exec, p pos, v any, a *callArgs) any {
	if !truth(v) {
		return &List{lazy: true} // None too
	}
	items := e.iterate(p, v)
	out := &List{items: make([]any, len(items)), lazy: true}
	if _, ok := a.get(-1, "attribute"); ok {
		get := e.attribute(p, a, -1)
		def, has := a.get(-1, "default")
		for i, item := range items {
			out.items[i] = get(item)
			if _, absent := out.items[i].(undefined); absent && has {
				out.items[i] = def
			}
		}
		return out
	}
	if len(a.list) == 0 {
		e.fail(p, "map requires a filter argument")
	}
	f := e.filterNamed(p, str(a.list[0]).s)
	rest := &callArgs{a.list[1:], a.names, a.named}
	for i, item := range items {
		e.step(1)
		out.items[i] = f(e, p, item, rest)
	}
	return out
}

// choose is select, reject, selectattr and rejectattr.
func choose(e *exec, p pos, v any, a *callArgs, byAttr, want bool) any {
	args := a.list
	get := func(v any) any { return v }
	if byAttr {
		if len(args) == 0 {
			e.fail(p, "missing parameter for attribute name")
		}
		get = e.attribute(p, &callArgs{list: args[:1]}, 0)
		args = args[1:]
	}
	holds := func(v any) bool { return truth(v) }
	if len(args) > 0 {
		test := e.testNamed(p, str(args[0]).s)
		rest := &callArgs{list: args[1:]}
		holds = func(v any) bool { return test(e, p, v, rest) }
	}
	out := &List{lazy: true}
	if !truth(v) {
		return out // None too
	}
	for _, item := range e.iterate(p, v) {
		e.step(1)
		if holds(get(item)) == want {
			out.items = append(out.items, item)
		}
	}
	return out
}

func filterReverse(e *exec, p pos, v any, _ *callArgs) any {
	if t, ok := v.(Text); ok {
		e.made(len(t.s))
		c := t.chars()
		slices.Reverse(c)
		return concat(c...)
	}
	items := slices.Clone(e.iterate(p, v))
	slices.Reverse(items)
	return &List{items: items, lazy: true}
}

// folded is a sort key that does not see case.
func folded(v any, sensitive bool) any {
	if t, ok := v.(Text); ok && !sensitive {
		return Trusted(strings.ToLower(t.s))
	}
	return v
}

func (e *exec) sorted(p pos, items []any, key func(any) any, reverse bool) []any {
	items = slices.Clone(items)
	e.step(len(items))
	slices.SortStableFunc(items, func(a, b any) int {
		e.step(1)
		c, ok := order(key(a), key(b))
		if !ok {
			e.fail(p, "'<' not supported between instances of %q and %q", typeName(key(a)), typeName(key(b)))
		}
		if reverse {
			return -c
		}
		return c
	})
	return items
}

func filterSort(e *exec, p pos, v any, a *callArgs) any {
	get, sensitive := e.attribute(p, a, 2), a.flag(1, "case_sensitive")
	key := func(v any) any { return folded(get(v), sensitive) }
	return &List{items: e.sorted(p, e.iterate(p, v), key, a.flag(0, "reverse"))}
}

func filterDictsort(e *exec, p pos, v any, a *callArgs) any {
	d, ok := v.(*Dict)
	if !ok {
		e.fail(p, "dictsort needs a mapping, not %s", typeName(v))
	}
	by := 0
	switch s := e.text(p, a, 1, "by", "key").s; s {
	case "key":
	case "value":
		by = 1
	default:
		e.fail(p, "dictsort sorts by key or value, not %q", s)
	}
	sensitive := a.flag(0, "case_sensitive")
	key := func(v any) any { return folded(v.(*List).items[by], sensitive) }
	return &List{items: e.sorted(p, pairs(d), key, a.flag(2, "reverse"))}
}

func filterGroupby(e *exec, p pos, v any, a *callArgs) any {
	get, sensitive := e.attribute(p, a, 0), a.flag(2, "case_sensitive")
	def, has := a.get(1, "default")
	value := func(v any) any {
		x := get(v)
		if _, absent := x.(undefined); absent && has {
			return def
		}
		return x
	}
	key := func(v any) any { return folded(value(v), sensitive) }
	out := &List{}
	var group *List
	for _, item := range e.sorted(p, e.iterate(p, v), key, false) {
		if group == nil || !equal(key(item), key(group.items[0])) {
			group = &List{}
			out.items = append(out.items, &List{items: []any{value(item), group}, tuple: true})
		}
		group.items = append(group.items, item)
	}
	return out
}

func filterUnique(e *exec, p pos, v any, a *callArgs) any {
	get, sensitive := e.attribute(p, a, 1), a.flag(0, "case_sensitive")
	seen := map[string]bool{}
	out := &List{lazy: true}
	for _, item := range e.iterate(p, v) {
		h := hashKey(folded(get(item), sensitive))
		if h == "" {
			e.fail(p, "unhashable type: %q", typeName(get(item)))
		}
		if !seen[h] {
			seen[h] = true
			out.items = append(out.items, item)
		}
	}
	return out
}

func filterSum(e *exec, p pos, v any, a *callArgs) any {
	get := e.attribute(p, a, 0)
	var sum any = int64(0)
	if start, ok := a.get(1, "start"); ok {
		sum = start
	}
	for _, item := range e.iterate(p, v) {
		sum = e.binary(&binaryExpr{p, "+", &constExpr{p, sum}, &constExpr{p, get(item)}}, nil)
	}
	return sum
}

func extreme(e *exec, p pos, v any, a *callArgs, sign int) any {
	get, sensitive := e.attribute(p, a, 1), a.flag(0, "case_sensitive")
	var best any = undefined{"the sequence was empty"}
	for i, item := range e.iterate(p, v) {
		if i == 0 {
			best = item
			continue
		}
		c, ok := order(folded(get(item), sensitive), folded(get(best), sensitive))
		if !ok {
			e.fail(p, "values of %q and %q cannot be compared", typeName(item), typeName(best))
		}
		if c*sign > 0 {
			best = item
		}
	}
	return best
}
