#!/usr/bin/env bash
# Builds llama.cpp to measure against: scripts/peer.sh [FOLDER [LEVEL]], by default in peer/ for this machine. With a
# LEVEL (avx2, avxvnni, avx512: the names of our kernels) it is built in FOLDER/LEVEL for that level's instructions;
# with the word source its source alone is fetched, into FOLDER/src.
# The source is the bundle in the npm package node-llama-cpp. Needs git and npm, to build also cmake and a C++ compiler;
# 15 minutes on 2 cores. What is there is not built again.
set -euo pipefail
peer=${1:-peer} level=${2:-}
npm=node-llama-cpp@3.22.1 # llama.cpp v0.5.0

avx2=(-DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON)
case $level in
"") flags=(-DGGML_NATIVE=ON) ;;
source) flags=() ;;
avx2) flags=("${avx2[@]}" -DGGML_AVX512=OFF) ;;
avxvnni) flags=("${avx2[@]}" -DGGML_AVX512=OFF -DGGML_AVX_VNNI=ON) ;;
avx512) flags=("${avx2[@]}" -DGGML_AVX512=ON -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON) ;;
*) echo "peer.sh: no level $level; there are avx2, avxvnni and avx512; or source" >&2; exit 2 ;;
esac

fetch() { # into FOLDER/src
  [ ! -d "$peer/src" ] || return 0
  local tmp
  mkdir -p "$peer"
  tmp=$(mktemp -d "$peer/.source-XXXXXX")
  (cd "$tmp" && tar xzf "$(npm pack --silent "$npm" | tail -1)" package/llama/gitRelease.bundle)
  git -c advice.detachedHead=false clone -q "$tmp/package/llama/gitRelease.bundle" "$tmp/src"
  mv "$tmp/src" "$peer/src"
  rm -rf "$tmp"
}

if [ "$level" = source ]; then
  fetch
  exit
fi
mkdir -p "$peer/$level"
targets=(llama-bench llama-batched-bench llama-server llama-completion llama-perplexity llama-quantize)
missing=
for t in "${targets[@]}"; do
  [ -x "$peer/$level/bin/$t" ] || missing=yes
done
if [ -z "$missing" ]; then
  exit 0
fi
fetch
cd "$peer/$level"
if [ -n "$level" ] && [ ! -e src ]; then # one source for all levels
  ln -s ../src src
fi
cmake -S src -B build -DCMAKE_BUILD_TYPE=Release "${flags[@]}" -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF >cmake.log
cmake --build build -j"$(nproc)" --target "${targets[@]}" >make.log
ln -sfn build/bin bin
