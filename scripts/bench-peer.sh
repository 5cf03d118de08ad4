#!/usr/bin/env bash
# Measures `cllm bench` against llama.cpp's llama-bench and llama-batched-bench, and against OpenVINO GenAI where that
# reads the file, run by run in turn, and prints the medians and their ratios:
#   scripts/bench-peer.sh MODEL.gguf
# PEER is the folder of llama.cpp (peer/, built when it is not there). ROUNDS=5 THREADS=1,2 PROMPTS=512 GENS=128
# DEPTHS=0 PARALLEL=8,32 say what is measured; batched generation starts at a depth of 128. OPENVINO=no leaves that out;
# else it is installed in PEER/venv. LEVEL=avx2 forces our kernels of that name and measures against a llama.cpp that is
# built for the same instructions in PEER/LEVEL; OpenVINO, which cannot be held to them, is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
model=${1:?usage: scripts/bench-peer.sh MODEL.gguf}
export PEER=${PEER:-peer} LEVEL=${LEVEL:-}
scripts/peer.sh "$PEER" "$LEVEL"
if [ -n "$LEVEL" ]; then
  export PEER=$PEER/$LEVEL CLLM_KERNELS=$LEVEL OPENVINO=no
fi
[ -x bin/cllm ] || make build
if [ "${OPENVINO:-yes}" != no ] && [ ! -x "$PEER/venv/bin/python" ]; then
  python3 -m venv "$PEER/venv"
  "$PEER/venv/bin/pip" install -q --disable-pip-version-check numpy openvino-genai==2026.4.1.0
fi
exec python3 scripts/bench_peer.py "$model"
