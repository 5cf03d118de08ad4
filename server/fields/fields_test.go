package fields

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "the body is empty, want a JSON object"},
		{" \n", "the body is empty"},
		{"\ufeff", "the body is empty"},
		{"prompt=x", "not valid JSON"},
		{`{"a":1`, "not valid JSON: unexpected end"},
		{`{"a":`, "not valid JSON: unexpected end"},
		{`{"a"`, "not valid JSON"},
		{`{"a":1,}`, "not valid JSON"},
		{`{"a" 1}`, "not valid JSON"},
		{`{a:1}`, "not valid JSON"},
		{`{1:1}`, "not valid JSON"},
		{`{"a":1} {}`, "after top-level value"},
		{`{"a":1}x`, "after top-level value"},
		{`{` + strings.Repeat(`"a":1,`, 5), "not valid JSON"},
		{"[1]", "not a JSON object"},
		{`null`, "not a JSON object"},
		{`5`, "not a JSON object"},
		{"{\"a\":\"\xff\"}", "not valid UTF-8 (byte 6)"},
		{"\ufeff{\"a\":\"\xff\"}", "not valid UTF-8 (byte 6)"},
		{`{"a":1,"b":2,"a":3}`, "a stands in the body twice"},
		{`{"a":1,"\u0061":3}`, "a stands in the body twice"},
		{`{"a":null,"a":3}`, "a stands in the body twice"},
		{strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000), "not valid JSON"},
	} {
		o := Parse([]byte(c.text))
		require.ErrorContains(t, o.Err(), c.want, "%.40s", c.text)
		var text string
		require.False(t, o.Text("a", &text), "nothing is read from what is wrong")
	}
	var many strings.Builder
	for i := range maxMembers + 1 {
		fmt.Fprintf(&many, `,"%d":%d`, i, i)
	}
	require.ErrorContains(t, Parse([]byte("{"+many.String()[1:]+"}")).Err(), "the body has more than 1000 fields")
	for _, text := range []string{`{}`, ` {"a": "x"} `, "\ufeff{\"a\":\"x\"}"} {
		require.NoError(t, Parse([]byte(text)).Err(), text)
	}
}

// Whole numbers are one thing, however they are written and whatever they are
// for.
func TestWholeNumbers(t *testing.T) {
	readers := map[string]func(o *Object) uint64{
		"Integer": func(o *Object) uint64 {
			n := 0
			o.Integer("n", &n, math.MinInt, math.MaxInt)
			return uint64(n)
		},
		"IntegerOr": func(o *Object) uint64 {
			n := 0
			o.IntegerOr("n", &n, 0, math.MaxInt, "all")
			return uint64(n)
		},
		"Seed": func(o *Object) uint64 {
			var n uint64
			o.Seed("n", &n)
			return n
		},
		"TokenIDs": func(o *Object) uint64 {
			var ids []int32
			if !o.TokenIDs("ids", &ids) {
				return 0
			}
			require.Len(t, ids, 2)
			require.Equal(t, ids[0], ids[1])
			return uint64(ids[0])
		},
	}
	for name, read := range readers {
		for text, want := range map[string]uint64{
			"42": 42, "42.0": 42, "42.000": 42, "4.2e1": 42, "4.2E+1": 42, "420e-1": 42, "0.42e2": 42,
			"0": 0, "-0": 0, "0.0": 0, "0e99": 0, "-0.0e-7": 0, "0e99999999999999999999": 0,
			"1e3": 1000, "1000": 1000, "2147483647": math.MaxInt32, "2.147483647e9": math.MaxInt32,
			"1" + strings.Repeat("0", 300) + "e-297": 1000,
		} {
			o := Parse([]byte(`{"n":` + text + `,"ids":[` + text + ` , ` + text + `]}`))
			require.Equal(t, want, read(o), "%s of %.40s", name, text)
			require.NoError(t, o.Err(), "%s of %.40s", name, text)
		}
		for _, text := range []string{"0.5", "1e-1", "42.5", "1e-99999999999999999999", `"42"`, "true", "[]", "{}", "[1]", `""`, "4.2", "123456789e-8"} {
			o := Parse([]byte(`{"n":` + text + `,"ids":[1,` + text + `]}`))
			read(o)
			require.Regexp(t, "^(n must be an integer, found|ids must be a list of token ids, found)", o.Err(), "%s of %s", name, text)
		}
		for _, text := range []string{"18446744073709551616", "1e20", "1e999999999", "-1e99999999999999999999", "-2" + strings.Repeat("0", 40)} {
			o := Parse([]byte(`{"n":` + text + `,"ids":[` + text + `]}`))
			read(o)
			require.Regexp(t, "must be from", o.Err(), "%s of %.40s", name, text)
			require.Less(t, len(o.Err().Error()), 200)
		}
	}
	o := Parse([]byte(`{"big":18446744073709551615,"big2":1.8446744073709551615e19,"random":-1.0,"none":-1,"least":-9223372036854775808}`))
	var seed uint64
	require.True(t, o.Seed("big", &seed))
	require.Equal(t, uint64(math.MaxUint64), seed)
	require.True(t, o.Seed("big2", &seed))
	require.Equal(t, uint64(math.MaxUint64), seed, "exact, not by way of a float")
	require.False(t, o.Seed("random", &seed))
	n := 5
	o.IntegerOr("none", &n, 0, 9, "all")
	require.Equal(t, -1, n)
	o.Integer("least", &n, math.MinInt, 0)
	require.Equal(t, math.MinInt, n)
	require.NoError(t, o.Err())
	o = Parse([]byte(`{"n":-2}`))
	o.IntegerOr("n", &n, 0, 9, "all")
	require.EqualError(t, o.Err(), "n is -2, must be from 0 to 9, or -1 for all")
}

func TestTokenIDs(t *testing.T) {
	for text, want := range map[string][]int32{"[]": {}, " [ ] ": {}, "[1]": {1}, "[\t1 ,2\n,3.0 ]": {1, 2, 3}} {
		var ids []int32
		require.True(t, Parse([]byte(`{"ids":`+text+`}`)).TokenIDs("ids", &ids), text)
		require.Equal(t, want, ids)
	}
	for _, text := range []string{`"1"`, `1`, `{}`, `[null]`, `[1,"2"]`, `[1,[2]]`, `[-1]`, `[2147483648]`, `[1,{}]`, `[[]]`} {
		o := Parse([]byte(`{"ids":` + text + `}`))
		var ids []int32
		require.False(t, o.TokenIDs("ids", &ids), text)
		require.ErrorContains(t, o.Err(), "ids", text)
	}
}

func TestBiases(t *testing.T) {
	var b map[int32]float32
	Parse([]byte(`{"b":{"5":1,"7":-2.5,"0":1e1}}`)).Biases("b", &b, 100)
	require.Equal(t, map[int32]float32{5: 1, 7: -2.5, 0: 10}, b)
	for text, want := range map[string]string{
		`[1]`: "must be an object", `{"a":1}`: "must be an object", `{"-1":1}`: "must be an object", `{"1":"x"}`: "must be an object",
		`{"1":null}`: "must be an object", `{"1":[2]}`: "must be an object", `{"1":101}`: "of token 1 is 101, must be from -100 to 100",
		`{"1":1e999}`: "of token 1 is 1e999", `{"1":1,"1":2}`: "names token 1 twice", `{"1":1,"01":2}`: "names token 1 twice",
	} {
		o := Parse([]byte(`{"b":` + text + `}`))
		o.Biases("b", &b, 100)
		require.ErrorContains(t, o.Err(), want, text)
	}
}

func TestTexts(t *testing.T) {
	for text, want := range map[string][]string{`"a"`: {"a"}, `[]`: {}, `["a","b"]`: {"a", "b"}} {
		var list []string
		Parse([]byte(`{"stop":`+text+`}`)).Texts("stop", &list)
		require.Equal(t, want, list)
	}
	for text, want := range map[string]string{
		`5`: "must be a string or a list", `[null]`: "must be a string or a list", `["a",1]`: "must be a string or a list", `[["a"]]`: "must be a string or a list",
		`[` + strings.Repeat(`"",`, maxTexts) + `""]`: "holds more than 1000 strings",
	} {
		o := Parse([]byte(`{"stop":` + text + `}`))
		var list []string
		o.Texts("stop", &list)
		require.ErrorContains(t, o.Err(), want, "%.30s", text)
	}
}

// What is wrong first is what is told, and what nobody reads is known.
func TestFirstErrorAndUnknown(t *testing.T) {
	o := Parse([]byte(`{"a":1,"b":2,"d":3,"c":null}`))
	var text string
	var yes bool
	o.Text("a", &text)
	o.Bool("b", &yes)
	require.EqualError(t, o.Err(), "a must be a string, found 1")
	require.Equal(t, []string{"c", "d"}, o.Unknown())
	require.Equal(t, []string{"a", "b"}, o.Known())
}

// No body is more than refused.
func FuzzObject(f *testing.F) {
	for _, text := range []string{`{"n":1e3,"ids":[1,2.0],"b":{"1":2},"s":["a"]}`, `{"n":-0,"ids":[ ],"b":{},"s":null}`, "\ufeff{}", `{"n":1e-9999999999}`,
		`{ "a\"}" : [ {"b":"]"} , 1 ] , "c":{"\\":"\""} ,"d":true,"e":-1.5e3}`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		o := Parse([]byte(text))
		var n int
		var seed uint64
		var ids []int32
		var b map[int32]float32
		var list []string
		var x float32
		o.Integer("n", &n, -5, 5)
		o.Seed("n", &seed)
		o.Positive("n", &x, 10)
		o.TokenIDs("ids", &ids)
		o.Biases("b", &b, 100)
		o.Texts("s", &list)
		// The members are those that encoding/json finds.
		var want map[string]json.RawMessage
		if again := Parse([]byte(text)); again.Err() == nil {
			require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(text, "\ufeff")), &want))
			require.Equal(t, want, again.members)
		}
		if o.Err() == nil {
			require.True(t, n >= -5 && n <= 5)
			require.GreaterOrEqual(t, x, float32(0))
		}
	})
}
