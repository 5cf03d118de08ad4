#!/usr/bin/env python3
"""Records what llama.cpp answers, for the golden tests.

    scripts/record_golden.py MODELS     (the folder of the test models: scripts/models.sh, scripts/test_models.py)

Runs llama.cpp from its npm package over each model, and some of them with other metadata, and writes
testdata/golden/NAME.json:
    sha256       of the model file
    overrides    what of its metadata is replaced, each KEY=TYPE:VALUE
    cases        for each prompt: ids of the tokens; top, the 20 first [token, log-probability] after the prompt;
                 greedy, 64 tokens; gaps, the distance in log-probability between each and the best other token: the
                 smallest of the record's and those of RUNS, llama.cpp without its flash attention and its own
                 AVX2 library, which sum their floats in other orders (negative where one prefers another token)
    perplexity   tokens, first (the position from which on it counts) and value over a fixed text
The records of the repository hold for the npm package that llamacpp.py names.
Needs npm, numpy.
"""
import hashlib, json, math, multiprocessing, pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import numpy as np, llamacpp

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "testdata/golden"
MODELS = pathlib.Path(sys.argv[1])
TALES = ["Once upon a time", "The old king had three sons, and the youngest of them",
         "<|im_start|>user\nTell me the story of the golden bird.<|im_end|>\n<|im_start|>assistant\n"]
REAL = ["def fibonacci(n):\n", "The capital of France is",
        "<|im_start|>system\nYou are Qwen, created by Alibaba Cloud. You are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
        "Write a Go function that reverses a slice of ints.<|im_end|>\n<|im_start|>assistant\n",
        "从前有座山，山里有座庙，", "SELECT name, COUNT(*) FROM orders"]
CHAT = ["def fibonacci(n):\n", "The capital of France is",
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n<|im_start|>user\n"
        "Why is the sky blue?<|im_end|>\n<|im_start|>assistant\n", "In 1945, 250 000 people's", "SELECT name, COUNT(*) FROM orders"]
SCALED = {  # models with another rotation, by what their record's name ends in
    "demo-qwen2-q8_0": {
        "yarn": ["qwen2.rope.scaling.type=str:yarn", "qwen2.rope.scaling.factor=float:4",
                 "qwen2.rope.scaling.original_context_length=int:128", "qwen2.rope.scaling.attn_factor=float:1.1"],
        "linear": ["qwen2.rope.scaling.type=str:linear", "qwen2.rope.scaling.factor=float:2"],
    },
}
GREEDY = 64
RUNS = [(None, False), ("haswell", True), ("haswell", False)]  # CPU library (the best when None), flash attention; the record itself: (None, True)


def logprobs(x):
    x = x - x.max()
    return x - math.log(np.exp(x).sum())


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def other_gaps(path, overrides, cases, cpu, flash):
    """The gaps of the recorded tokens in another run of llama.cpp."""
    lib = llamacpp.Llama(MODELS / ".llamacpp", cpu)
    lib.open(path, 2048, flash=flash, overrides=overrides)
    out = []
    for c in cases:
        lib.clear()
        lib.decode(c["ids"], 0)
        row = []
        for i, token in enumerate(c["greedy"]):
            lp = logprobs(lib.logits(len(c["ids"]) - 1 if i == 0 else 0))
            best, lp[token] = lp[token], -math.inf
            row.append(round(float(best - lp.max()), 4))
            lib.decode([token], len(c["ids"]) + i)
        out.append(row)
    lib.close()
    return out


def record(lib, path, overrides, prompts, text, limit):
    lib.open(path, 2048, overrides=overrides)
    cases = []
    for prompt in prompts:
        ids = lib.tokenize(prompt, special=True)
        lib.clear()
        lib.decode(ids, 0)
        lp = logprobs(lib.logits(len(ids) - 1))
        top = [[int(i), round(float(lp[i]), 5)] for i in np.argsort(-lp, kind="stable")[:20]]
        greedy, gaps, pos = [], [], len(ids)
        for _ in range(GREEDY):
            two = np.argsort(-lp, kind="stable")[:2]
            greedy.append(int(two[0]))
            gaps.append(round(float(lp[two[0]] - lp[two[1]]), 4))
            lib.decode([greedy[-1]], pos)
            pos += 1
            lp = logprobs(lib.logits(0))
        cases.append({"prompt": prompt, "ids": ids, "top": top, "greedy": greedy, "gaps": gaps})
    ids = lib.tokenize(text)[:limit]
    lib.clear()
    lib.decode(ids, 0, every=True)
    nll = [-logprobs(lib.logits(i))[ids[i + 1]] for i in range(len(ids) - 1)]
    lib.close()

    for cpu, flash in RUNS:
        with multiprocessing.get_context("spawn").Pool(1) as run:  # a process loads one CPU library
            other = run.apply(other_gaps, (path, overrides, cases, cpu, flash))
        for c, g in zip(cases, other):
            c["gaps"] = [min(a, b) for a, b in zip(c["gaps"], g)]
    return {"model": path.name, "sha256": sha256(path), **({"overrides": overrides} if overrides else {}), "llama.cpp": llamacpp.VERSION, "cases": cases,
            "perplexity": {"tokens": len(ids), "value": round(float(math.exp(np.mean(nll))), 6)}}


def main():
    only = sys.argv[2:]
    lib = llamacpp.Llama(MODELS / ".llamacpp")
    OUT.mkdir(exist_ok=True)
    tale = (OUT / "tale.txt").read_text()
    code = (OUT / "code.txt").read_text()
    files = [*sorted((ROOT / "testdata").glob("demo-*.gguf")), *sorted(MODELS.glob("demo-*.gguf")), *sorted(MODELS.glob("smollm2-*.gguf")),
             *sorted(MODELS.glob("qwen2.5-coder-*.gguf"))]
    runs = [(path.stem, path, []) for path in files]
    runs += [(f"{path.stem}-{end}", path, o) for path in files for end, o in SCALED.get(path.stem, {}).items()]
    for name, path, overrides in runs:
        if only and name not in only:
            continue
        prompts = TALES if path.name.startswith("demo") else CHAT if path.name.startswith("smollm2") else REAL
        r = record(lib, path, overrides, prompts, tale if prompts is TALES else code, 512)
        (OUT / f"{name}.json").write_text(json.dumps(r, ensure_ascii=False, separators=(",", ":")) + "\n")
        print(name, r["perplexity"], "smallest gap", min(min(c["gaps"]) for c in r["cases"]), flush=True)


if __name__ == "__main__":
    main()
