#!/usr/bin/env python3
"""Quantizes the demo models into every type, for the golden tests.

    scripts/test_models.py DIR      (default: models)

Writes DIR/demo-qwen2-TYPE.gguf and DIR/demo-qwen3-TYPE.gguf with llama.cpp's own
quantizer, from the models in testdata, and DIR/demo-llama-q8_0.gguf; about 150 MB.
Files that are there stay.
Needs npm, pip and Python 3.12, or 3.11.4 and later of 3.11.
"""
import pathlib, subprocess, sys
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import llamacpp

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCES = {"demo-qwen2": ROOT / "testdata/demo-qwen2-q8_0.gguf", "demo-qwen3": ROOT / "testdata/demo-qwen3-f16.gguf"}


def packages(folder):
    """gguf and numpy, which go into the folder when Python does not have them."""
    try:
        import gguf, numpy
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder, "gguf==0.19.0"], check=True)
        sys.path.insert(0, str(folder))
        import gguf, numpy
    return gguf, numpy


def llama(src, dst, gguf, np):
    """The model of qwen2 as one of llama: the elements of a head that rotate together become neighbours, and their
    frequencies get factors in the manner of Llama 3.1, for a context of 64 made 8 times as long."""
    r = gguf.GGUFReader(src)
    heads, width, base = (r.get_field(f"qwen2.{key}").contents() for key in ("attention.head_count", "embedding_length", "rope.freq_base"))
    head = width // heads
    w = gguf.GGUFWriter(dst, "llama")
    for key, f in r.fields.items():
        if not key.startswith("GGUF.") and key != "general.architecture":
            sub = f.types[-1] if f.types[0] == gguf.GGUFValueType.ARRAY else None
            w.add_key_value(key.replace("qwen2.", "llama."), f.contents(), f.types[0], sub)
    waves = 2 * np.pi * base ** (np.arange(0, head, 2) / head)  # in positions
    ramp = np.clip((64 / waves - 1) / (4 - 1), 0, 1)  # 0: a wave of the context or longer; 1: of a quarter of it
    w.add_tensor("rope_freqs.weight", (1 / (ramp + (1 - ramp) / 8)).astype(np.float32))
    for t in r.tensors:
        data = t.data
        if "attn_q." in t.name or "attn_k." in t.name:
            halves = data.reshape(-1, 2, head // 2, *data.shape[1:])
            data = np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(data.shape)
        w.add_tensor(t.name, data, raw_dtype=t.tensor_type)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


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
    dst = out / "demo-llama-q8_0.gguf"
    if not dst.exists():
        llama(SOURCES["demo-qwen2"], dst.with_suffix(".part"), *packages(out / ".python"))
        dst.with_suffix(".part").rename(dst)
        made += 1
    print(f"{made} test models made in {out}")


main()
