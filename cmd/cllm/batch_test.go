package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// batchAnswers are the answers in a file, by custom_id, without what differs
// from one run to the next.
func batchAnswers(t *testing.T, file string) map[string]string {
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	all := map[string]string{}
	for line := range strings.Lines(string(text)) {
		var a struct {
			ID       string
			CustomID string `json:"custom_id"`
			Response struct {
				Status int `json:"status_code"`
				Body   json.RawMessage
			}
			Error json.RawMessage
		}
		require.NoError(t, json.Unmarshal([]byte(line), &a))
		require.NotContains(t, all, a.CustomID)
		all[a.CustomID] = fmt.Sprint(a.Response.Status, steady(t, a.Response.Body), string(a.Error))
	}
	return all
}

// steady is an answer without its id and its times.
func steady(t *testing.T, body []byte) string {
	var a map[string]any
	require.NoError(t, json.Unmarshal(body, &a), "%s", body)
	for _, name := range []string{"id", "created", "timings"} {
		delete(a, name)
	}
	if usage, ok := a["usage"].(map[string]any); ok {
		delete(usage, "prompt_tokens_details") // as the cache has it
	}
	text, err := json.Marshal(a)
	require.NoError(t, err)
	return string(text)
}

var batchRequests = []struct{ url, body string }{
	{"/v1/completions", `{"prompt":"Once upon a time","max_tokens":9,"temperature":0}`},
	{"/v1/completions", `{"prompt":["The king","A fox"],"max_tokens":5,"seed":4,"n":2,"logprobs":2}`},
	{"/v1/chat/completions", `{"messages":[{"role":"user","content":"Tell"}],"max_tokens":7,"seed":3}`},
	{"/v1/chat/completions", `{"messages":[],"max_tokens":7}`},
	{"/v1/embeddings", `{"input":["Once","The king"],"encoding_format":"base64"}`},
	{"/v1/completions", `{"prompt":"` + strings.Repeat("word ", 3000) + `"}`},
}

// The answers of a batch are those of a server, whatever else runs.
func TestBatch(t *testing.T) {
	const each = 4
	var input strings.Builder
	for i := range each * len(batchRequests) {
		r := batchRequests[i%len(batchRequests)]
		fmt.Fprintf(&input, `{"custom_id":"r%d","method":"POST","url":%q,"body":%s}`+"\n", i, r.url, r.body)
	}
	in := filepath.Join(t.TempDir(), "in.jsonl")
	require.NoError(t, os.WriteFile(in, []byte(input.String()), 0o600))
	code, out, errs := cllm(t, "", "batch", in, "--parallel", "5")
	require.Equal(t, exitFailure, code, errs)
	require.Empty(t, out)
	require.Contains(t, errs, "24 of 24 answered, 8 failed")
	require.Contains(t, errs, "8 of 24 requests failed")

	url, stop := serveInBackground(t, "--parallel", "5")
	found := batchAnswers(t, strings.TrimSuffix(in, ".jsonl")+".out.jsonl")
	require.Len(t, found, each*len(batchRequests))
	for i := range each * len(batchRequests) {
		r := batchRequests[i%len(batchRequests)]
		res, err := http.Post(url+r.url, "application/json", strings.NewReader(r.body))
		require.NoError(t, err)
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, fmt.Sprint(res.StatusCode, steady(t, body), "null"), found[fmt.Sprintf("r%d", i)])
	}
	require.Zero(t, stop())

	code, _, errs = cllm(t, "", "batch", in)
	require.Equal(t, exitFailure, code)
	require.Contains(t, errs, "24 of 24 answered (24 before), 8 failed")
}

// Ctrl-C leaves a file with which the same command goes on.
func TestBatchInterrupted(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.jsonl"), filepath.Join(dir, "answers")
	var input strings.Builder
	const requests = 200
	for i := range requests {
		fmt.Fprintf(&input, `{"custom_id":"%d","method":"POST","url":"/v1/completions","body":{"prompt":"Once upon","max_tokens":20,"temperature":0,"ignore_eos":true}}`+"\n", i)
	}
	require.NoError(t, os.WriteFile(in, []byte(input.String()), 0o600))
	args := []string{"batch", in, "-o", out, "--parallel", "2"}
	ctx, cancel := context.WithCancel(t.Context())
	code := make(chan int)
	go func() { code <- run(ctx, args, strings.NewReader(""), io.Discard, io.Discard) }()
	require.Eventually(t, func() bool { info, err := os.Stat(out); return err == nil && info.Size() > 0 }, 20*time.Second, time.Millisecond)
	cancel()
	require.Equal(t, exitInterrupted, <-code)
	first := batchAnswers(t, out)
	require.NotEmpty(t, first)
	require.Less(t, len(first), requests)

	status, _, errs := cllm(t, "", args...)
	require.Zero(t, status, errs)
	require.Contains(t, errs, fmt.Sprintf("%d of %d answered (%d before), 0 failed", requests, requests, len(first)))
	all := batchAnswers(t, out)
	require.Len(t, all, requests)
	for id, answer := range all {
		require.Equal(t, all["0"], answer, id)
	}
}

func TestBatchWrongUse(t *testing.T) {
	code, _, errs := cllm(t, "", "batch")
	require.Equal(t, exitUsage, code, errs)
	for _, args := range [][]string{{"batch", "/nothing.jsonl"}, {"batch", t.TempDir()}, {"batch", os.Args[0], "-o", "/nothing/there"}} {
		code, _, errs := cllm(t, "", args...)
		require.Equal(t, exitFailure, code, args)
		require.True(t, strings.HasPrefix(errs, "cllm: "), errs)
	}
}
