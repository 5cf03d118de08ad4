#!/usr/bin/env python3
"""Quantizes the demo models into every type, for the golden tests.

    scripts/test_models.py DIR      (default: models)

Writes DIR/demo-qwen2-TYPE.gguf and DIR/demo-qwen3-TYPE.gguf with llama.cpp's own
quantizer, from the models in testdata; about 150 MB. Files that are there stay.
Needs npm and Python 3.12, or 3.11.4 and later of 3.11.
"""
import pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import llamacpp

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = {"demo-qwen2": ROOT / "testdata/demo-qwen2-q8_0.gguf", "demo-qwen3": ROOT / "testdata/demo-qwen3-f16.gguf"}


def main():
    out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "models")
    out.mkdir(parents=True, exist_ok=True)
    lib, made = None, 0
    for name, src in SOURCES.items():
        for kind, ftype in {**llamacpp.FTYPES, **llamacpp.MIXES}.items():
            dst = out / f"{name}-{kind.lower()}.gguf"
            if dst.exists() or (ROOT / "testdata" / dst.name).exists():
                continue
            lib = lib or llamacpp.Llama(out / ".llamacpp")
            part = dst.with_suffix(".part")
            lib.quantize(src, part, ftype, pure=kind in llamacpp.FTYPES)
            part.rename(dst)
            made += 1
    print(f"{made} test models made in {out}")


main()
