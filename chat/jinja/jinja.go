// Package jinja runs the chat templates that model files carry: the part of
// Jinja2 (3.1, jinja.palletsprojects.com) that such templates use, set up as
// the transformers library does (trim_blocks, lstrip_blocks, loop controls, a
// sandbox whose values cannot be changed).
//
// A string remembers which of its bytes came from the template and which from
// a user, through every operation, so that what a user wrote can be told apart
// in the output ([Text]). A template can neither run for ever, nor recurse or
// grow without end: see [Limits].
package jinja

import (
	"fmt"
	"time"
)

// Template is a parsed template. It is safe for concurrent use.
type Template struct {
	body []node
}

// Parse reads a template. Errors are of type [*Error].
func Parse(source string) (*Template, error) {
	toks, err := lex(normalize(source))
	if err != nil {
		return nil, err
	}
	p := &parser{toks: toks}
	body, err := p.template()
	if err != nil {
		return nil, err
	}
	return &Template{body}, nil
}

// String is the template written anew from its tree: it parses to the same tree.
func (t *Template) String() string { return printBody(t.body) }

// Limits bounds what a template may use. Zero values stand for the defaults.
type Limits struct {
	Steps int           // nodes run; default 4 million
	Bytes int           // text made, what is thrown away included; default 64 MiB
	Depth int           // nested calls; default 100
	Time  time.Duration // default 2 seconds
}

func (l Limits) withDefaults() Limits {
	if l.Steps == 0 {
		l.Steps = 4 << 20
	}
	if l.Bytes == 0 {
		l.Bytes = 64 << 20
	}
	if l.Depth == 0 {
		l.Depth = 100
	}
	if l.Time == 0 {
		l.Time = 2 * time.Second
	}
	return l
}

// Options are what a template runs with.
type Options struct {
	Limits Limits
	Now    func() time.Time // for strftime_now; nil: time.Now
}

// Execute runs the template on variables: values made by [FromJSON], [User] and
// [Trusted], or nil, bool, int64, float64. Errors are of type [*Error]; one that
// the template raised itself has Raised set.
func (t *Template) Execute(vars map[string]any, o Options) (Text, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &exec{limits: o.Limits.withDefaults(), now: o.Now}
	e.deadline = time.Now().Add(e.limits.Time)
	root := &scope{vars: make(map[string]any, len(vars)+8)}
	for name, v := range vars {
		root.vars[name] = v
	}
	var out builder
	var err error
	func() {
		defer e.catch(&err)
		e.body(t.body, &scope{up: root}, &out)
	}()
	if err != nil {
		return Text{}, err
	}
	return out.text(), nil
}

// Error is what is wrong with a template, or what went wrong while it ran.
type Error struct {
	Line, Column int // from 1; 0 where there is none
	Message      string
	Raised       bool // by raise_exception: the message is the template's own
	Limit        bool // one of [Limits] was reached
}

func (e *Error) Error() string {
	if e.Line == 0 || e.Raised {
		return "chat template: " + e.Message
	}
	return fmt.Sprintf("chat template, line %d, column %d: %s", e.Line, e.Column, e.Message)
}
