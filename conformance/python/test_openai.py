"""OpenAI's own client for Python."""
import json, time

import openai, pytest
from servers import *

client = openai.OpenAI(base_url=DEMO + "/v1", api_key=KEY, max_retries=0)
think = client.with_options(base_url=THINK + "/v1")
tools = client.with_options(base_url=TOOLS + "/v1")
HELLO = [{"role": "system", "content": "You tell stories."}, {"role": "user", "content": "Tell me one."},
         {"role": "assistant", "content": "Once there was a king."}, {"role": "user", "content": [{"type": "text", "text": "And then?"}]}]
FEW = dict(model="demo", max_tokens=12, temperature=0, messages=HELLO)


def test_models():
    assert [m.id for m in client.models.list()] == ["demo"]
    assert client.models.retrieve("demo").object == "model"
    with pytest.raises(openai.NotFoundError) as e:
        client.models.retrieve("other")
    assert e.value.code == "model_not_found"


def test_chat():
    whole = client.chat.completions.create(**FEW)
    choice = whole.choices[0]
    assert choice.message.content and choice.message.role == "assistant" and choice.finish_reason == "length"
    assert whole.usage.completion_tokens == 12
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + 12
    chunks = list(client.chat.completions.create(**FEW, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == choice.message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 12
    assert chunks[-1].usage.prompt_tokens_details.cached_tokens > 0  # of the first request
    assert [c.choices[0].finish_reason for c in chunks[:-1]][-1] == "length"
    assert client.chat.completions.with_raw_response.create(**FEW).headers["content-type"].startswith("application/json")


def test_stream_helper():
    with client.chat.completions.stream(**FEW, n=2, stop=" ") as stream:  # it takes length for an error
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert len(final.choices) == 2 and final.choices[0].message.content


def test_sampling():
    ask = {**FEW, "temperature": 1, "n": 3, "seed": 7, "top_p": 0.95, "presence_penalty": 0.1, "frequency_penalty": 0.1,
           "user": "me", "metadata": {"a": "b"}, "store": False, "extra_body": {"top_k": 50, "min_p": 0.01, "repetition_penalty": 1.1}}
    one, two = (client.chat.completions.create(**ask) for _ in range(2))
    texts = [c.message.content for c in one.choices]
    assert texts == [c.message.content for c in two.choices] and len(set(texts)) > 1
    words = client.chat.completions.create(**FEW).choices[0].message.content
    stop = words.split()[3]
    cut = client.chat.completions.create(**FEW, stop=[stop, "never"])
    assert cut.choices[0].finish_reason == "stop" and stop not in cut.choices[0].message.content
    assert words.startswith(cut.choices[0].message.content)
    again = client.chat.completions.create(**{**FEW, "max_tokens": openai.omit}, max_completion_tokens=12)
    assert again.choices[0].message.content == words


def test_logprobs():
    whole = client.chat.completions.create(**FEW, logprobs=True, top_logprobs=3)
    tokens = whole.choices[0].logprobs.content
    assert len(tokens) == 12 and all(len(t.top_logprobs) == 3 and t.logprob <= 0 for t in tokens)
    assert bytes(b for t in tokens for b in t.bytes).decode() == whole.choices[0].message.content
    assert all(t.top_logprobs[0].token == t.token for t in tokens)  # greedy
    streamed = [t for c in client.chat.completions.create(**FEW, logprobs=True, top_logprobs=3, stream=True)
                if c.choices[0].logprobs for t in c.choices[0].logprobs.content]
    assert streamed == tokens
    banned = client.chat.completions.create(**{**FEW, "max_tokens": 1}, logit_bias={"1": -100, "2": 5})
    assert banned.usage.completion_tokens == 1


def test_reasoning():
    ask = dict(model="demo", max_tokens=8, temperature=0, messages=[{"role": "user", "content": "Why?"}])
    message = think.chat.completions.create(**ask).choices[0].message
    assert message.reasoning_content and not message.content
    chunks = list(think.chat.completions.create(**ask, stream=True))
    assert "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in chunks) == message.reasoning_content
    plain = think.chat.completions.create(**ask, extra_body={"reasoning_format": "none"}).choices[0].message
    assert message.reasoning_content in plain.content and not hasattr(plain, "reasoning_content")
    think.chat.completions.create(**ask, reasoning_effort="low")


@pytest.mark.parametrize("stream", [False, True])
def test_tools(stream):
    messages = [{"role": "user", "content": QUESTION}]
    ask = dict(model="any", temperature=0, max_tokens=60, tools=[WEATHER], tool_choice="auto", parallel_tool_calls=True)
    if stream:
        with tools.chat.completions.stream(messages=messages, **ask) as s:
            events = list(s)
            choice = s.get_final_completion().choices[0]
        assert any(e.type == "tool_calls.function.arguments.delta" for e in events)
        done = [e for e in events if e.type == "tool_calls.function.arguments.done"]
        assert [e.name for e in done] == ["get_weather"]
    else:
        choice = tools.chat.completions.create(messages=messages, **ask).choices[0]
    assert choice.finish_reason == "tool_calls"
    call, = choice.message.tool_calls
    assert call.type == "function" and call.id and call.function.name == "get_weather"
    assert json.loads(call.function.arguments) == {"city": "Paris"}
    messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "21 degrees and sunny"}]
    answer = tools.chat.completions.create(messages=messages, **{**ask, "tool_choice": "none"}).choices[0]
    assert answer.finish_reason == "stop" and "21" in answer.message.content


@pytest.mark.parametrize("change, param", [
    ({"temperature": 3}, "temperature"), ({"messages": []}, "messages"), ({"tool_choice": "required"}, "tool_choice"),
    ({"response_format": {"type": "json_object"}}, "response_format.type"), ({"modalities": ["text", "audio"]}, "modalities"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}]}, "messages[0].content[0]"),
])
def test_bad_requests(change, param):
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError) as e:
            client.chat.completions.create(**{**FEW, **change, "stream": stream})
        assert e.value.param == param and e.value.type == "invalid_request_error" and e.value.body["message"]


def test_errors():
    with pytest.raises(openai.BadRequestError) as e:
        client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "word " * 5000}])
    assert e.value.code == "context_length_exceeded" and e.value.param == "messages"
    with pytest.raises(openai.BadRequestError) as e:
        client.completions.create(model="demo", prompt="word " * 5000)
    assert e.value.code == "context_length_exceeded" and e.value.param == "prompt"
    with pytest.raises(openai.BadRequestError) as e:
        client.embeddings.create(model="demo", input="word " * 5000)
    assert e.value.code == "context_length_exceeded" and e.value.param == "input"
    with pytest.raises(openai.NotFoundError) as e:
        client.post("/nothing", body={}, cast_to=object)
    assert e.value.code == "not_found"
    with pytest.raises(openai.AuthenticationError) as e:
        client.with_options(api_key="wrong").models.list()
    assert e.value.code == "invalid_api_key"


def test_abort():
    for create in (lambda: tools.chat.completions.create(model="any", messages=HELLO, stream=True, extra_body=ENDLESS),
                   lambda: tools.completions.create(model="any", prompt="Once", max_tokens=4000, stream=True, extra_body=ENDLESS)):
        with create() as stream:
            for _, chunk in zip(range(5), stream):
                pass
            assert health(TOOLS)["running"] == 1
        idle(TOOLS)


def test_timeouts():
    with pytest.raises(openai.APITimeoutError):
        tools.with_options(timeout=0.5).chat.completions.create(model="any", messages=HELLO, extra_body=ENDLESS)
    idle(TOOLS)
    slow, began = client.with_options(base_url=SLOW + "/v1", max_retries=3), time.time()
    with pytest.raises(openai.InternalServerError) as e:  # the server's own limit is not repeated
        slow.chat.completions.create(model="any", messages=HELLO, extra_body=ENDLESS)
    assert e.value.status_code == 504 and e.value.code == "timeout" and time.time() - began < 2.5
    with pytest.raises(openai.APIError) as e:
        for _ in slow.chat.completions.create(model="any", messages=HELLO, extra_body=ENDLESS, stream=True):
            pass
    assert e.value.code == "timeout"


def test_retry():
    def open_stream():
        return tools.with_options(timeout=20).chat.completions.create(model="any", messages=HELLO, stream=True, extra_body=ENDLESS)
    with Full(open_stream, 1):
        with pytest.raises(openai.RateLimitError) as e:
            tools.chat.completions.create(model="any", messages=HELLO, max_tokens=2)
        assert e.value.code == "rate_limit_exceeded" and int(e.value.response.headers["retry-after"]) > 0
        answer = tools.with_options(max_retries=2).chat.completions.create(model="any", messages=HELLO, max_tokens=2)
        assert answer.usage.completion_tokens == 2


def test_completions():
    ask = dict(model="demo", max_tokens=6, temperature=0)
    whole = client.completions.create(prompt=["Once upon", "The king"], logprobs=2, **ask)
    assert [c.index for c in whole.choices] == [0, 1] and whole.usage.completion_tokens == 12
    for c in whole.choices:
        assert len(c.logprobs.tokens) == len(c.logprobs.token_logprobs) == len(c.logprobs.top_logprobs) == len(c.logprobs.text_offset) == 6
        assert "".join(c.logprobs.tokens) == c.text
    texts = ["", ""]
    for c in client.completions.create(prompt=["Once upon", "The king"], stream=True, stream_options={"include_usage": True}, **ask):
        if c.choices:
            texts[c.choices[0].index] += c.choices[0].text
    assert texts == [c.text for c in whole.choices] and c.usage.completion_tokens == 12
    echo = client.completions.create(prompt="The king", echo=True, logprobs=1, **ask).choices[0]
    assert echo.text == "The king" + texts[1]
    assert "".join(echo.logprobs.tokens) == echo.text and echo.logprobs.token_logprobs[0] is None
    scored = client.completions.create(model="demo", prompt="The king had a son", echo=True, logprobs=0, max_tokens=0).choices[0]
    assert scored.text == "The king had a son" and len(scored.logprobs.tokens) > 3
    several = client.completions.create(model="demo", prompt="The king", n=2, seed=3, max_tokens=6)
    assert several.choices[0].text != several.choices[1].text
    assert client.completions.create(prompt=[100, 200, 300], **ask).usage.prompt_tokens == 3
    fill = tools.completions.create(model="any", prompt="def add(a, b):\n    return ", suffix="\n\nprint(add(1, 2))\n", max_tokens=8, temperature=0)
    assert "a + b" in fill.choices[0].text


def test_embeddings():
    texts = ["Once upon a time", "The king"]
    packed = client.embeddings.create(model="demo", input=texts)
    plain = client.embeddings.create(model="demo", input=texts, encoding_format="float")
    for a, b in zip(packed.data, plain.data):
        assert a.index == b.index and a.embedding == pytest.approx(b.embedding, abs=1e-6)
        assert sum(x * x for x in b.embedding) == pytest.approx(1, abs=1e-4)
    assert packed.usage.prompt_tokens == plain.usage.total_tokens > 0
    assert len(client.embeddings.create(model="demo", input="The king", dimensions=16).data[0].embedding) == 16


@pytest.mark.parametrize("stream", [False, True])
def test_asynchronous(stream):
    import asyncio

    async def ask():
        async with openai.AsyncOpenAI(base_url=DEMO + "/v1", api_key=KEY, max_retries=0) as c:
            answers = await asyncio.gather(*(c.chat.completions.create(**FEW, stream=stream) for _ in range(8)))
            if not stream:
                return [a.choices[0].message.content for a in answers]
            return ["".join([c.choices[0].delta.content or "" async for c in a]) for a in answers]
    texts = asyncio.run(ask())
    assert len(set(texts)) == 1 and texts[0]
