#!/usr/bin/env bash
# Measures `cllm bench` against llama.cpp's llama-bench and llama-batched-bench, run by run in turn, and prints the
# medians and their ratio:
#   scripts/bench-peer.sh MODEL.gguf
# PEER is the folder of llama.cpp (peer/, built when it is not there). ROUNDS=5 THREADS=1,2 PROMPTS=512 GENS=128
# DEPTHS=0 PARALLEL=8,32 say what is measured; batched generation starts at a depth of 128.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: scripts/bench-peer.sh MODEL.gguf}
export PEER=${PEER:-peer}
scripts/peer.sh "$PEER"
[ -x bin/cllm ] || make build
exec python3 scripts/bench_peer.py "$model"
