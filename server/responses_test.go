package server

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"cllm/config"
	"cllm/runtime"
)

// responseEvents reads the events of a streamed response and checks their form.
func (i *instance) responseEvents(text string) (list []map[string]any) {
	res, err := http.Post(i.url+"/v1/responses", "application/json", strings.NewReader(text))
	require.NoError(i.t, err)
	defer res.Body.Close()
	require.Equal(i.t, 200, res.StatusCode)
	require.Equal(i.t, "text/event-stream; charset=utf-8", res.Header.Get("Content-Type"))
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		name, ok := strings.CutPrefix(lines.Text(), "event: ")
		require.True(i.t, ok, lines.Text())
		require.True(i.t, lines.Scan())
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		require.True(i.t, ok, lines.Text())
		var ev map[string]any
		require.NoError(i.t, json.Unmarshal([]byte(data), &ev))
		require.Equal(i.t, name, ev["type"])
		require.EqualValues(i.t, len(list), ev["sequence_number"])
		list = append(list, ev)
		require.True(i.t, lines.Scan())
		require.Empty(i.t, lines.Text())
	}
	return list
}

// assemble builds the output of a streamed response from its pieces alone.
func assemble(t *testing.T, events []map[string]any) (output []any) {
	item := func(ev map[string]any) map[string]any {
		require.EqualValues(t, len(output)-1, ev["output_index"])
		last := output[len(output)-1].(map[string]any)
		if id, ok := ev["item_id"]; ok {
			require.Equal(t, last["id"], id)
		}
		return last
	}
	for _, ev := range events {
		switch ev["type"] {
		case "response.output_item.added":
			output = append(output, ev["item"])
			require.Equal(t, "in_progress", item(ev)["status"])
		case "response.content_part.added":
			it := item(ev)
			it["content"] = append(it["content"].([]any), ev["part"])
		case "response.output_text.delta", "response.reasoning_text.delta":
			part := item(ev)["content"].([]any)[int(ev["content_index"].(float64))].(map[string]any)
			part["text"] = part["text"].(string) + ev["delta"].(string)
		case "response.function_call_arguments.delta":
			it := item(ev)
			it["arguments"] = it["arguments"].(string) + ev["delta"].(string)
		case "response.output_text.done", "response.reasoning_text.done":
			require.Equal(t, at(item(ev), "content", 0, "text"), ev["text"])
		case "response.content_part.done":
			require.Equal(t, at(item(ev), "content", 0), ev["part"])
		case "response.function_call_arguments.done":
			require.Equal(t, item(ev)["arguments"], ev["arguments"])
		case "response.output_item.done":
			it := item(ev)
			it["status"] = at(ev, "item", "status")
			require.Equal(t, any(it), ev["item"])
		}
	}
	return output
}

// withoutIDs is an output with the ids that are random gone.
func withoutIDs(output any) any {
	for _, item := range output.([]any) {
		delete(item.(map[string]any), "id")
		delete(item.(map[string]any), "call_id")
	}
	return output
}

func TestResponse(t *testing.T) {
	i := start(t, setup{})
	const ask = `"input":"Tell","instructions":"s","max_output_tokens":12,"temperature":0,"metadata":{"a":"b"}`
	status, whole := i.v1("/v1/responses", "{"+ask+"}")
	require.Equal(t, 200, status, whole)
	require.Equal(t, "response", whole["object"])
	require.Equal(t, "incomplete", whole["status"])
	require.Equal(t, "max_output_tokens", at(whole, "incomplete_details", "reason"))
	require.Equal(t, "output_text", at(whole, "output", 0, "content", 0, "type"))
	require.Equal(t, "b", at(whole, "metadata", "a"))
	require.EqualValues(t, 12, at(whole, "usage", "output_tokens"))
	text := at(whole, "output", 0, "content", 0, "text").(string)
	_, chat := i.v1("/v1/chat/completions", `{"messages":[{"role":"system","content":"s"},{"role":"user","content":"Tell"}],"max_tokens":12,"temperature":0}`)
	require.Equal(t, at(chat, "choices", 0, "message", "content"), text)
	require.Equal(t, at(chat, "usage", "prompt_tokens"), at(whole, "usage", "input_tokens"))

	events := i.responseEvents("{" + ask + `,"stream":true}`)
	require.Equal(t, "response.created", events[0]["type"])
	require.Equal(t, "in_progress", at(events[0], "response", "status"))
	require.Equal(t, "response.in_progress", events[1]["type"])
	last := events[len(events)-1]
	require.Equal(t, "response.incomplete", last["type"])
	require.Equal(t, any(assemble(t, events)), at(last, "response", "output"))
	require.Equal(t, withoutIDs(whole["output"]), withoutIDs(at(last, "response", "output")))
	require.EqualValues(t, 12, at(last, "response", "usage", "output_tokens"))

	status, count := i.v1("/v1/responses/input_tokens", "{"+ask+"}")
	require.Equal(t, 200, status)
	require.Equal(t, at(whole, "usage", "input_tokens"), count["input_tokens"])
	i.idle()
}

// Reasoning, text and calls are items of their own, the same streamed and whole.
func TestItemsOfAResponse(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	const ask = `"input":[{"role":"user","content":[{"type":"input_text","text":"Weather?"}]}],"tools":[{"type":"function","name":"weather","parameters":{"type":"object"}}]`
	said := []string{"<think>", "\nhm", "\n</think>\n\nLet me", " see.\n<tool_", "call>\n{\"name\": \"weather\", \"argu", "ments\": {\"city\": \"Ro", "me\"}}\n</tool_call>",
		"<tool_call>\n{\"name\": \"weather\", \"arguments\": {}}\n</tool_call>", "Wait."}
	go func() {
		for range 2 {
			s := g.open(1)[0]
			for _, text := range said {
				s.text(text)
			}
			s.end(runtime.FinishStop)
			g.open(0)
		}
	}()
	_, whole := i.v1("/v1/responses", "{"+ask+"}")
	require.Equal(t, "completed", whole["status"], whole)
	var kinds []any
	for _, item := range whole["output"].([]any) {
		kinds = append(kinds, at(item, "type"))
		require.Equal(t, "completed", at(item, "status"))
	}
	require.Equal(t, []any{"reasoning", "message", "function_call", "function_call", "message"}, kinds)
	require.Equal(t, "hm", at(whole, "output", 0, "content", 0, "text"))
	require.Equal(t, "Let me see.", at(whole, "output", 1, "content", 0, "text"))
	require.Equal(t, `{"city": "Rome"}`, at(whole, "output", 2, "arguments"))
	require.NotEqual(t, at(whole, "output", 2, "call_id"), at(whole, "output", 3, "call_id"))
	require.Equal(t, "Wait.", at(whole, "output", 4, "content", 0, "text"))

	events := i.responseEvents("{" + ask + `,"stream":true}`)
	last := events[len(events)-1]
	require.Equal(t, "response.completed", last["type"])
	require.Equal(t, any(assemble(t, events)), at(last, "response", "output"))
	require.Equal(t, withoutIDs(whole["output"]), withoutIDs(at(last, "response", "output")))
}

// A response goes on from the one before, as the same conversation in one body
// does, and is its key's alone.
func TestStoredResponses(t *testing.T) {
	i := start(t, setup{config: func(c *config.Config) { c.APIKeys = []string{"a", "b"} }})
	do := func(method, path, key, body string) (int, map[string]any) {
		r, err := http.NewRequest(method, i.url+path, strings.NewReader(body))
		require.NoError(t, err)
		r.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		var v map[string]any
		require.NoError(t, json.Unmarshal(text, &v), "%s", text)
		return res.StatusCode, v
	}
	const options = `"max_output_tokens":8,"temperature":0`
	status, first := do("POST", "/v1/responses", "a", `{"input":"Tell","instructions":"s",`+options+`}`)
	require.Equal(t, 200, status)
	id := first["id"].(string)
	status, got := do("GET", "/v1/responses/"+id, "a", "")
	require.Equal(t, 200, status)
	require.Equal(t, first, got)

	_, second := do("POST", "/v1/responses", "a", fmt.Sprintf(`{"input":"More","previous_response_id":%q,%s}`, id, options))
	require.Equal(t, id, second["previous_response_id"])
	said, _ := json.Marshal(at(first, "output", 0, "content", 0, "text"))
	_, same := do("POST", "/v1/responses", "a", fmt.Sprintf(`{"input":[{"role":"user","content":"Tell"},{"role":"assistant","content":%s},{"role":"user","content":"More"}],%s}`, said, options))
	require.Equal(t, at(same, "usage", "input_tokens"), at(second, "usage", "input_tokens"), "instructions are not taken over")
	require.Equal(t, withoutIDs(same["output"]), withoutIDs(second["output"]))

	for _, other := range []struct{ method, path, body string }{
		{"GET", "/v1/responses/" + id, ""}, {"DELETE", "/v1/responses/" + id, ""},
		{"POST", "/v1/responses", fmt.Sprintf(`{"input":"More","previous_response_id":%q}`, id)},
	} {
		status, answer := do(other.method, other.path, "b", other.body)
		require.Contains(t, []int{400, 404}, status, answer)
		require.Contains(t, at(answer, "error", "message"), "there is no response")
	}
	status, answer := do("POST", "/v1/responses", "b", `{"input":"x","previous_response_id":"resp_x"}`)
	require.Equal(t, 400, status)
	require.Equal(t, "previous_response_not_found", at(answer, "error", "code"))
	require.Equal(t, "previous_response_id", at(answer, "error", "param"))

	status, answer = do("DELETE", "/v1/responses/"+id, "a", "")
	require.Equal(t, 200, status)
	require.Equal(t, true, answer["deleted"])
	status, _ = do("GET", "/v1/responses/"+id, "a", "")
	require.Equal(t, 404, status)

	_, unstored := do("POST", "/v1/responses", "a", `{"input":"Tell","store":false,`+options+`}`)
	require.Equal(t, false, unstored["store"])
	status, _ = do("GET", "/v1/responses/"+unstored["id"].(string), "a", "")
	require.Equal(t, 404, status)
	i.idle()
}

// A call and its result are read as the turns of a conversation that they are.
func TestItemsOfTheInput(t *testing.T) {
	i := start(t, setup{})
	tools := `[{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{}}}]`
	_, items := i.v1("/v1/responses/input_tokens", `{"tools":`+tools+`,"input":[{"role":"user","content":"x"},
		{"type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
		{"type":"message","role":"assistant","content":[{"type":"output_text","text":"wait"}]},
		{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
		{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"one"},
		{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"}]}]}`)
	_, chat := i.v1("/v1/chat/completions/input_tokens", `{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{}}}}],"messages":[{"role":"user","content":"x"},
		{"role":"assistant","reasoning_content":"hm","content":"wait","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":"two"}]}`)
	require.NotNil(t, items["input_tokens"], items)
	require.Equal(t, chat["input_tokens"], items["input_tokens"])
}

func TestWrongResponses(t *testing.T) {
	i := start(t, setup{})
	for _, c := range []struct{ body, param, message string }{
		{`{}`, "input", "is missing"},
		{`{"input":[]}`, "input", "is empty"},
		{`{"input":5}`, "input", "must be a string or a list"},
		{`{"input":[5]}`, "input[0]", "must be an object"},
		{`{"input":[{"role":"tool","content":"x"}]}`, "input[0].role", "function_call_output"},
		{`{"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}`, "input[0].content[0]", "text alone"},
		{`{"input":[{"type":"item_reference","id":"x"}]}`, "input[0].type", "item_reference"},
		{`{"input":[{"type":"function_call","call_id":"x"}]}`, "input[0].name", "is missing"},
		{`{"input":[{"type":"function_call_output","call_id":"x"}]}`, "input[0].output", "is missing"},
		{`{"input":[{"type":"reasoning","summary":5}]}`, "input[0].summary", "must be a list"},
		{`{"input":"x","tools":[{"type":"web_search"}]}`, "tools[0].type", "web_search"},
		{`{"input":"x","tools":[{"type":"function","name":"f","strict":true}]}`, "tools[0].strict", "not supported yet"},
		{`{"input":"x","tool_choice":"required"}`, "tool_choice", "not supported yet"},
		{`{"input":"x","text":{"format":{"type":"json_schema"}}}`, "text.format", "must be of type text"},
		{`{"input":"x","text":{"format":5}}`, "text.format", "must be of type text"},
		{`{"input":"x","background":true}`, "background", "at once"},
		{`{"input":"x","conversation":"c"}`, "conversation", "keeps no"},
		{`{"input":"x","prompt":{"id":"p"}}`, "prompt", "keeps no"},
		{`{"input":"x","truncation":"auto"}`, "truncation", "does not shorten"},
		{`{"input":"x","include":["message.output_text.logprobs"]}`, "include", "logprobs"},
		{`{"input":"x","top_logprobs":2}`, "top_logprobs", "no log-probabilities"},
		{`{"input":"x","n":2}`, "n", "one answer"},
		{`{"input":"x","max_output_tokens":0}`, "max_output_tokens", "at least 1"},
		{`{"input":"x","temperature":3}`, "temperature", "from 0 to 2"},
		{`{"input":"x","metadata":[]}`, "metadata", "must be an object"},
		{`{"input":"x","reasoning":{"effort":5}}`, "reasoning.effort", "string"},
	} {
		for _, path := range []string{"/v1/responses", "/v1/responses/input_tokens"} {
			status, answer := i.v1(path, c.body)
			require.Equal(t, 400, status, c.body)
			require.Equal(t, c.param, at(answer, "error", "param"), "%s: %v", c.body, answer)
			require.Contains(t, at(answer, "error", "message"), c.message, c.body)
		}
	}
	status, answer := i.v1("/v1/responses", `{"input":"`+strings.Repeat("word ", 5000)+`"}`)
	require.Equal(t, 400, status)
	require.Equal(t, "context_length_exceeded", at(answer, "error", "code"))
}

// What goes wrong in the middle of a stream is an event, and nothing is stored.
func TestResponseFails(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	go func() {
		s := g.open(1)[0]
		s.text("Once")
		s.fail(fmt.Errorf("broken"))
	}()
	events := i.responseEvents(`{"input":"x","stream":true}`)
	last := events[len(events)-1]
	require.Equal(t, "error", last["type"])
	require.Equal(t, "internal_error", last["code"])
	require.NotContains(t, last["message"], "broken")
	res, err := http.Get(i.url + "/v1/responses/" + at(events[0], "response", "id").(string))
	require.NoError(t, err)
	res.Body.Close()
	require.Equal(t, 404, res.StatusCode)
}

// What a response holds of its answer is charged, streamed too, and given back.
func TestResponsesAreCharged(t *testing.T) {
	for _, stream := range []bool{false, true} {
		i, g := startGated(t, 8, setup{})
		g.room = 100_000
		piece := strings.Repeat("x", 3_000)
		go func() {
			s := g.open(1)[0]
			for range 5 {
				s.text(piece)
			}
			s.end(runtime.FinishStop)
		}()
		if stream {
			events := i.responseEvents(`{"input":"x","stream":true}`)
			last := events[len(events)-1]
			require.Equal(t, "error", last["type"])
			require.Regexp(t, "the request needs .* of memory", last["message"])
		} else {
			status, answer := i.v1("/v1/responses", `{"input":"x"}`)
			require.Equal(t, 400, status)
			require.Regexp(t, "the request needs .* of memory", at(answer, "error", "message"))
		}
		g.open(0)
		require.Zero(t, g.held)
	}
}

// A call that the length cut off is there, and not part of the conversation
// that goes on.
func TestCallCutOff(t *testing.T) {
	i, g := startGated(t, 8, setup{})
	go func() {
		s := g.open(1)[0]
		s.text("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"city\": \"Ro")
		s.end(runtime.FinishLength)
		g.open(0)
		s = g.open(1)[0]
		s.text("Well.")
		s.end(runtime.FinishStop)
	}()
	const tools = `"tools":[{"type":"function","name":"f"}]`
	_, first := i.v1("/v1/responses", `{"input":"x",`+tools+`}`)
	require.Equal(t, "incomplete", first["status"])
	require.Equal(t, "incomplete", at(first, "output", 0, "status"))
	require.Equal(t, `{"city": "Ro`, at(first, "output", 0, "arguments"))
	status, second := i.v1("/v1/responses", fmt.Sprintf(`{"input":"y","previous_response_id":%q,%s}`, first["id"], tools))
	require.Equal(t, 200, status, second)
	require.Equal(t, "Well.", at(second, "output", 0, "content", 0, "text"))
}
