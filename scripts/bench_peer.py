"""Alternates cllm bench with llama.cpp's tools and prints medians and ratios; bench-peer.sh says how."""
import json, os, statistics, subprocess, sys

model = sys.argv[1]
peer = os.environ["PEER"]
rounds = int(os.environ.get("ROUNDS", 5))
numbers = lambda name, default: [int(x) for x in os.environ.get(name, default).split(",") if x]
threads, prompts, gens = numbers("THREADS", "1,2"), numbers("PROMPTS", "512"), numbers("GENS", "128")
depths, parallels = numbers("DEPTHS", "0"), numbers("PARALLEL", "8,32")
BATCH_DEPTH, BATCH_GEN = 128, 32


def output(*command):
    return subprocess.run([str(c) for c in command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def ours(t, p, n, d, parallel=1):
    row = json.loads(output("bin/cllm", "bench", "-m", model, "-t", t, "-p", p, "-n", n, "-d", d, "--parallel", parallel, "-r", 1, "-o", "json"))[0]
    return row["avg_ts"], row


def theirs(t, p, n, d):
    return json.loads(output(f"{peer}/bin/llama-bench", "-m", model, "-t", t, "-p", p, "-n", n, "-d", d, "-r", 1, "-o", "json"))[0]["avg_ts"]


def theirs_batched(t, parallel):
    context = parallel * (BATCH_DEPTH + BATCH_GEN)
    text = output(f"{peer}/bin/llama-batched-bench", "-m", model, "-t", t, "-c", context, "-npp", BATCH_DEPTH, "-ntg", BATCH_GEN,
                  "-npl", parallel, "--output-format", "jsonl")
    return next(json.loads(line)["speed_tg"] for line in text.splitlines() if line.startswith("{"))


tests = []
for t in threads:
    for d in depths:
        at = f" @ d{d}" if d else ""
        tests += [(f"pp{p}{at}", t, lambda p=p, d=d, t=t: ours(t, p, 0, d), lambda p=p, d=d, t=t: theirs(t, p, 0, d)) for p in prompts if p]
        tests += [(f"tg{n}{at}", t, lambda n=n, d=d, t=t: ours(t, 0, n, d), lambda n=n, d=d, t=t: theirs(t, 0, n, d)) for n in gens if n]
    tests += [(f"tg{BATCH_GEN} @ d{BATCH_DEPTH} x{b}", t, lambda b=b, t=t: ours(t, 0, BATCH_GEN, BATCH_DEPTH, b), lambda b=b, t=t: theirs_batched(t, b))
              for b in parallels]

print(f"{os.path.basename(model)}: medians of {rounds} alternating runs, tokens/s\n")
print("| test | threads | cllm | llama.cpp | ratio | GB/s | of GB/s |\n|---|---:|---:|---:|---:|---:|---:|")
for name, t, run_ours, run_theirs in tests:
    a, b, rows = [], [], []
    for _ in range(rounds):
        speed, row = run_ours()
        a.append(speed)
        rows.append(row)
        b.append(run_theirs())
    x, y = statistics.median(a), statistics.median(b)
    rate, bound = (statistics.median(r[k] for r in rows) for k in ("gb_per_s", "bandwidth_gb_per_s"))
    print(f"| {name} | {t} | {x:.1f} | {y:.1f} | {x / y:.2f} | {rate:.1f} | {bound:.1f} |", flush=True)
