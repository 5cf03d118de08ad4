#!/usr/bin/env bash
# Measures `cllm serve` against llama.cpp's llama-server with the same clients, in turn, and prints the ratios:
#   scripts/bench-server-peer.sh MODEL.gguf
# PEER is the folder of llama.cpp (peer/, built when it is not there). CONCURRENCY="1 8 32" REQUESTS=72 TOKENS=50
# SLOTS=32 ROUNDS=1 THREADS= (all) say what is measured. Every answer has TOKENS tokens (ignore_eos). LEVEL=avx2 forces
# our kernels of that name and measures against a llama-server that is built for the same instructions in PEER/LEVEL.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: scripts/bench-server-peer.sh MODEL.gguf}
peer=${PEER:-peer} level=${LEVEL:-}
slots=${SLOTS:-32} requests=${REQUESTS:-72} tokens=${TOKENS:-50} rounds=${ROUNDS:-1} threads=${THREADS:-$(nproc)}
scripts/peer.sh "$peer" "$level"
if [ -n "$level" ]; then
  peer=$peer/$level
  export CLLM_KERNELS=$level
fi
[ -x bin/cllm ] || make build

logs=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || { kill "$server" && wait "$server" || true; server=; }
}
trap 'stop; rm -rf "$logs"' EXIT

# start NAME PORT COMMAND...: runs a server and waits until it is healthy.
start() {
  local name=$1 port=$2
  shift 2
  "$@" >"$logs/$name.log" 2>&1 &
  server=$!
  for _ in $(seq 600); do
    if curl -sf "http://127.0.0.1:$port/health" >/dev/null; then return; fi
    kill -0 "$server" || break
    sleep 0.1
  done
  echo "$name did not start:" >&2
  tail -5 "$logs/$name.log" >&2
  exit 1
}

# load NAME TYPE PORT CONCURRENCY: prints tokens/s, p50 and p99 of the first token and of the time between tokens (ms).
load() {
  bin/cllm bench-server --server-type "$2" --server-url "http://127.0.0.1:$3" --test-type api-concurrent --ignore-eos \
    --requests "$requests" --concurrency "$4" --max-tokens "$tokens" --output-file "$logs/$1.json" >/dev/null
  python3 - "$logs/$1.json" <<'PY'
import json, sys
b = json.load(open(sys.argv[1]))["concurrent"]
first, between = b["time_to_first_token"], b["time_between_tokens"]
print(f'{b["avg_throughput"]:.1f}', *(f"{1e3 * s[k]:.0f}" for s in (first, between) for k in ("p50", "p99")))
PY
}

# memory: the resident megabytes of the server.
memory() { awk '/VmHWM/ {printf "%.0f", $2 / 1024}' "/proc/$server/status" 2>/dev/null || echo -; }

context=$((slots * 1024))
echo "$(basename "$model")${level:+ at level $level}: $requests requests of $tokens tokens, tokens/s received; first token and time between tokens in ms (p50/p99); peak MB"
echo
echo "| clients | cllm | first | between | MB | llama-server | first | between | MB | ratio |"
echo "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
for _ in $(seq "$rounds"); do
  for clients in ${CONCURRENCY:-1 2 4 8 16 24 32}; do
    start cllm 18080 bin/cllm serve -m "$model" --port 18080 --threads "$threads" --parallel "$slots" --max-context-length 1024
    read -r a a50 a99 ab50 ab99 <<<"$(load cllm cllm 18080 "$clients")"
    am=$(memory)
    stop
    start peer 18081 "$peer/bin/llama-server" -m "$model" --port 18081 -t "$threads" -np "$slots" -c "$context"
    read -r b b50 b99 bb50 bb99 <<<"$(load peer openai 18081 "$clients")"
    bm=$(memory)
    stop
    echo "| $clients | $a | $a50/$a99 | $ab50/$ab99 | $am | $b | $b50/$b99 | $bb50/$bb99 | $bm | $(awk "BEGIN {printf \"%.2f\", $a / $b}") |"
  done
done
