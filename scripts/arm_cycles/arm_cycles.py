#!/usr/bin/env python3
"""Cycles of the arm64 kernels per 256 weights and column, without the hardware.

Each kernel runs under qemu-aarch64 with a plugin that records the instructions
it executes; llvm-mca says how many cycles a model of the core takes for them.
Rows of 5,120 weights less rows of 2,560 give the steady state. The model
assumes that all loads hit the first-level cache and all branches are predicted.

Needs gcc, Go, and Debian's qemu-user, llvm-19 and binutils-aarch64-linux-gnu.
With --peer FOLDER the kernels of llama.cpp are measured the same way, from the
libraries of an npm package, which is unpacked in FOLDER. That needs npm,
gcc-aarch64-linux-gnu, libc6-dev-arm64-cross and libstdc++6-arm64-cross as well.
"""
import argparse
import functools
import os
import re
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SHORT, LONG = 2560, 5120

# Core for llvm-mca, CPU for qemu, implementation.
CORES = [("cortex-a72", "cortex-a72", "neon"), ("neoverse-n1", "neoverse-n1", "dotprod"), ("neoverse-v1", "max", "i8mm")]
FORMATS = ["Q4_K", "Q5_0", "Q6_K", "Q8_0"]

# llama.cpp's: core, function, how to call it (see c/peer.c), rows, columns, format.
PEER_PACKAGE = "@node-llama-cpp/linux-arm64@3.22.1"  # llama.cpp v0.5.0
PEER_CPU = {"cortex-a72": "cortex-a72", "neoverse-n1": "neoverse-n1", "neoverse-v1": "max,sve-max-vq=2"}
PEER_LIB = {"cortex-a72": "armv8.0_1", "neoverse-n1": "armv8.2_2", "neoverse-v1": "armv8.6_1"}
DOT = {"Q4_K": "q4_K_q8_K", "Q5_0": "q5_0_q8_0", "Q6_K": "q6_K_q8_K", "Q8_0": "q8_0_q8_0"}
PEER = [(core, f"ggml_vec_dot_{DOT[f]}", "dot", 1, 1, f) for core, _, _ in CORES for f in FORMATS
        if (core, f) not in {("neoverse-v1", "Q4_K"), ("neoverse-v1", "Q6_K")}] + [  # these two leave for other code
    ("neoverse-v1", "ggml_vec_dot_q8_0_q8_0", "dot2", 2, 2, "Q8_0"),
    ("neoverse-n1", "ggml_gemv_q4_K_8x4_q8_K", "gemv", 8, 1, "Q4_K"), ("neoverse-n1", "ggml_gemm_q4_K_8x4_q8_K", "gemm", 8, 4, "Q4_K"),
    ("neoverse-n1", "ggml_gemv_q6_K_8x4_q8_K", "gemv", 8, 1, "Q6_K"), ("neoverse-n1", "ggml_gemm_q6_K_8x4_q8_K", "gemm", 8, 4, "Q6_K"),
    ("neoverse-n1", "ggml_gemv_q8_0_4x4_q8_0", "gemv", 4, 1, "Q8_0"), ("neoverse-n1", "ggml_gemm_q8_0_4x4_q8_0", "gemm", 4, 4, "Q8_0"),
    ("neoverse-v1", "ggml_gemv_q4_K_8x8_q8_K", "gemv", 8, 1, "Q4_K"), ("neoverse-v1", "ggml_gemm_q4_K_8x8_q8_K", "gemm", 8, 4, "Q4_K"),
    ("neoverse-v1", "ggml_gemv_q6_K_8x8_q8_K", "gemv", 8, 1, "Q6_K"), ("neoverse-v1", "ggml_gemm_q6_K_8x8_q8_K", "gemm", 8, 4, "Q6_K"),
    ("neoverse-v1", "ggml_gemv_q8_0_4x8_q8_0", "gemv", 4, 1, "Q8_0"), ("neoverse-v1", "ggml_gemm_q8_0_4x8_q8_0", "gemm", 4, 4, "Q8_0"),
]


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


@functools.cache
def disassembly(binary):
    """Address -> instruction, without those that llvm-mca cannot follow."""
    found = {}
    for line in output("aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", "-j", ".text", binary).splitlines():
        address, _, text = line.partition(":\t")
        if text and not re.match(r"(adrp?|ret|blr?|br?|b\.\w+|cbn?z|tbn?z)\b", text):
            found[int(address, 16)] = re.sub(r"\s*(//.*|<.*>)", "", text)
    return found


@functools.cache
def symbols(binary):
    """Name -> (address, size)."""
    dynamic = ["-D"] if ".so" in binary else []
    lines = (line.split() for line in output("aarch64-linux-gnu-nm", "-S", *dynamic, binary).splitlines())
    return {name: (int(address, 16), int(size, 16)) for address, size, _, name in (l for l in lines if len(l) == 4)}


def cycles(core, binary, addresses):
    text = disassembly(binary)
    body = "\n".join("\t" + text[a] for a in addresses if a in text)
    with tempfile.NamedTemporaryFile("w", suffix=".s") as f:
        f.write(body + "\n")
        f.flush()
        report = output("llvm-mca-19", "-mtriple=aarch64", f"-mcpu={core}", "-mattr=+dotprod,+i8mm,+fullfp16,+sve,+bf16",
                        "-iterations=1", f.name)
    return int(re.search(r"Total Cycles:\s+(\d+)", report)[1]), body.count("\n") + 1


def trace(tmp, cpu, lo, hi, command):
    file = os.path.join(tmp, "trace")
    output(*command[0], "-cpu", cpu, "-plugin", f"{tmp}/libtrace.so,lo={lo:x},hi={hi:x},out={file}", *command[1])
    with open(file) as f:
        return [int(line, 16) for line in f]


def steady(measure, outputs):
    """(cycles, instructions) per 256 weights and output, from measure(k)."""
    short, long = measure(SHORT), measure(LONG)
    return tuple((b - a) / ((LONG - SHORT) / 256) / outputs for a, b in zip(short, long))


def ours(tmp):
    binary = os.path.join(tmp, "arm_cycles")
    subprocess.run(["go", "build", "-o", binary, "."], check=True, cwd=HERE, env=os.environ | {"GOARCH": "arm64", "CGO_ENABLED": "0"})

    def kernel(core, cpu, impl, fmt, symbol, rows, columns, outputs):
        address, size = symbols(binary)[f"cllm/kernels.{symbol}.abi0"]

        def measure(k):
            addresses = trace(tmp, cpu, address, address + size,
                              (["qemu-aarch64"], [binary, impl, fmt, str(rows), str(columns), str(k)]))
            if not addresses:
                sys.exit(f"{symbol} did not run for {impl} {fmt} {rows}x{columns}")
            return cycles(core, binary, addresses)
        return steady(measure, outputs)

    for core, cpu, impl in CORES:
        decode = "Neon" if impl == "neon" else "Dotprod"
        for fmt in FORMATS:
            yield core, fmt, "4 rows × 1", kernel(core, cpu, impl, fmt, f"decode{fmt}{decode}", 4, 1, 4)
        tile = {"neon": "Neon", "dotprod": "Dotprod", "i8mm": "I8mm"}[impl]
        tiled = ["Q5_0"] if impl == "neon" else FORMATS  # the others multiply column by column
        # Two tiles: with one, Q8_0 on SDOT still multiplies column by column.
        for fmt in tiled:
            length = "256" if fmt.endswith("K") else "32"
            yield core, fmt, "8 rows × 4", kernel(core, cpu, impl, fmt, f"tile{length}{tile}", 8, 8, 64)
        for fmt in tiled:
            unpack = kernel(core, cpu, impl, fmt, f"unpack{fmt}Neon", 8, 8, 8)
            if impl != "neon":
                unpack = [a + b for a, b in zip(unpack, kernel(core, cpu, impl, fmt, f"interleave{tile}", 8, 8, 8))]
            yield core, fmt, "unpacking, once for all columns", unpack


def fetch(folder):
    """Unpacks the package below folder and returns the folder of its libraries."""
    libraries = os.path.join(os.path.abspath(folder), "package", "bins", "linux-arm64")
    if not os.path.exists(libraries):
        os.makedirs(folder, exist_ok=True)
        archive = output("npm", "pack", "--silent", "--pack-destination", folder, PEER_PACKAGE).split()[-1]
        with tarfile.open(os.path.join(folder, archive)) as t:
            t.extractall(folder, filter="data")
    return libraries


def peers(tmp, folder):
    folder = fetch(folder)
    caller = os.path.join(tmp, "peer")
    output("aarch64-linux-gnu-gcc", "-O1", os.path.join(HERE, "c", "peer.c"), "-o", caller, "-ldl")
    qemu = ["setarch", "-R", "qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "-E", f"LD_LIBRARY_PATH={folder}"]
    for core, symbol, how, rows, columns, fmt in PEER:
        library = os.path.join(folder, f"libggml-cpu-{PEER_LIB[core]}.so")
        if symbol not in symbols(library):
            continue

        def measure(k):
            call = [caller, library, symbol, how, str(k)]
            base = int(re.search(r"base (\w+)", output(*qemu, "-cpu", PEER_CPU[core], *call))[1], 16)
            addresses = [a - base for a in trace(tmp, PEER_CPU[core], base, base + 0x400000, (qemu, call))]
            return cycles(core, library, addresses[addresses.index(symbols(library)[symbol][0]):])
        shape = f"{rows} rows × {columns}" if rows > 1 else "1 row × 1"
        yield core, fmt, f"{shape}{', repacked' if how.startswith('gem') else ''}", steady(measure, rows * columns)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", metavar="FOLDER", help="measure llama.cpp's kernels too, from libraries in this folder")
    folder = parser.parse_args().peer
    with tempfile.TemporaryDirectory() as tmp:
        output("gcc", "-shared", "-fPIC", "-O2", "-fvisibility=hidden", os.path.join(HERE, "c", "trace.c"), "-o", f"{tmp}/libtrace.so")
        print("| core | format | kernel | cycles | instructions |\n|---|---|---|---|---|")
        for who, rows in [("", ours(tmp))] + ([("llama.cpp, ", peers(tmp, folder))] if folder else []):
            for core, fmt, shape, (c, i) in rows:
                print(f"| {core} | {fmt} | {who}{shape} | {c:.1f} | {i:.0f} |", flush=True)


if __name__ == "__main__":
    main()
