#!/usr/bin/env bash
# Measures chat completions (OpenAI's dialect, streamed) against /generate_stream (our own) on one `cllm serve`, in turn
# with the same prompts, and prints the ratios of their tokens/s with the interval that holds their mean by 95 %:
#   scripts/bench-dialects.sh MODEL.gguf
# CONCURRENCY="1 8 32" REQUESTS=72 TOKENS=50 ROUNDS=5 THREADS= (all) say what is measured. Every answer has TOKENS
# tokens (ignore_eos) at temperature 0.7; a chat's prompt is longer by what its template adds.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: scripts/bench-dialects.sh MODEL.gguf}
requests=${REQUESTS:-72} tokens=${TOKENS:-50} rounds=${ROUNDS:-5} threads=${THREADS:-$(nproc)} port=18080
cllm=${CLLM:-bin/cllm}

results=$(mktemp -d)
"$cllm" serve -m "$model" --port $port --threads "$threads" --parallel 32 --max-context-length 1024 >"$results/log" 2>&1 &
server=$!
trap 'kill $server && wait $server || true; rm -rf "$results"' EXIT
for _ in $(seq 600); do
  if curl -sf "http://127.0.0.1:$port/health" >/dev/null; then break; fi
  kill -0 $server || { tail -5 "$results/log" >&2; exit 1; }
  sleep 0.1
done

# load TYPE CONCURRENCY: tokens/s; a request that fails ends the run.
load() {
  "$cllm" bench-server --server-type "$1" --server-url "http://127.0.0.1:$port" --test-type api-concurrent --ignore-eos \
    --requests "$requests" --concurrency "$2" --max-tokens "$tokens" --output-file "$results/report.json" >/dev/null
  python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["concurrent"]["avg_throughput"])' "$results/report.json"
}

echo "$(basename "$model"): $requests requests of $tokens tokens, tokens/s, means of $rounds rounds"
echo
echo "| clients | chat completions | generate | ratio |"
echo "|---:|---:|---:|---:|"
for clients in ${CONCURRENCY:-1 8 32}; do
  pairs=
  for round in $(seq "$rounds"); do
    # Who is first changes, so that a machine that warms favours neither.
    if ((round % 2)); then a=$(load openai-chat "$clients") b=$(load cllm "$clients"); else b=$(load cllm "$clients") a=$(load openai-chat "$clients"); fi
    pairs+="$a $b "
  done
  python3 - "$clients" $pairs <<'PY'
import statistics, sys
clients, values = sys.argv[1], list(map(float, sys.argv[2:]))
chat, own = values[::2], values[1::2]
ratios = [a / b for a, b in zip(chat, own)]
interval = ""
if len(ratios) > 1:  # Student's t of 95 %
    t = dict(zip(range(1, 11), (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228))).get(len(ratios) - 1, 2.2)
    interval = f" ± {t * statistics.stdev(ratios) / len(ratios) ** 0.5:.3f}"
print(f"| {clients} | {statistics.mean(chat):.1f} | {statistics.mean(own):.1f} | {statistics.mean(ratios):.3f}{interval} |", flush=True)
PY
done
