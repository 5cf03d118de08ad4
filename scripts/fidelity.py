#!/usr/bin/env python3
"""How far a model's predictions are from those of its own weights in full precision, with cllm and with llama.cpp.

    scripts/fidelity.py MODEL.gguf...

For each file llama-quantize writes its weights in F32, and llama-perplexity that file's predictions over 12 windows of
512 tokens of testdata/golden/mixed.txt, the second half of each. Against these both programs are measured with every
type of the KV cache, and cllm on the F32 file too, which shows what the base itself leaves open. Prints a table.

PEER is the folder of llama.cpp (default peer/), with bin/llama-quantize and bin/llama-perplexity. THREADS=2 WINDOWS=12
KV=f32,f16,q8_0 say what is measured. The F32 file and the base need 4 bytes a weight and 300 kB a position next to the model, for as long as it takes.
"""
import json, os, pathlib, re, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("PEER", "peer")).resolve() / "bin"
THREADS, WINDOWS = os.environ.get("THREADS", "2"), os.environ.get("WINDOWS", "12")
KV_TYPES = os.environ.get("KV", "f32,f16,q8_0").split(",")
TEXT, WINDOW = ROOT / "testdata/golden/mixed.txt", "512"


def run(*command):
    done = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-2000:]}")
    return done.stdout


def peer(model, kv, *more):
    flash = "off" if kv == "f32" else "on"  # which would round F32 to F16
    return run(BIN / "llama-perplexity", "-m", model, "-t", THREADS, "-c", WINDOW, "-ctk", kv, "-ctv", kv, "-fa", flash, *more)


def peer_row(model, kv, base):
    out = peer(model, kv, "--kl-divergence", "--kl-divergence-base", base)
    number = lambda name: [float(x) for x in re.search(re.escape(name) + r"\s*:\s*(\S+)(?:\s*±\s*(\S+))?", re.sub(" +", " ", out)).groups(0)]
    return {"ppl": number("Mean PPL(Q)"), "mean": number("Mean KLD"), "median": number("Median KLD")[0], "99%": number("99.0% KLD")[0],
            "maximum": number("Maximum KLD")[0], "same": number("Same top p")[0]}


def our_row(model, kv, base):
    done = subprocess.run([ROOT / "bin/cllm", "perplexity", "-m", model, "-t", THREADS, "--kv-type", kv, "--kl-divergence", "--kl-divergence-base",
                           base, "--json"], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    d = json.loads(done.stdout)
    q = d["kl_divergence"]["quantiles"]
    return {"ppl": list(d["ppl"].values()), "mean": list(d["kl_divergence"]["mean"].values()), "median": q["median"], "99%": q["99%"],
            "maximum": q["maximum"], "same": 100 * d["same_first"]["value"]}


def show(model, kv, program, r):
    print(f"| {model} | {kv} | {program} | {r['ppl'][0]:.4f} ± {r['ppl'][1]:.4f} | {r['mean'][0]:.6f} ± {r['mean'][1]:.6f} | {r['median']:.6f} | "
          f"{r['99%']:.6f} | {r['maximum']:.4f} | {r['same']:.2f} % |", flush=True)


def main():
    print("| model | KV | program | perplexity | mean KL | median | 99 % | maximum | same first token |")
    print("|---|---|---|---:|---:|---:|---:|---:|---:|", flush=True)
    for model in map(pathlib.Path, sys.argv[1:]):
        with tempfile.TemporaryDirectory(dir=model.parent, prefix=".fidelity-") as folder:
            f32, base = f"{folder}/f32.gguf", f"{folder}/base"
            run(BIN / "llama-quantize", "--allow-requantize", model, f32, "F32", THREADS)
            peer(f32, "f32", "-f", TEXT, "--chunks", WINDOWS, "--kl-divergence-base", base)
            show(model.stem, "f32", "cllm, F32", our_row(f32, "f32", base))
            for kv in KV_TYPES:
                show(model.stem, kv, "cllm", our_row(model, kv, base))
                show(model.stem, kv, "llama.cpp", peer_row(model, kv, base))


main()
