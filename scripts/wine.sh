#!/usr/bin/env bash
# The Windows binary under Debian's wine64: the short tests, and an answer that
# it serves. Installs what it needs; WINEPREFIX (default: a new folder) is the
# Windows that it makes and uses.
set -euo pipefail
cd "$(dirname "$0")/.."

wine=/usr/lib/wine/wine64
missing=()
[ -x "$wine" ] || missing+=(wine64)
command -v x86_64-w64-mingw32-gcc >/dev/null || missing+=(gcc-mingw-w64-x86-64)
command -v curl >/dev/null || missing+=(curl ca-certificates)
if [ ${#missing[@]} -gt 0 ]; then
  root=; [ "$(id -u)" = 0 ] || root=sudo
  $root apt-get update -q >/dev/null
  $root apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
fi

work=$(mktemp -d)
export WINEPREFIX=${WINEPREFIX:-$work/prefix} WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
server=
cleanup() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  "${wine%wine64}wineserver64" -k 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT

echo "a Windows in $WINEPREFIX"
mkdir -p "$WINEPREFIX"
"$wine" wineboot -i >/dev/null 2>&1

# Go takes random numbers from bcryptprimitives.dll, which wine 8.0 lacks.
cat >"$work/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG); /* RtlGenRandom */
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T n) {
	while (n > 0) {
		ULONG part = n < 1 << 30 ? (ULONG)n : 1 << 30;
		if (!SystemFunction036(to, part)) return FALSE;
		to += part;
		n -= part;
	}
	return TRUE;
}
C
x86_64-w64-mingw32-gcc -O2 -s -shared -o "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll" "$work/prng.c" -ladvapi32

# Nor has it the newer way to delete a file, and the error that it gives is
# none of those after which Go takes the older: tests could not tidy up.
at=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
sed 's/^var TestDeleteatFallback bool$/var TestDeleteatFallback = true/' "$at" >"$work/at_windows.go"
if cmp -s "$at" "$work/at_windows.go"; then echo "$at is not as it was: mend the line above"; exit 1; fi
printf '{"Replace":{"%s":"%s"}}' "$at" "$work/at_windows.go" >"$work/overlay.json"

echo "an answer that the Windows binary serves"
GOOS=windows CGO_ENABLED=0 go build -o "$work/cllm.exe" ./cmd/cllm
go build -o "$work/cllm" ./cmd/cllm
# Z: is the root. The server runs to the end: what wine starts with its first
# process lives as long, and would else keep the output of a test open.
"$wine" "$work/cllm.exe" serve -p 0 -F "Z:${work}/cllm.log" >/dev/null 2>&1 &
server=$!
url=
for _ in $(seq 600); do
  url=$(sed -n 's/.*address=\(http:[^ ]*\).*/\1/p' "$work/cllm.log" 2>/dev/null || true)
  [ -z "$url" ] || break
  sleep 0.1
done
[ -n "$url" ] || { echo "it does not serve:"; cat "$work/cllm.log"; exit 1; }
want=$("$work/cllm" generate -p "Once upon a time" -n 16 --temperature 0 2>/dev/null)
answer=$(curl -fsS --max-time 60 "$url/generate" -H 'Content-Type: application/json' \
  -d '{"prompt":"Once upon a time","max_tokens":16,"temperature":0}')
case $answer in
  *"\"text\":\"$want\""*) echo "$answer" ;;
  *) printf 'served: %s\nnative: %s\n' "$answer" "$want"; exit 1 ;;
esac

# Not those of server: they are about sockets and their timing, which are wine's here.
echo "the short tests"
CLLM_TEST_MODELS='' GOOS=windows go test -p 1 -short -timeout 5m -overlay "$work/overlay.json" -exec "$wine" \
  $(go list ./... | grep -v '/server')

echo "the server still answers"
curl -fsS --max-time 60 "$url/health"
