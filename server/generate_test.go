package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"cllm/config"
)

type generated struct {
	ID              string
	Text            string
	Generated       int     `json:"generated_tokens"`
	MaxTokens       int     `json:"max_tokens"`
	ResponseTime    float64 `json:"response_time"`
	TokensPerSecond float64 `json:"tokens_per_second"`
	PromptTokens    int     `json:"prompt_tokens"`
	Reason          string  `json:"finish_reason"`
	LogProbs        []logProb
	Choices         []struct {
		Index     int
		Text      string
		Generated int    `json:"generated_tokens"`
		Reason    string `json:"finish_reason"`
		LogProbs  []logProb
	}
}

type logProb struct {
	ID      int32
	Token   string
	LogProb *float32
	Bytes   []int
	Top     []logProb
}

func TestGenerate(t *testing.T) {
	i := start(t, setup{})
	var g generated
	i.ask("/generate", `{"prompt":"Once upon a time","max_tokens":20,"temperature":0}`, &g)
	require.Regexp(t, "^[0-9a-f]{32}$", g.ID)
	require.Equal(t, 20, g.Generated)
	require.Equal(t, 20, g.MaxTokens)
	require.Equal(t, 4, g.PromptTokens)
	require.Equal(t, "length", g.Reason)
	require.Positive(t, g.ResponseTime)
	require.InDelta(t, 20/g.ResponseTime, g.TokensPerSecond, 1)
	require.True(t, strings.HasPrefix(g.Text, " there"), g.Text)

	for _, path := range []string{"/generate", "/generate_stream"} {
		next := i.open(t.Context(), path, `{"prompt":"Once upon a time","max_tokens":20,"temperature":0,"stream":true}`)
		text, events := "", 0
		for e, ok := next(); ok; e, ok = next() {
			require.Regexp(t, "^[0-9a-f]{32}$", e.ID)
			text += e.Token
			if events++; e.Done {
				require.Empty(t, e.Token)
				require.Equal(t, 20, e.Generated)
				require.Equal(t, "length", e.Reason)
				_, more := next()
				require.False(t, more, "nothing follows the last event")
				break
			}
		}
		require.Equal(t, g.Text, text, "streamed and not, the text is the same")
		require.Positive(t, events) // what nobody has read yet is one event
	}
}

func TestGenerateFields(t *testing.T) {
	i := start(t, setup{})
	ask := func(fields string) (g generated) {
		t.Helper()
		i.ask("/generate", `{"prompt":"Once upon a time","max_tokens":12,`+fields+`}`, &g)
		return g
	}
	require.Equal(t, ask(`"seed":7`).Text, ask(`"seed":7`).Text)
	require.NotEqual(t, ask(`"seed":7,"temperature":2,"top_k":0`).Text, ask(`"seed":8,"temperature":2,"top_k":0`).Text)
	greedy := ask(`"temperature":0,"repetition_penalty":1`)
	require.Equal(t, greedy.Text, ask(`"top_k":1,"temperature":1.5,"repetition_penalty":1`).Text, "top_k 1 is greedy")
	require.Equal(t, greedy.Text, ask(`"top_p":0,"top_k":0,"temperature":1.5,"repetition_penalty":1`).Text, "top_p 0 leaves one token")
	require.Empty(t, ask(`"logprobs":0`).LogProbs, "0 is none")

	stopped := ask(`"temperature":0,"repetition_penalty":1,"stop":"man"`)
	require.Equal(t, "stop", stopped.Reason)
	require.True(t, strings.HasPrefix(greedy.Text, stopped.Text))
	require.NotContains(t, stopped.Text, "man")

	require.True(t, strings.HasPrefix(ask(`"echo":true`).Text, "Once upon a time"))

	g := ask(`"temperature":0,"repetition_penalty":1,"logprobs":3`)
	require.Len(t, g.LogProbs, 12)
	for _, p := range g.LogProbs {
		require.Len(t, p.Top, 3)
		require.Equal(t, p.ID, p.Top[0].ID, "greedy takes the likeliest")
		require.LessOrEqual(t, *p.Top[1].LogProb, *p.LogProb)
	}
	banned := g.LogProbs[0].ID
	require.NotEqual(t, banned, ask(fmt.Sprintf(`"temperature":0,"logprobs":1,"logit_bias":{"%d":-100}`, banned)).LogProbs[0].ID)

	g = ask(`"n":3,"seed":1,"temperature":2`)
	require.Len(t, g.Choices, 3)
	require.Equal(t, 36, g.Generated)
	require.Equal(t, g.Text, g.Choices[0].Text)
	require.NotEqual(t, g.Choices[0].Text, g.Choices[1].Text)

	require.Equal(t, 12, ask(`"min_tokens":12,"stop":" "`).Generated)
}

// Zeros and -1 mean what llama-server makes of them, and whole numbers are
// whole however they are written.
func TestZerosAndNoLimits(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.Context = 300 }})
	ask := func(fields string) (g generated) {
		t.Helper()
		i.ask("/generate", `{"prompt":"Once upon a time","repetition_penalty":1,`+fields+`}`, &g)
		return g
	}
	greedy := ask(`"max_tokens":12,"temperature":0`).Text
	for _, fields := range []string{
		`"max_tokens":12.0,"temperature":0.0,"seed":42.0`, `"max_tokens":1.2e1,"temperature":1,"top_p":0,"top_k":0,"seed":1e3`,
		`"max_tokens":12,"temperature":1.5,"top_p":1e-6,"top_k":-1`, `"max_tokens":12,"temperature":1.5,"top_p":1e-60,"top_k":-1`,
		`"max_tokens":12,"temperature":1.5,"top_k":1,"seed":-1`, `"max_tokens":12,"temperature":0,"n":1.0,"logprobs":0,"min_tokens":0e0,"stop_tokens":[]`,
	} {
		require.Equal(t, greedy, ask(fields).Text, fields)
	}
	g := ask(`"max_tokens":0`)
	require.Zero(t, g.Generated, "the prompt is only evaluated")
	require.Empty(t, g.Text)
	require.Equal(t, 4, g.PromptTokens)
	g = ask(`"max_tokens":0,"echo":true,"logprobs":2`)
	require.Equal(t, "Once upon a time", g.Text)
	require.Len(t, g.LogProbs, 4)
	require.Nil(t, g.LogProbs[0].LogProb)
	require.NotNil(t, g.LogProbs[1].LogProb)

	g = ask(`"max_tokens":-1,"ignore_eos":true,"temperature":0`)
	require.Equal(t, 296, g.Generated, "as much as the context holds")
	require.Equal(t, -1, g.MaxTokens)
	require.Equal(t, "length", g.Reason)
	require.Equal(t, ask(`"max_tokens":9,"seed":42.0,"temperature":2,"top_k":-1`).Text, ask(`"max_tokens":9,"seed":4.2e1,"temperature":2,"top_k":0`).Text)
	var d struct{ Text string }
	i.ask("/decode", `{"tokens":[1e2, 100.0, 100]}`, &d)
	require.Equal(t, d.Text[:len(d.Text)/3], d.Text[len(d.Text)/3*2:])
	i.ask("/generate", "\ufeff"+`{"prompt":"Once","max_tokens":1}`, &g)
}

// A token that is a part of a character shows its bytes, and joined they are
// the text.
func TestLogProbsOfPartsOfCharacters(t *testing.T) {
	i := start(t, setup{})
	var g generated
	const text = "a 😀 語"
	i.ask("/generate", `{"prompt":"`+text+`","max_tokens":0,"echo":true,"logprobs":1}`, &g)
	parts, joined := 0, ""
	for _, p := range g.LogProbs {
		if p.Bytes == nil {
			joined += p.Token
			continue
		}
		parts++
		require.Contains(t, p.Token, "\ufffd")
		for _, b := range p.Bytes {
			joined += string([]byte{byte(b)})
		}
	}
	require.Positive(t, parts)
	require.Equal(t, text, joined)
}

// All of a wide answer is there: the echo of each choice, shared, and its own.
func TestWideAnswer(t *testing.T) {
	i := start(t, setup{})
	var g generated
	i.ask("/generate", `{"prompt":"Once upon \"a\" time\n","max_tokens":7,"n":3,"echo":true,"logprobs":2,"seed":1,"temperature":2,"ignore_eos":true}`, &g)
	require.Len(t, g.Choices, 3)
	require.Equal(t, g.Text, g.Choices[0].Text)
	require.Equal(t, g.LogProbs, g.Choices[0].LogProbs)
	require.NotEqual(t, g.Choices[0].Text, g.Choices[1].Text)
	for n, c := range g.Choices {
		require.Equal(t, n, c.Index)
		require.True(t, strings.HasPrefix(c.Text, "Once upon \"a\" time\n"), c.Text)
		require.Equal(t, 7, c.Generated)
		require.Len(t, c.LogProbs, g.PromptTokens+7)
		require.Equal(t, g.LogProbs[:g.PromptTokens], c.LogProbs[:g.PromptTokens])
	}
}

// Log-probabilities of a whole prompt are several events, none of them large,
// and the same as in a whole answer.
func TestStreamedEcho(t *testing.T) {
	i := start(t, setup{})
	request := `{"prompt":"` + strings.Repeat("Once upon a time ", 60) + `","max_tokens":3,"temperature":0,"echo":true,"logprobs":4`
	var whole generated
	i.ask("/generate", request+`}`, &whole)
	lines := i.lines(t, "/generate_stream", request+`}`)
	text, largest := "", 0
	var probs []logProb
	for line := lines(); line != ""; line = lines() {
		var e struct {
			Token    string
			LogProbs []logProb
		}
		require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &e))
		text += e.Token
		probs = append(probs, e.LogProbs...)
		largest = max(largest, len(e.LogProbs))
	}
	require.Equal(t, whole.Text, text)
	require.Equal(t, whole.LogProbs, probs)
	require.Greater(t, len(probs), 3*maxFrameTokens)
	require.LessOrEqual(t, largest, maxFrameTokens)
}

func TestStreamOfChoices(t *testing.T) {
	i := start(t, setup{})
	next := i.open(t.Context(), "/generate_stream", `{"prompt":"Once","max_tokens":5,"n":2,"ignore_eos":true}`)
	texts := map[int]string{}
	for e, ok := next(); ok; e, ok = next() {
		texts[e.Index] += e.Token
		if e.Done {
			require.Equal(t, 10, e.Generated)
		}
	}
	require.Len(t, texts, 2)
}

// A request that is wrong is refused by the name of what is wrong, never
// answered with a default.
func TestWrongFields(t *testing.T) {
	i := start(t, setup{})
	for body, want := range map[string]string{
		`{}`:                                           "prompt is missing",
		`{"prompt":null}`:                              "prompt is missing",
		`{"prompt":""}`:                                "prompt",
		`{"prompt":5}`:                                 "prompt must be a string, found 5",
		`{"prompt":["a"]}`:                             "prompt must be a string",
		`{"prompt":"x","max_tokens":"50"}`:             `max_tokens must be an integer, found "50"`,
		`{"prompt":"x","max_tokens":-2}`:               "max_tokens is -2, must be from 0 to 2147483647, or -1 for no limit",
		`{"prompt":"x","max_tokens":1.5}`:              "max_tokens must be an integer, found 1.5",
		`{"prompt":"x","max_tokens":1e99}`:             "max_tokens is 1e99",
		`{"prompt":"x","max_tokens":true}`:             "max_tokens must be an integer",
		`{"prompt":"x","temperature":2.5}`:             "temperature is 2.5, must be from 0 to 2",
		`{"prompt":"x","temperature":-0.1}`:            "temperature is -0.1",
		`{"prompt":"x","temperature":"hot"}`:           "temperature must be a number",
		`{"prompt":"x","temperature":1e400}`:           "temperature is 1e400",
		`{"prompt":"x","temperature":[]}`:              "temperature must be a number",
		`{"prompt":"x","top_p":1.1}`:                   "top_p is 1.1",
		`{"prompt":"x","top_p":-1}`:                    "top_p is -1",
		`{"prompt":"x","top_k":-2}`:                    "top_k is -2, must be from 0 to 2147483647, or -1 for all",
		`{"prompt":"x","top_k":"all"}`:                 "top_k must be an integer",
		`{"prompt":"x","min_p":2}`:                     "min_p is 2",
		`{"prompt":"x","repetition_penalty":0}`:        "repetition_penalty is 0, must be above 0, to 100",
		`{"prompt":"x","repetition_penalty":1e-60}`:    "repetition_penalty is 0",
		`{"prompt":"x","repetition_penalty":-1}`:       "repetition_penalty is -1, must be from 0 to 100",
		`{"prompt":"x","top_p":1e400}`:                 "top_p is 1e400, must be from 0 to 1",
		`{"prompt":"x","stop":["a",null]}`:             "stop must be a string or a list of strings",
		`{"prompt":"x","stop_tokens":[null]}`:          "stop_tokens must be a list of token ids",
		`{"prompt":"x","logit_bias":{"5":null}}`:       "logit_bias must be an object",
		`{"prompt":"x","presence_penalty":{}}`:         "presence_penalty must be a number",
		`{"prompt":"x","frequency_penalty":1e9}`:       "frequency_penalty is 1e9, must be from -100 to 100",
		`{"prompt":"x","stream":"yes"}`:                "stream must be true or false",
		`{"prompt":"x","seed":-2}`:                     "seed is -2",
		`{"prompt":"x","seed":1.5}`:                    "seed must be an integer",
		`{"prompt":"x","seed":18446744073709551616}`:   "seed is 18446744073709551616",
		`{"prompt":"x","stop":5}`:                      "stop must be a string or a list of strings",
		`{"prompt":"x","stop":[""]}`:                   "stop",
		`{"prompt":"x","stop_tokens":[99999]}`:         "stop_tokens",
		`{"prompt":"x","stop_tokens":["a"]}`:           "stop_tokens must be a list of token ids",
		`{"prompt":"x","ignore_eos":1}`:                "ignore_eos must be true or false",
		`{"prompt":"x","min_tokens":-1}`:               "min_tokens is -1",
		`{"prompt":"x","min_tokens":9,"max_tokens":8}`: "min_tokens is 9",
		`{"prompt":"x","n":0}`:                         "n is 0",
		`{"prompt":"x","n":9}`:                         "n is 9, must be from 1 to 8",
		`{"prompt":"x","logprobs":21}`:                 "logprobs is 21",
		`{"prompt":"x","logprobs":true}`:               "logprobs must be an integer",
		`{"prompt":"x","logit_bias":[1]}`:              "logit_bias must be an object",
		`{"prompt":"x","logit_bias":{"a":1}}`:          "logit_bias must be an object",
		`{"prompt":"x","logit_bias":{"5000":1}}`:       "logit_bias",
		`{"prompt":"x","logit_bias":{"1":101}}`:        "logit_bias of token 1 is 101",
		`{"prompt":"x","echo":"no"}`:                   "echo must be true or false",
		`{"prompt":"x","timeout":-1}`:                  "timeout is -1",
	} {
		res, b := i.post("/generate", body)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, body)
		require.Contains(t, b.Error, want, body)
	}
	require.Zero(t, i.state().Running)
	for body, want := range map[string]string{
		`{"prompt":"x","max_tokens":5,"max_tokens":6}`: "max_tokens stands in the body twice",
		`{"prompt":"x","logit_bias":{"5":1,"05":2}}`:   "logit_bias names token 5 twice",
		`{"prompt":"x","seed":42.5}`:                   "seed must be an integer, found 42.5",
		`{"prompt":"x","stop_tokens":[1.5]}`:           "stop_tokens must be a list of token ids, found 1.5 at 0",
	} {
		res, b := i.post("/generate", body)
		require.Equal(t, http.StatusBadRequest, res.StatusCode, body)
		require.Contains(t, b.Error, want, body)
	}
}

func TestWrongBodies(t *testing.T) {
	i := start(t, setup{})
	deep := strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)
	for _, c := range []struct {
		body, want string
		status     int
	}{
		{"", "the body is empty", 400},
		{"prompt=x", "not valid JSON", 400},
		{`{"prompt":"x"`, "not valid JSON", 400},
		{`{"prompt":"x"} {}`, "after top-level value", 400},
		{`[1]`, "not a JSON object", 400},
		{`null`, "not a JSON object", 400},
		{`"x"`, "not a JSON object", 400},
		{"{\"prompt\":\"\xff\"}", "not valid UTF-8 (byte 11)", 400},
		{deep, "not valid JSON", 400},
		{`{"prompt":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}`, "prompt must be a string", 400},
		{"\ufeff" + `[1]`, "not a JSON object", 400},
		{`{"prompt":"` + strings.Repeat("x", maxBody) + `"}`, "more than 2097152 bytes", 413},
	} {
		for _, path := range []string{"/generate", "/generate_stream", "/encode", "/decode", "/benchmark"} {
			if strings.Contains(c.want, "prompt") && !strings.HasPrefix(path, "/generate") {
				continue
			}
			res, b := i.post(path, c.body)
			require.Equal(t, c.status, res.StatusCode, "%s %.40s", path, c.body)
			require.Contains(t, b.Error, c.want, path)
		}
	}
}

func TestPromptTooLong(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.Context = 256 }})
	res, b := i.post("/generate", `{"prompt":"`+strings.Repeat("word ", 300)+`"}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Regexp(t, `prompt has \d{3} tokens, the limit is 256`, b.Error)

	i = start(t, setup{config: func(c *config.Config) { c.MaxInput = 3 }})
	res, b = i.post("/generate", `{"prompt":"Once upon a time"}`)
	require.Equal(t, http.StatusBadRequest, res.StatusCode)
	require.Contains(t, b.Error, "4 tokens, the limit is 3 (http.max_input_tokens)")
}

func TestDefaultsOfTheConfiguration(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) {
		c.Defaults = config.Defaults{Prompt: "Once upon a time", MaxTokens: 3, TopP: 1, RepetitionPenalty: 1}
	}})
	var a, b generated
	i.ask("/generate", `{}`, &a)
	i.ask("/generate", `{"prompt":"Once upon a time","max_tokens":3,"temperature":0}`, &b)
	require.Equal(t, a.Text, b.Text)
	require.Equal(t, 3, a.Generated)
}

func TestUnknownFieldsAreLoggedOnce(t *testing.T) {
	i := start(t, setup{})
	for range 3 {
		i.ask("/generate", `{"prompt":"x","max_tokens":1,"best_of":2}`, &generated{})
	}
	require.Equal(t, 1, strings.Count(i.log.String(), "field=best_of"))
}

func TestEncodeDecode(t *testing.T) {
	i := start(t, setup{})
	var e struct {
		Length int
		Tokens []int32
	}
	i.ask("/encode", `{"text":"Once upon a time <|im_end|>"}`, &e)
	require.Len(t, e.Tokens, e.Length)
	n := e.Length
	list, err := json.Marshal(e.Tokens)
	require.NoError(t, err)
	var d struct{ Text string }
	i.ask("/decode", `{"tokens":`+string(list)+`}`, &d)
	require.Equal(t, "Once upon a time <|im_end|>", d.Text)
	i.ask("/encode", `{"text":"Once upon a time <|im_end|>","special":true}`, &e)
	require.Less(t, e.Length, n)
	i.ask("/encode", `{"text":""}`, &e)
	require.Zero(t, e.Length)

	for path, bodies := range map[string][]string{
		"/encode": {`{}`, `{"text":1}`, `{"text":"x","special":1}`},
		"/decode": {`{}`, `{"tokens":"x"}`, `{"tokens":[1.5]}`, `{"tokens":[-1]}`, `{"tokens":[null]}`, `{"tokens":[4096]}`, `{"tokens":[99999999999]}`},
	} {
		for _, body := range bodies {
			res, b := i.post(path, body)
			require.Equal(t, http.StatusBadRequest, res.StatusCode, body)
			require.Regexp(t, "text|tokens|special", b.Error)
		}
	}
}

// Half characters are never sent, and JSON keeps every event on one line.
func TestStreamSendsWholeCharacters(t *testing.T) {
	i := start(t, setup{})
	for seed := range 4 {
		next := i.open(t.Context(), "/generate_stream", fmt.Sprintf(
			`{"prompt":"x","max_tokens":60,"temperature":2,"top_p":1,"top_k":0,"seed":%d,"ignore_eos":true}`, seed))
		for e, ok := next(); ok; e, ok = next() {
			require.True(t, utf8.ValidString(e.Token))
			require.NotContains(t, e.Token, "<|im_", "control tokens are not text")
		}
	}
}
