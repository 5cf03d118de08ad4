#!/usr/bin/env bash
# Builds llama.cpp for this machine, to measure against: scripts/peer.sh [FOLDER], by default peer/.
# The source is the bundle in the npm package node-llama-cpp. Needs git, npm, cmake and a C++ compiler;
# 15 minutes on 2 cores. What is there is not built again.
set -euo pipefail
peer=${1:-peer}
npm=node-llama-cpp@3.22.1 # llama.cpp v0.5.0

mkdir -p "$peer"
cd "$peer"
targets=(llama-bench llama-batched-bench llama-server llama-completion llama-perplexity llama-quantize)
missing=
for t in "${targets[@]}"; do
  [ -x "bin/$t" ] || missing=yes
done
if [ -z "$missing" ]; then
  exit 0
fi
if [ ! -d src ]; then
  tgz=$(npm pack --silent "$npm" | tail -1)
  tar xzf "$tgz" package/llama/gitRelease.bundle
  git -c advice.detachedHead=false clone -q package/llama/gitRelease.bundle src
  rm -rf package "$tgz"
fi
cmake -S src -B build -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF >cmake.log
cmake --build build -j"$(nproc)" --target "${targets[@]}" >make.log
ln -sfn build/bin bin
