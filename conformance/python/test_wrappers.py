"""LangChain and LiteLLM, which speak to the server through OpenAI's client."""
import json

import litellm, openai, pytest
from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from servers import *

litellm.telemetry = False
SAYS = [SystemMessage("You tell stories."), HumanMessage("Tell me one.")]


def chain(base, **more):
    return ChatOpenAI(base_url=base + "/v1", api_key=KEY, model="demo", temperature=0, max_retries=0, **more)


def lite(base, **more):
    return litellm.completion(model="openai/demo", api_base=base + "/v1", api_key=KEY, temperature=0, num_retries=0, **more)


def joined(chunks):
    whole = next(chunks)
    for c in chunks:
        whole += c
    return whole


def test_langchain_chat():
    model = chain(DEMO, max_tokens=12, stream_usage=True)
    whole = model.invoke(SAYS)
    assert whole.content and whole.usage_metadata["output_tokens"] == 12
    assert whole.response_metadata["finish_reason"] == "length"
    chunks = list(model.stream(SAYS))
    assert "".join(c.content for c in chunks) == whole.content
    assert sum(c.usage_metadata["output_tokens"] for c in chunks if c.usage_metadata) == 12
    assert [a.content for a in model.batch([SAYS] * 4)] == [whole.content] * 4


def test_langchain_tools():
    def get_weather(city: str) -> str:
        """The weather of a city now"""
        return "21 degrees and sunny"
    model = chain(TOOLS, max_tokens=60).bind_tools([get_weather])
    said = [HumanMessage(QUESTION)]
    for answer in (model.invoke(said), joined(model.stream(said))):
        call, = answer.tool_calls
        assert call["name"] == "get_weather" and call["args"] == {"city": "Paris"} and call["id"]
    said += [answer, ToolMessage(get_weather(**call["args"]), tool_call_id=call["id"])]
    assert "21" in chain(TOOLS, max_tokens=60).invoke(said).content


def test_langchain_others():
    model = OpenAI(base_url=DEMO + "/v1", api_key=KEY, model="demo", temperature=0, max_tokens=6)
    assert model.invoke("The king") == "".join(model.stream("The king"))
    embed = OpenAIEmbeddings(base_url=DEMO + "/v1", api_key=KEY, model="demo", check_embedding_ctx_length=False)
    one, two = embed.embed_documents(["The king", "Once upon a time"])
    assert one == pytest.approx(embed.embed_query("The king"), abs=1e-6) and one != two
    with pytest.raises(openai.BadRequestError) as e:
        chain(DEMO).invoke([HumanMessage("word " * 5000)])
    assert e.value.code == "context_length_exceeded"
    stream = chain(TOOLS).stream(SAYS, extra_body=ENDLESS)
    next(stream)
    stream.close()
    idle(TOOLS)


def test_litellm_chat():
    said = [{"role": "user", "content": "Tell me a story."}]
    whole = lite(DEMO, messages=said, max_tokens=12)
    assert whole.choices[0].message.content and whole.usage.completion_tokens == 12
    chunks = list(lite(DEMO, messages=said, max_tokens=12, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    thought = lite(THINK, messages=said, max_tokens=8)
    assert thought.choices[0].message.reasoning_content
    streamed = lite(THINK, messages=said, max_tokens=8, stream=True)
    assert "".join(getattr(c.choices[0].delta, "reasoning_content", None) or "" for c in streamed) == thought.choices[0].message.reasoning_content


def test_litellm_tools():
    said = [{"role": "user", "content": QUESTION}]
    whole = lite(TOOLS, messages=said, tools=[WEATHER], max_tokens=60)
    built = litellm.stream_chunk_builder(list(lite(TOOLS, messages=said, tools=[WEATHER], max_tokens=60, stream=True)))
    for answer in (whole, built):
        assert answer.choices[0].finish_reason == "tool_calls"
        call, = answer.choices[0].message.tool_calls
        assert call.function.name == "get_weather" and json.loads(call.function.arguments) == {"city": "Paris"}


def test_litellm_errors():
    said = [{"role": "user", "content": "word " * 5000}]
    with pytest.raises(litellm.ContextWindowExceededError):
        lite(DEMO, messages=said)
    with pytest.raises(litellm.BadRequestError):
        lite(DEMO, messages=said[:0])
    with pytest.raises(litellm.AuthenticationError):
        litellm.completion(model="openai/demo", api_base=DEMO + "/v1", api_key="wrong", messages=said, num_retries=0)
    with pytest.raises(litellm.Timeout):
        lite(TOOLS, messages=[{"role": "user", "content": "Hi"}], timeout=0.5, extra_body=ENDLESS)
    idle(TOOLS)
    vectors = litellm.embedding(model="openai/demo", api_base=DEMO + "/v1", api_key=KEY, input=["a", "b"])
    assert len(vectors.data) == 2
