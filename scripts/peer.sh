#!/usr/bin/env bash
# Builds llama.cpp to measure against: scripts/peer.sh [FOLDER [LEVEL]], by default in peer/ for this machine. With a
# LEVEL (avx2, avxvnni, avx512: the names of our kernels) it is built in FOLDER/LEVEL for that level's instructions.
# The source is the bundle in the npm package node-llama-cpp. Needs git, npm, cmake and a C++ compiler;
# 15 minutes on 2 cores. What is there is not built again.
set -euo pipefail
peer=${1:-peer} level=${2:-}
npm=node-llama-cpp@3.22.1 # llama.cpp v0.5.0

avx2=(-DGGML_NATIVE=OFF -DGGML_AVX=ON -DGGML_AVX2=ON -DGGML_FMA=ON -DGGML_F16C=ON -DGGML_BMI2=ON)
case $level in
"") flags=(-DGGML_NATIVE=ON) ;;
avx2) flags=("${avx2[@]}" -DGGML_AVX512=OFF) ;;
avxvnni) flags=("${avx2[@]}" -DGGML_AVX512=OFF -DGGML_AVX_VNNI=ON) ;;
avx512) flags=("${avx2[@]}" -DGGML_AVX512=ON -DGGML_AVX512_VBMI=ON -DGGML_AVX512_VNNI=ON) ;;
*) echo "peer.sh: no level $level; there are avx2, avxvnni and avx512" >&2; exit 2 ;;
esac

mkdir -p "$peer/$level"
cd "$peer/$level"
targets=(llama-bench llama-batched-bench llama-server llama-completion llama-perplexity llama-quantize)
missing=
for t in "${targets[@]}"; do
  [ -x "bin/$t" ] || missing=yes
done
if [ -z "$missing" ]; then
  exit 0
fi
if [ -n "$level" ] && [ ! -e src ]; then # one source for all levels
  ln -s ../src src
fi
if [ ! -d src ]; then
  tgz=$(npm pack --silent "$npm" | tail -1)
  tar xzf "$tgz" package/llama/gitRelease.bundle
  git -c advice.detachedHead=false clone -q package/llama/gitRelease.bundle "${level:+../}src"
  rm -rf package "$tgz"
fi
cmake -S src -B build -DCMAKE_BUILD_TYPE=Release "${flags[@]}" -DLLAMA_OPENSSL=OFF \
  -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_UI=OFF >cmake.log
cmake --build build -j"$(nproc)" --target "${targets[@]}" >make.log
ln -sfn build/bin bin
