#!/usr/bin/env bash
# Real clients against the real server: scripts/conformance.sh [MODELS [CLIENTS [python|node|go]...]]
#
# The clients' tests are in conformance/. MODELS is a folder with the real 0.5B, which can call tools (default: $CLLM_TEST_MODELS, else models), CLIENTS where
# the clients are installed (default: ~/.cache/cllm/clients; what is there is not installed again). Needs Go, pip, npm.
set -euo pipefail
cd "$(dirname "$0")/.."
models=${1:-${CLLM_TEST_MODELS:-models}} clients=${2:-$HOME/.cache/cllm/clients}
shift $(($# < 2 ? $# : 2))
languages=${*:-python node go}
model=$models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf
[ -f "$model" ] || { echo "conformance.sh: $model is not there: scripts/models.sh $models 0.5b fetches it" >&2; exit 1; }

mkdir -p "$clients"
clients=$(cd "$clients" && pwd)
# once FOLDER FILES... -- COMMAND...: runs the command, unless it has run for the same files
once() {
  local folder=$1 files=() sum
  shift
  while [ "$1" != -- ]; do files+=("$1"); shift; done
  shift
  sum=$(cat "${files[@]}" | sha256sum)
  [ "$(cat "$folder/.installed" 2>/dev/null)" != "$sum" ] || return 0
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@"
  echo "$sum" >"$folder/.installed"
}
npm_ci() {
  cp conformance/node/package.json conformance/node/package-lock.json "$clients/node"
  (cd "$clients/node" && npm ci --silent --no-audit --no-fund)
}
for language in $languages; do
  case $language in
  python) once "$clients/python" conformance/python/requirements.txt -- python3 -m pip install --quiet \
    --disable-pip-version-check --no-warn-conflicts --root-user-action=ignore --target "$clients/python" -r conformance/python/requirements.txt ;;
  node) once "$clients/node" conformance/node/package.json conformance/node/package-lock.json -- npm_ci ;;
  go) (cd conformance/go && go vet ./...) ;;
  *) echo "conformance.sh: $language is not python, node or go" >&2; exit 2 ;;
  esac
done

make -s build
logs=$(mktemp -d)
servers=()
stop() {
  local status=$?
  kill "${servers[@]}" 2>/dev/null || true
  wait "${servers[@]}" 2>/dev/null || true
  [ "$status" = 0 ] || grep -hE "WRN|ERR" "$logs"/* || true
  rm -rf "$logs"
  exit "$status"
}
trap stop EXIT

# serve NAME FLAGS...: starts a server and exports its address as CLLM_NAME
export CLLM_KEY=sk-conformance
serve() {
  local name=$1 address=
  shift
  bin/cllm serve --port 0 --api-key "$CLLM_KEY" "$@" 2>"$logs/$name" &
  servers+=($!)
  for _ in $(seq 200); do
    address=$(grep -o 'http://[0-9.:]*' "$logs/$name" || true)
    [ -z "$address" ] || break
    kill -0 "${servers[-1]}" || return 1
    sleep 0.1
  done
  export "CLLM_$name=$address"
}
serve DEMO --alias demo
serve THINK --alias demo --chat-template conformance/think.jinja
serve TOOLS -m "$model" --parallel 1 --max-waiting 1
serve SLOW -m "$model" --timeout-ms 1000

for language in $languages; do
  echo "== $language"
  case $language in
  python) PYTHONPATH="$clients/python" PYTHONDONTWRITEBYTECODE=1 python3 -m pytest -q -W ignore --tb=short -p no:cacheprovider conformance/python ;;
  node)
    cp conformance/node/*.mjs "$clients/node"
    node=$(ls "$clients"/node/node_modules/node-linux-*/bin/node 2>/dev/null || command -v node)
    "$node" --test --test-reporter=spec --test-concurrency=1 "$clients"/node/*.test.mjs ;;
  go) (cd conformance/go && go test -count=1 ./...) ;;
  esac
done
