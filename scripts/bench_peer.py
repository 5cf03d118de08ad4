"""Alternates cllm bench with llama.cpp's tools and OpenVINO and prints medians and ratios; bench-peer.sh says how."""
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


class OpenVINO:
    """bench_openvino.py with the model loaded; None answers when it does not read the file."""

    def __init__(self, threads):
        self.process = None
        python = f"{peer}/venv/bin/python"
        if os.environ.get("OPENVINO") != "no" and os.path.exists(python):
            self.process = subprocess.Popen([python, "scripts/bench_openvino.py", model, str(threads)], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            self.ask("prompt 64")  # warms up, and tells whether the file can be read

    def ask(self, test):
        if not self.process:
            return None
        try:
            self.process.stdin.write(test + "\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline()) or None
        except (ValueError, OSError):
            self.close()

    def close(self):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None


def tests(t):
    """Name, ours, llama.cpp's, and the line for OpenVINO, of each test with t threads."""
    for d in depths:
        at = f" @ d{d}" if d else ""
        for p in prompts:
            if p:
                yield f"pp{p}{at}", lambda: ours(t, p, 0, d), lambda: theirs(t, p, 0, d), f"prompt {p}" if d == 0 else None
        for n in gens:
            if n:
                yield f"tg{n}{at}", lambda: ours(t, 0, n, d), lambda: theirs(t, 0, n, d), f"gen {n} {d} 1"
    for b in parallels:
        yield (f"tg{BATCH_GEN} @ d{BATCH_DEPTH} x{b}", lambda: ours(t, 0, BATCH_GEN, BATCH_DEPTH, b),
               lambda: theirs_batched(t, b), f"gen {BATCH_GEN} {BATCH_DEPTH} {b}")


def median(xs):
    xs = [x for x in xs if x]
    return statistics.median(xs) if xs else None


show = lambda x, digits=1: f"{x:.{digits}f}" if x else "–"
level = os.environ.get("LEVEL")
print(f"{os.path.basename(model)}{f' at level {level} on both sides' if level else ''}: medians of {rounds} alternating runs, tokens/s\n")
print("| test | threads | cllm | llama.cpp | ratio | OpenVINO | ratio | GB/s | of GB/s |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|")
for t in threads:
    openvino = OpenVINO(t)
    for name, run_ours, run_theirs, line in tests(t):
        a, b, o, rows = [], [], [], []
        for _ in range(rounds):
            speed, row = run_ours()
            a.append(speed)
            rows.append(row)
            b.append(run_theirs())
            if line:
                o.append(openvino.ask(line))
        x, y, z = median(a), median(b), median(o)
        rate, bound = (statistics.median(r[k] for r in rows) for k in ("gb_per_s", "bandwidth_gb_per_s"))
        print(f"| {name} | {t} | {x:.1f} | {y:.1f} | {x / y:.2f} | {show(z)} | {show(z and x / z, 2)} | {rate:.1f} | {bound:.1f} |", flush=True)
    openvino.close()
