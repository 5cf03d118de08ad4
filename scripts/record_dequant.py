"""Records what the gguf package decodes from blocks of every format.

    pip install gguf && python3 scripts/record_dequant.py

Writes testdata/kernels/dequant/<format>.bin.gz: the length of the blocks as
uint32, the blocks, and their weights as float32, little endian.
"""

import gzip
import pathlib

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
from gguf.quants import dequantize

# Where a block holds its f16 scales.
SCALES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0],
}
SPECIAL = [0x0000, 0x8000, 0x0001, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x3C00, 0xBC00]  # zeros, subnormals, largest, ±1
OUT = pathlib.Path(__file__).resolve().parent.parent / "testdata" / "kernels" / "dequant"


def blocks(rng, name):
    length, size = GGML_QUANT_SIZES[GGMLQuantizationType[name]]
    n = 24 if length == 256 else 96
    b = rng.integers(0, 256, (n, size), dtype=np.uint8)
    for i, v in enumerate([0x00, 0xFF, 0x80, 0x7F, 0x0F, 0xF0]):
        b[i] = v  # every field at its ends
    for at in SCALES[name]:
        scale = (rng.standard_normal(n) * 0.02).astype(np.float16).view(np.uint16)
        scale[6:6 + len(SPECIAL)] = rng.permutation(SPECIAL)
        b[:, at:at + 2] = scale.astype("<u2").view(np.uint8).reshape(n, 2)
    return b.reshape(-1)


def numbers(rng, name):
    if name == "F32":
        x = rng.integers(0, 1 << 32, 1000, dtype=np.uint64).astype("<u4")
    else:
        x = rng.integers(0, 1 << 16, 3000).astype("<u2")
        x[:9] = SPECIAL
    return x.view(np.uint8)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for name in ["F32", "F16", "BF16", *SCALES]:
        rng = np.random.default_rng(len(name) * 1000 + sum(name.encode()))
        b = blocks(rng, name) if name in SCALES else numbers(rng, name)
        with np.errstate(all="ignore"):
            w = dequantize(b, GGMLQuantizationType[name]).astype("<f4")
        data = np.uint32(b.size).tobytes() + b.tobytes() + w.tobytes()
        with open(OUT / f"{name}.bin.gz", "wb") as f, gzip.GzipFile("", "wb", 9, f, mtime=0) as z:
            z.write(data)
        print(name, b.size, w.size)


if __name__ == "__main__":
    main()
