package tokenizer

// preDefault is what llama.cpp splits by when a file does not say how: GPT-2's between punctuation,
// with numbers by themselves and three digits at a time.
var preDefault = preKind{
	names:       []string{"default"},
	expressions: []string{`[\p{P}\$\+<=>\^~\|]+`, gpt2Expression, `\p{N}+`, `[0-9][0-9][0-9]`},
	scanner:     func(t *classTable) preTokenizer { return &defaultWords{scanner{t}} },
}

type defaultWords struct{ scanner }

func (w *defaultWords) next(s string, i int) int {
	const marks = punct | operator
	switch first, n := w.class(s, i); {
	case first&marks != 0:
		return w.skip(s, i, marks)
	case first == number:
		return w.digits(s, i)
	case s[i] == ' ':
		if second, _ := w.class(s, i+n); second == number {
			return i + n
		}
	}
	return w.gpt2(s, i, marks)
}

// digits splits a run of numbers before and after every three ASCII digits.
func (w *defaultWords) digits(s string, i int) int {
	ascii := 0 // digits before at
	for at := i; ; {
		c, n := w.class(s, at)
		if c != number {
			return at
		}
		at += n
		if ascii++; n > 1 {
			ascii = 0
		}
		if ascii == 3 {
			if at-3 == i {
				return at
			}
			return at - 3
		}
	}
}
