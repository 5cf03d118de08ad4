#!/usr/bin/env bash
# llama.cpp's own tests of its server, against cllm: scripts/llamacpp_tests/run.sh SOURCE [VENV [PYTEST'S WORDS...]]
#
# SOURCE is llama.cpp's source as scripts/peer.sh unpacks it, VENV the Python environment to make or use (default:
# ~/.cache/cllm/llamacpp-tests). tests.txt says which tests run, and why the others do not.
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$(cd "$1" && pwd) venv=${2:-$HOME/.cache/cllm/llamacpp-tests} here=$PWD/scripts/llamacpp_tests
shift $(($# < 2 ? $# : 2))

if ! cmp -s "$here/requirements.txt" "$venv/.installed"; then
  python3 -m venv --clear "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
  cp "$here/requirements.txt" "$venv/.installed"
fi
venv=$(cd "$venv" && pwd)
make -s build
export CLLM=$PWD/bin/cllm LLAMA_SERVER_BIN_PATH=$here/llama-server TEMPLATES=$source/models/templates
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export PORT
cd "$source/tools/server/tests"
PYTHONPATH=$here exec "$venv/bin/python" -B -m pytest -q --tb=short -p selection -p no:cacheprovider "$@" unit
