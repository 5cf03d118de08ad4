#!/usr/bin/env python3
"""Counts the tokens that an agent's conversation computes per turn, by cllm serve and llama-server:
scripts/agent_peer.py MODEL.gguf

A system text of some 4,000 tokens, whose first line is Claude Code's header with a cch that every request has anew,
a tool, a question, and TURNS (12) calls of the tool with results of 100 to 300 tokens, each turn asked for as an agent
does: with the whole history. Computed is what usage says was not cached; of llama-server, timings.prompt_n. The last
column is the bound that cllm must keep: the tokens that the prompt grew by, and one block. STABLE=1 leaves the
header as it was first. PEER is the folder of llama.cpp (peer/), CLLM our binary (bin/cllm).
"""
import json, os, random, sys
from servers import commands, post, running

TURNS = int(os.environ.get("TURNS", 12))
BLOCK = 32  # positions of a KV block, of which the last may be computed again

TOOL = {"type": "function", "function": {"name": "read_file", "description": "Read a file and return its text",
        "parameters": {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}}}
WORDS = "the agent reads files before it edits them keeps answers short names what changed runs tests asks when unsure and never guesses paths".split()


def text(n, seed):
    """Some n tokens of plain text, the same at every run."""
    random.seed(seed)
    return "\n".join(f"{i + 1}. " + " ".join(random.choice(WORDS) for _ in range(15)) for i in range(n // 19))


def messages(turn):
    cch = "0abcd" if os.environ.get("STABLE") else f"{turn * 0x1f3d5 + 0xabc:05x}"[-5:]
    header = f"x-anthropic-billing-header: cc_version=2.0.14.a1b; cc_entrypoint=cli; cch={cch};"
    history = [{"role": "system", "content": header + "\n" + text(4000, 0)}, {"role": "user", "content": "Find the fault in the project."}]
    for t in range(turn):
        history += [
            {"role": "assistant", "content": None, "tool_calls": [{"id": f"call_{t}", "type": "function", "function": {
                "name": "read_file", "arguments": json.dumps({"path": f"src/part{t}.go"})}}]},
            {"role": "tool", "tool_call_id": f"call_{t}", "content": text(100 + t * 67 % 200, t + 1)}]
    return history


def main():
    model = sys.argv[1]
    turns = {}
    for name, (address, command) in commands(model, context=12288).items():
        turns[name] = []
        with running(address, command):
            for turn in range(TURNS + 1):
                print(f"\r{name} {turn}/{TURNS} ", end="", file=sys.stderr, flush=True)
                answer = post(address, "/v1/chat/completions", {"messages": messages(turn), "tools": [TOOL], "temperature": 0, "max_tokens": 8})
                usage = answer["usage"]
                computed = usage["prompt_tokens"] - (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
                turns[name].append((usage["prompt_tokens"], computed if name == "cllm" else answer["timings"]["prompt_n"]))
    print(f"{os.path.basename(model)}: tokens of the prompt and computed\n")
    print("| turn | prompt | cllm computed | llama-server computed | bound |\n|---:|---:|---:|---:|---:|")
    over = []
    for turn, ((prompt, ours), (_, peers)) in enumerate(zip(turns["cllm"], turns["llama-server"])):
        bound = prompt if turn == 0 else prompt - turns["cllm"][turn - 1][0] + BLOCK
        over += [turn] if ours > bound else []
        print(f"| {turn} | {prompt} | {ours} | {peers} | {bound} |")
    if over:
        sys.exit(f"cllm computes more than the bound in the turns {over}")


if __name__ == "__main__":
    main()
