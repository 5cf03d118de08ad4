package chat

import (
	"encoding/json"
	"slices"
	"strings"
)

// objectReader reads a call written as a JSON object with the keys name and
// arguments (or parameters), in any order, with others beside them. Arguments
// go out as they come once the name is known.
type objectReader struct {
	scan jsonScan
	key  strings.Builder // of the outer object, the last
	part part            // which value the bytes belong to
	// fresh says that the value has not begun.
	fresh bool

	name    strings.Builder // the value, as JSON
	hasName bool
	args    strings.Builder // held until the name is known
	hasArgs bool
	quoted  bool // the arguments are a string that holds JSON
	began   bool // the arguments have gone out in part
	// strict gives up at a first key that no call begins with: a text that is
	// JSON is not kept back.
	strict bool
	other  bool   // it has such a key, or names no tool
	tools  []Tool // that it may name; nil: any name is a call's
}

// part is a value of the outer object.
type part uint8

const (
	partOther part = iota
	partName
	partArgs
)

var firstKeys = map[string]bool{"name": true, "arguments": true, "parameters": true, "type": true, "id": true}

var argumentKeys = map[string]bool{"arguments": true, "parameters": true, "args": true}

// read takes bytes of the object; done says that there is nothing to come, ok
// that it was a call.
func (r *objectReader) read(text string, c *counter) (n int, done, ok bool) {
	for n < len(text) {
		before, level := r.scan.state, len(r.scan.stack)
		write, taken := r.scan.next(text[n])
		if !taken || len(r.scan.stack) == 0 && r.scan.state != scanDone {
			return n, true, false
		}
		r.follow(text[n], write, before, level, c)
		n++
		if r.other {
			return n, true, false
		}
		if r.scan.state == scanDone {
			return n, true, r.whole(c)
		}
	}
	return n, false, false
}

// follow sees which value of the outer object a byte belongs to; before and
// level are the scan's state and depth without it.
func (r *objectReader) follow(b byte, write string, before scanState, level int, c *counter) {
	now := r.scan.state
	if level == 1 {
		switch before {
		case scanKey, scanKeyFirst:
			r.key.Reset()
			return
		case scanKeyString, scanKeyEscape:
			if now != scanColon {
				r.key.WriteString(write)
			}
			return
		case scanColon:
			if now == scanValue {
				r.begin()
			}
			return
		case scanNumber:
			if now != scanNumber { // what follows the number is not its own
				r.ended(c)
				return
			}
		}
	}
	if r.part == partOther || r.fresh && (b == ' ' || b == '\t' || b == '\n' || b == '\r') {
		return
	}
	if r.fresh && r.part == partArgs {
		r.quoted = b == '"'
	}
	r.fresh = false
	if r.part == partName {
		r.name.WriteString(write)
	} else {
		r.args.WriteString(write)
		r.stream(c)
	}
	if len(r.scan.stack) == 1 && now == scanAfter {
		r.ended(c)
	}
}

// begin and ended are the ends of a value of the outer object.
func (r *objectReader) begin() {
	r.other = r.strict && !firstKeys[r.key.String()]
	r.strict = false
	r.part, r.fresh = partOther, true
	switch key := r.key.String(); {
	case key == "name" && !r.hasName:
		r.part = partName
	case argumentKeys[key] && !r.hasArgs:
		r.part = partArgs
	}
}

func (r *objectReader) ended(c *counter) {
	r.hasName = r.hasName || r.part == partName
	r.hasArgs = r.hasArgs || r.part == partArgs
	r.part = partOther
	r.stream(c)
}

// stream sends what is known of the arguments.
func (r *objectReader) stream(c *counter) {
	if !r.hasName || r.quoted || r.args.Len() == 0 {
		return
	}
	if !r.began {
		if r.args.String()[0] != '{' {
			return // null, or no object: the end decides
		}
		name := r.toolName()
		if name == "" {
			return
		}
		if !r.offered(name) {
			r.other = true
			return
		}
		c.begin(name)
		r.began = true
	}
	c.arguments(r.args.String())
	r.args.Reset()
}

func (r *objectReader) offered(name string) bool {
	return r.tools == nil || slices.ContainsFunc(r.tools, func(t Tool) bool { return t.Name == name })
}

func (r *objectReader) toolName() string {
	var name string
	if json.Unmarshal([]byte(r.name.String()), &name) != nil {
		return ""
	}
	return name
}

// whole ends the call; false when it is none.
func (r *objectReader) whole(c *counter) bool {
	if r.began {
		c.end()
		return true
	}
	name := r.toolName()
	args := strings.TrimSpace(r.args.String())
	if r.quoted {
		var inner string
		if json.Unmarshal([]byte(args), &inner) != nil {
			return false
		}
		args = strings.TrimSpace(inner)
	}
	switch {
	case name == "" || !r.offered(name):
		return false
	case args == "" || args == "null":
		args = "{}"
	case args[0] != '{' || !json.Valid([]byte(args)):
		return false
	}
	c.begin(name)
	c.arguments(args)
	c.end()
	return true
}

// closing closes arguments that have begun to go out.
func (r *objectReader) closing() string {
	if r.part != partArgs {
		return ""
	}
	inner := r.scan
	inner.stack = inner.stack[1:]
	return inner.closing()
}

// jsonCalls reads objects one after another: in a list, or with blanks or
// semicolons between.
type jsonCalls struct {
	counter
	close  string // what ends them; "" for none
	list   bool   // within [ ]
	strict bool   // see [objectReader]
	tools  []Tool // see [objectReader]
	object *objectReader
	some   bool // one was read
	again  bool // a semicolon asks for another
}

func (j *jsonCalls) read(text string, end bool) (n int, status callStatus) {
	for n < len(text) {
		if j.object != nil {
			m, done, ok := j.object.read(text[n:], &j.counter)
			n += m
			switch {
			case !done:
				return n, callMore
			case !ok:
				return n, callFailed
			}
			j.object, j.some = nil, true
			continue
		}
		rest := text[n:]
		switch c := rest[0]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			n++
		case j.close != "" && strings.HasPrefix(rest, j.close):
			if n += len(j.close); !j.some {
				return n, callFailed
			}
			return n, callDone
		case j.close != "" && !end && strings.HasPrefix(j.close, rest):
			return n, callMore
		case c == '{' && (!j.some || j.list || j.close != "" || j.again):
			j.object, j.again = &objectReader{strict: j.strict, tools: j.tools}, false
		case c == '[' && !j.some && !j.list:
			j.list = true
			n++
		case c == ']' && j.list && j.some:
			j.list = false
			n++
			if j.close == "" {
				return n, callDone
			}
		case c == ',' && j.list && j.some:
			n++
		case c == ';' && j.some:
			j.again = true
			n++
		case j.some:
			return n, callDone // the close is missing
		default:
			return n, callFailed
		}
	}
	if end && j.object == nil && j.some {
		return n, callDone
	}
	return n, callMore
}

func (j *jsonCalls) repair() (string, bool) {
	if !j.open || j.object == nil {
		return "", false
	}
	return j.object.closing(), true
}
