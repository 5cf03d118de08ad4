package batch

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo answers with the body that it got; "status" in it is the status.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var asked struct{ Status int }
	_ = json.Unmarshal(body, &asked)
	w.WriteHeader(max(asked.Status, http.StatusOK))
	fmt.Fprintf(w, `{"path":%q,"body":%s,"usage":{"prompt_tokens":2,"completion_tokens":3}}`+"\n", r.URL.Path, body)
}

func healthy() error { return nil }

// files writes the files of a batch; an output of "" is not there.
func files(t *testing.T, input, output string) (in, out string) {
	dir := t.TempDir()
	in, out = filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "out.jsonl")
	require.NoError(t, os.WriteFile(in, []byte(input), 0o600))
	if output != "" {
		require.NoError(t, os.WriteFile(out, []byte(output), 0o600))
	}
	return in, out
}

// answers reads the output, by custom_id; "" has what has none.
func answers(t *testing.T, out string) map[string]map[string]any {
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	require.True(t, len(text) == 0 || text[len(text)-1] == '\n')
	all := map[string]map[string]any{}
	ids := map[any]bool{}
	for line := range strings.Lines(string(text)) {
		var a map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &a), line)
		id, _ := a["custom_id"].(string)
		require.NotContains(t, all, id)
		require.False(t, ids[a["id"]])
		all[id], ids[a["id"]] = a, true
	}
	return all
}

func request(id string, body string) string {
	return fmt.Sprintf(`{"custom_id":%q,"method":"POST","url":"/v1/completions","body":%s}`+"\n", id, body)
}

func TestAnswers(t *testing.T) {
	in, out := files(t, "\ufeff"+request("a", `{"x":"<é>"}`)+"\n  \r\n"+request("b", `{"status":400}`)+strings.TrimSpace(request("c", `{}`)), "")
	b := Batch{Handler: http.HandlerFunc(echo), Parallel: 2, Healthy: healthy}
	p, err := b.Run(t.Context(), in, out)
	require.NoError(t, err)
	require.Equal(t, Progress{Total: 3, Ended: 3, Failed: 1, PromptTokens: 6, Completion: 9}, p)
	all := answers(t, out)
	require.Len(t, all, 3)
	response := all["a"]["response"].(map[string]any)
	require.EqualValues(t, 200, response["status_code"])
	require.NotEmpty(t, response["request_id"])
	require.Equal(t, "/v1/completions", response["body"].(map[string]any)["path"])
	require.Equal(t, map[string]any{"x": "<é>"}, response["body"].(map[string]any)["body"])
	require.Nil(t, all["a"]["error"])
	require.EqualValues(t, 400, all["b"]["response"].(map[string]any)["status_code"])

	before, err := os.ReadFile(out)
	require.NoError(t, err)
	p, err = b.Run(t.Context(), in, out)
	require.NoError(t, err)
	require.Equal(t, Progress{Total: 3, Earlier: 3, Failed: 1}, p, "what failed before still counts")
	after, err := os.ReadFile(out)
	require.NoError(t, err)
	require.Equal(t, before, after)
}

// What is wrong with a line is its answer; the others are asked.
func TestBadLines(t *testing.T) {
	lines := []struct{ text, id, want string }{
		{`nonsense`, "", "line 1 is not valid JSON"},
		{`[]`, "", "line 2 is not a JSON object"},
		{"\"\xff\"", "", "line 3 is not valid UTF-8"},
		{`{"custom_id":"d","method":"POST","url":"/v1/completions"}`, "d", "line 4: body must be an object"},
		{`{"custom_id":"e","method":"GET","url":"/v1/completions","body":{}}`, "e", `method is "GET", must be POST`},
		{`{"custom_id":"f","method":"POST","url":"/health","body":{}}`, "f", `url is "/health", must be /v1/chat/completions`},
		{`{"custom_id":7,"method":"POST","url":"/v1/completions","body":{}}`, "", "line 7: custom_id must be a string, found 7"},
		{`{"method":"POST","url":"/v1/completions","body":{}}`, "", "line 8: custom_id is missing"},
		{`{"custom_id":"","method":"POST","url":"/v1/completions","body":{}}`, "", "line 9: custom_id is missing"},
		{`{"custom_id":"j","method":"POST","url":"/v1/completions","body":{"stream":true}}`, "j", "stream is true"},
		{`{"custom_id":"k","custom_id":"l","url":"/v1/completions","body":{}}`, "", "line 11: custom_id stands in the body twice"},
		{`{"custom_id":"m","body":[1]}`, "m", `url is ""`},
		{`"` + strings.Repeat("x", maxLine) + `"`, "", "line 13 has more than"},
	}
	var input strings.Builder
	for _, l := range lines {
		input.WriteString(l.text + "\n")
	}
	in, out := files(t, input.String()+request("good", `{}`), "")
	b := Batch{Handler: http.HandlerFunc(echo), Parallel: 3, Healthy: healthy}
	p, err := b.Run(t.Context(), in, out)
	require.NoError(t, err)
	require.Equal(t, len(lines)+1, p.Ended)
	require.Equal(t, len(lines), p.Failed)
	text, err := os.ReadFile(out)
	require.NoError(t, err)
	for i, l := range lines {
		var found *answer
		for row := range strings.Lines(string(text)) {
			var a answer
			require.NoError(t, json.Unmarshal([]byte(row), &a))
			if a.Error != nil && a.Error.Line == i+1 {
				found = &a
			}
		}
		require.NotNil(t, found, l.text)
		require.Contains(t, found.Error.Message, l.want)
		require.Nil(t, found.Response)
		if l.id == "" {
			require.Nil(t, found.CustomID)
		} else {
			require.Equal(t, l.id, *found.CustomID)
		}
	}
	p, err = b.Run(t.Context(), in, out)
	require.NoError(t, err)
	require.Equal(t, len(lines)+1, p.Earlier, "bad lines are not answered again")
}

func TestDuplicates(t *testing.T) {
	in, out := files(t, request("a", `{}`)+request("b", `{}`)+"\n"+request("a", `{}`)+request("b", `{}`), "")
	b := Batch{Handler: http.HandlerFunc(echo), Parallel: 1, Healthy: healthy}
	_, err := b.Run(t.Context(), in, out)
	require.EqualError(t, err, in+`: each custom_id may stand once: "a" on lines 1 and 4, "b" on lines 2 and 5`)
	require.NoFileExists(t, out)
}

// A run that was killed in the middle of a line is gone on with.
func TestTornOutput(t *testing.T) {
	input := request("a", `{}`) + request("b", `{}`) + request("c", `{}`)
	in, out := files(t, input, "")
	b := Batch{Handler: http.HandlerFunc(echo), Parallel: 1, Healthy: healthy}
	_, err := b.Run(t.Context(), in, out)
	require.NoError(t, err)
	whole, err := os.ReadFile(out)
	require.NoError(t, err)
	for cut := 0; cut < len(whole); cut += 5 {
		require.NoError(t, os.WriteFile(out, whole[:cut], 0o600))
		p, err := b.Run(t.Context(), in, out)
		require.NoError(t, err, "cut at %d", cut)
		require.Equal(t, 3, p.Earlier+p.Ended)
		require.Len(t, answers(t, out), 3, "cut at %d", cut)
	}
}

// Nothing is written to a file that is another.
func TestOtherOutputs(t *testing.T) {
	b := Batch{Handler: http.HandlerFunc(echo), Parallel: 1, Healthy: healthy}
	for _, text := range []string{"poem", "poem\n", request("a", `{}`), `{"id":"x"}`, strings.TrimSpace(request("a", `{}`)), "{\"id\":\"batch_req_1\",\"custom_id\":\"a\"\n"} {
		in, out := files(t, request("a", `{}`), text)
		_, err := b.Run(t.Context(), in, out)
		require.ErrorContains(t, err, "nothing is written there", text)
		kept, err := os.ReadFile(out)
		require.NoError(t, err)
		require.Equal(t, text, string(kept))
	}
	in, _ := files(t, request("a", `{}`), "")
	_, err := b.Run(t.Context(), in, in)
	require.ErrorContains(t, err, "is the input")
}

// When the context ends, what runs is finished and nothing else begins.
func TestInterrupted(t *testing.T) {
	var input strings.Builder
	for i := range 20 {
		input.WriteString(request(fmt.Sprint(i), `{}`))
	}
	in, out := files(t, input.String(), "")
	ctx, cancel := context.WithCancel(t.Context())
	begun, goOn := make(chan struct{}, 20), make(chan struct{})
	go func() {
		for range 3 {
			<-begun
		}
		cancel()
		close(goOn)
	}()
	b := Batch{Parallel: 3, Healthy: healthy, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun <- struct{}{}
		<-goOn
		if r.Context().Err() == nil {
			echo(w, r)
		}
	})}
	p, err := b.Run(ctx, in, out)
	require.ErrorIs(t, err, ErrInterrupted)
	require.Equal(t, 3, p.Ended)
	require.Zero(t, p.Failed)
	require.Len(t, answers(t, out), 3)

	p, err = b.Run(t.Context(), in, out)
	require.NoError(t, err)
	require.Equal(t, 3, p.Earlier)
	require.Equal(t, 17, p.Ended)
	require.Len(t, answers(t, out), 20)
}

// What is refused beside others is asked again alone; so no request fails that
// there would be room for.
func TestRefusedBesideOthers(t *testing.T) {
	var input strings.Builder
	for i := range 50 {
		input.WriteString(request(fmt.Sprint(i), `{}`))
	}
	in, out := files(t, input.String()+request("large", `{"status":429}`), "")
	var running, refused atomic.Int32
	b := Batch{Parallel: 8, Healthy: healthy, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer running.Add(-1)
		if running.Add(1) > 2 {
			refused.Add(1)
			w.WriteHeader(http.StatusTooManyRequests)
			fmt.Fprint(w, `{"error":{}}`)
			return
		}
		echo(w, r)
	})}
	p, err := b.Run(t.Context(), in, out)
	require.NoError(t, err)
	require.Equal(t, 51, p.Ended)
	require.Equal(t, 1, p.Failed, "what is refused alone too has that for an answer")
	require.EqualValues(t, 429, answers(t, out)["large"]["response"].(map[string]any)["status_code"])
}

// A handler that cannot answer at all ends the batch, and nothing is taken for
// answered.
func TestFaultyEngine(t *testing.T) {
	in, out := files(t, request("a", `{"status":500}`)+request("b", `{"status":500}`), "")
	broken := errors.New("the disk is gone")
	b := Batch{Handler: http.HandlerFunc(echo), Parallel: 1, Healthy: func() error { return broken }}
	p, err := b.Run(t.Context(), in, out)
	require.ErrorIs(t, err, broken)
	require.Zero(t, p.Ended)
	require.Empty(t, answers(t, out))
}

// A disk that is full ends the batch.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	in, _ := files(t, request("a", `{}`)+request("b", `{}`), "")
	p, err := (&Batch{Handler: http.HandlerFunc(echo), Parallel: 1, Healthy: healthy}).Run(t.Context(), in, "/dev/full")
	require.ErrorContains(t, err, "no space left")
	require.Zero(t, p.Ended)
}

func TestReadLine(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 31, 32, 33, 100} {
		for _, end := range []string{"", "\n", "\nx"} {
			r := bufio.NewReaderSize(strings.NewReader(strings.Repeat("a", n)+end), 16)
			text, err := readLine(r, 32)
			switch {
			case n == 0 && end == "":
				require.Equal(t, io.EOF, err)
			case n > 32:
				require.ErrorIs(t, err, errLong, "%d %q", n, end)
			default:
				require.NoError(t, err)
				require.Len(t, text, n)
			}
			text, err = readLine(r, 32)
			if end == "\nx" {
				require.Equal(t, "x", string(text))
			} else {
				require.Equal(t, io.EOF, err, "%d %q", n, end)
			}
		}
	}
}

// No line makes the batch fail: it is asked, or has an error.
func FuzzLine(f *testing.F) {
	for _, text := range []string{request("a", `{"prompt":"x"}`), `{}`, `[`, ``, "\xff", `{"custom_id":null}`, `{"body":{"stream":true,"stream":1}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l := parseLine(1, text)
		if l.err == nil {
			require.NotNil(t, l.id)
			require.Contains(t, urls, l.url)
			require.True(t, json.Valid(l.body))
		}
	})
}
