#!/usr/bin/env python3
"""Counts the right tool calls of cllm serve and llama-server: scripts/tools_peer.py MODEL.gguf [--all]

Every question of testdata/chat/tools.json offers four tools, of which one is right (tool_choice auto, temperature 0,
the servers one after the other). A call is of the right tool when it is the answer's only one and of that name; its
arguments are right when each that the question fixes has one of the values listed for it and none is unknown to the
tool's schema. Then every question on which the servers differ is shown, with --all every one. PEER is the folder of
llama.cpp (peer/), CLLM our binary (bin/cllm). Ends with an error when we are right less often.
"""
import json, os, re, sys
from servers import ROOT, commands, post, running

OFFERED = 4
MAX_TOKENS = 100


def offered(tools, i, name):
    """Four tools in the file's order, going round, in which the right one's place changes with the question."""
    at = next(k for k, t in enumerate(tools) if t["function"]["name"] == name)
    return [tools[(at - i % OFFERED + k) % len(tools)] for k in range(OFFERED)]


def same(got, want):
    if isinstance(want, list):
        return any(same(got, w) for w in want)
    if isinstance(want, str) and isinstance(got, str):
        return re.sub(r"\s+", "", got).casefold() == re.sub(r"\s+", "", want).casefold()
    return type(got) is type(want) and got == want or {type(got), type(want)} == {int, float} and got == want


def judge(message, question, tools):
    """Whether the answer calls the right tool, and whether its arguments are right too."""
    calls = message.get("tool_calls") or []
    if len(calls) != 1 or calls[0]["function"]["name"] != question["tool"]:
        return False, False
    try:
        got = json.loads(calls[0]["function"]["arguments"])
    except ValueError:
        return True, False
    schema = next(t for t in tools if t["function"]["name"] == question["tool"])["function"]["parameters"]["properties"]
    right = isinstance(got, dict) and all(k in schema for k in got) and \
        all(k in got and same(got[k], v) for k, v in question["arguments"].items())
    return True, right


def shown(message):
    calls = [f'{c["function"]["name"]}({c["function"]["arguments"]})' for c in message.get("tool_calls") or []]
    return " ".join(([repr(message["content"])] if message.get("content") else []) + calls)


def main():
    model = sys.argv[1]
    suite = json.loads((ROOT / "testdata/chat/tools.json").read_text())
    tools, questions = suite["tools"], suite["questions"]
    answers = {}
    for name, (address, command) in commands(model).items():
        with running(address, command):
            answers[name] = []
            for i, q in enumerate(questions):
                print(f"\r{name} {i + 1}/{len(questions)} ", end="", file=sys.stderr, flush=True)
                answer = post(address, "/v1/chat/completions", {
                    "messages": [{"role": "user", "content": q["ask"]}], "tools": offered(tools, i, q["tool"]),
                    "tool_choice": "auto", "temperature": 0, "max_tokens": MAX_TOKENS})
                answers[name].append(answer["choices"][0]["message"])
    judged = {name: [judge(m, q, tools) for m, q in zip(got, questions)] for name, got in answers.items()}
    print(f"{os.path.basename(model)}: {len(questions)} questions, {OFFERED} tools each\n")
    print("| | right tool | right arguments too | any call |\n|---|---:|---:|---:|")
    for name, got in judged.items():
        print(f"| {name} | {sum(t for t, _ in got)} | {sum(a for _, a in got)} | {sum(bool(m.get('tool_calls')) for m in answers[name])} |")
    ours, peers = judged["cllm"], judged["llama-server"]
    for i, q in enumerate(questions):
        if ours[i] != peers[i] or "--all" in sys.argv:
            print(f'\n{i + 1}. {q["ask"]}')
            for name in answers:
                print(f'   {name} {["wrong", "tool", "right"][sum(judged[name][i])]}: {shown(answers[name][i])}')
    if sum(map(sum, ours)) < sum(map(sum, peers)):
        sys.exit("\ncllm is right less often")


if __name__ == "__main__":
    main()
