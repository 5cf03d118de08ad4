package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Client asks a server for streamed completions.
type Client struct {
	Dialect     string // a name of [Dialects]
	URL         string // as http://127.0.0.1:8080
	Model       string // for dialects that name one
	Key         string // API key; "" = none
	MaxTokens   int
	Temperature float64
	IgnoreEOS   bool // where the dialect has it: answers have MaxTokens tokens
	HTTP        *http.Client
}

// dialect is how a kind of server is asked and answers.
type dialect struct {
	path string
	body func(c *Client, prompt string) any
	// readLine takes one line of the stream (for SSE its data) into the sample and
	// says whether it was the last.
	readLine func(line []byte, s *Sample, now time.Time) (done bool, err error)
}

var dialects = map[string]dialect{
	"cllm":        {"/generate_stream", cllmBody, cllmLine},
	"ollama":      {"/api/generate", ollamaBody, ollamaLine},
	"openai":      {"/v1/completions", openaiBody, openaiLine},
	"openai-chat": {"/v1/chat/completions", chatBody, openaiLine},
}

// Dialects are the kinds of servers that a [Client] can talk to.
func Dialects() []string { return []string{"cllm", "ollama", "openai", "openai-chat"} }

// NewClient checks the dialect and the address and makes connections for so many clients.
func NewClient(c Client, concurrency int) (*Client, error) {
	if _, ok := dialects[c.Dialect]; !ok {
		return nil, fmt.Errorf("server type %q is none of %s", c.Dialect, strings.Join(Dialects(), ", "))
	}
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("server address %q is not of the form http://host:port", c.URL)
	}
	c.URL = strings.TrimRight(c.URL, "/")
	// A connection each: a server may close an idle one just as a request goes out on it.
	c.HTTP = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	return &c, nil
}

// maxLine is the longest line of a stream.
const maxLine = 4 << 20

// Do makes one request and reads its stream to the end.
func (c *Client) Do(ctx context.Context, prompt string) (s Sample) {
	d := dialects[c.Dialect]
	s.Start = time.Now()
	defer func() { s.End = time.Now() }()
	body, err := json.Marshal(d.body(c, prompt))
	if err != nil {
		s.Err = err
		return s
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+d.path, bytes.NewReader(body))
	if err != nil {
		s.Err = err
		return s
	}
	req.Header.Set("Content-Type", "application/json")
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		s.Err = err
		return s
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 300))
		s.Err = fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(text))
		return s
	}
	s.Err = readStream(res.Body, d, &s)
	return s
}

func readStream(body io.Reader, d dialect, s *Sample) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if data, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			line = bytes.TrimSpace(data)
		}
		if len(line) == 0 || line[0] != '{' && line[0] != '[' {
			continue // between events, or a comment
		}
		done, err := d.readLine(line, s, time.Now())
		if err != nil {
			return err
		}
		if done {
			_, err = io.Copy(io.Discard, body) // so that the connection is used again
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the stream ended before its last event")
}

// Text notes that a piece of text arrived.
func (s *Sample) Text(now time.Time) {
	if s.First.IsZero() {
		s.First = now
	} else {
		s.Gaps = append(s.Gaps, now.Sub(s.End))
	}
	s.End = now // of what was received so far
}

func cllmBody(c *Client, prompt string) any {
	b := map[string]any{"prompt": prompt, "max_tokens": c.MaxTokens, "temperature": c.Temperature}
	if c.IgnoreEOS {
		b["ignore_eos"] = true
	}
	return b
}

func cllmLine(line []byte, s *Sample, now time.Time) (bool, error) {
	var e struct {
		Token     string
		Done      bool
		Error     string
		Generated int `json:"generated_tokens"`
		Prompt    int `json:"prompt_tokens"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return false, err
	}
	if e.Error != "" {
		return false, errors.New(e.Error)
	}
	if e.Token != "" {
		s.Text(now)
	}
	if e.Done {
		s.Tokens, s.PromptTokens = e.Generated, e.Prompt
	}
	return e.Done, nil
}

func ollamaBody(c *Client, prompt string) any {
	return map[string]any{"model": c.Model, "prompt": prompt, "stream": true,
		"options": map[string]any{"num_predict": c.MaxTokens, "temperature": c.Temperature}}
}

func ollamaLine(line []byte, s *Sample, now time.Time) (bool, error) {
	var e struct {
		Response string
		Done     bool
		Error    string
		Eval     int `json:"eval_count"`
		Prompt   int `json:"prompt_eval_count"`
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return false, err
	}
	if e.Error != "" {
		return false, errors.New(e.Error)
	}
	if e.Response != "" {
		s.Text(now)
	}
	if e.Done {
		s.Tokens, s.PromptTokens = e.Eval, e.Prompt
	}
	return e.Done, nil
}

func openaiBody(c *Client, prompt string) any {
	b := openaiFields(c)
	b["prompt"] = prompt
	return b
}

// chatBody asks the prompt as a user's message.
func chatBody(c *Client, prompt string) any {
	b := openaiFields(c)
	b["messages"] = []map[string]string{{"role": "user", "content": prompt}}
	return b
}

func openaiFields(c *Client) map[string]any {
	b := map[string]any{"model": c.Model, "max_tokens": c.MaxTokens, "temperature": c.Temperature,
		"stream": true, "stream_options": map[string]any{"include_usage": true}}
	if c.IgnoreEOS {
		b["ignore_eos"] = true // llama-server's extension
	}
	return b
}

func openaiLine(line []byte, s *Sample, now time.Time) (bool, error) {
	if string(line) == "[DONE]" {
		if s.Tokens == 0 && len(s.Gaps) > 0 {
			return false, errors.New("the server reported no usage, so its tokens cannot be counted")
		}
		return true, nil
	}
	var e struct {
		Choices []struct {
			Text  string
			Delta struct {
				Content   string
				Reasoning string `json:"reasoning_content"`
			} // of a chat
		}
		Usage *struct {
			Completion int `json:"completion_tokens"`
			Prompt     int `json:"prompt_tokens"`
		}
		Error *struct{ Message string }
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return false, err
	}
	if e.Error != nil {
		return false, errors.New(e.Error.Message)
	}
	if len(e.Choices) > 0 {
		if c := &e.Choices[0]; c.Text != "" || c.Delta.Content != "" || c.Delta.Reasoning != "" {
			s.Text(now)
		}
	}
	if e.Usage != nil {
		s.Tokens, s.PromptTokens = e.Usage.Completion, e.Usage.Prompt
	}
	return false, nil
}
