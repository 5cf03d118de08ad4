"""A small binding to llama.cpp's C API, prebuilt in the npm package @node-llama-cpp/linux-x64.

Two uses: to quantize the demo models into every type (test_models.py), and to
record what llama.cpp answers (record_golden.py). The structs follow llama.h of
the version that the package holds; another version needs them checked again.
"""
import ctypes as C, os, pathlib, subprocess, tarfile

PACKAGE, VERSION = "@node-llama-cpp/linux-x64", "3.22.1"  # llama.cpp v0.5.0

# ggml's file types (enum llama_ftype) by the name of the type that --pure gives
FTYPES = {"F32": 0, "F16": 1, "BF16": 32, "Q4_0": 2, "Q4_1": 3, "Q5_0": 8, "Q5_1": 9, "Q8_0": 7, "Q2_K": 10,
          "Q3_K": 11, "Q4_K": 14, "Q5_K": 16, "Q6_K": 18, "IQ4_NL": 25, "IQ4_XS": 30}
MIXES = {"Q4_K_M": 15, "Q5_K_M": 17}  # Q8_0 mixes nothing in these models
GGML_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q2_K": 10, "Q3_K": 11,
              "Q4_K": 12, "Q5_K": 13, "Q6_K": 14, "IQ4_NL": 20, "IQ4_XS": 23, "BF16": 30}


class ModelParams(C.Structure):
    _fields_ = [("devices", C.c_void_p), ("buft_overrides", C.c_void_p), ("n_gpu_layers", C.c_int32), ("split_mode", C.c_int),
                ("load_mode", C.c_int), ("lazy_mode", C.c_int), ("main_gpu", C.c_int32), ("tensor_split", C.c_void_p),
                ("progress", C.c_void_p), ("progress_data", C.c_void_p), ("kv_overrides", C.c_void_p), ("vocab_only", C.c_bool),
                ("check_tensors", C.c_bool), ("use_extra_bufts", C.c_bool), ("no_host", C.c_bool), ("no_alloc", C.c_bool), ("load_mtp", C.c_bool)]


class MetadataOverride(C.Structure):
    class Value(C.Union):
        _fields_ = [("int", C.c_int64), ("float", C.c_double), ("bool", C.c_bool), ("str", C.c_char * 128)]
    _fields_ = [("type", C.c_int), ("key", C.c_char * 128), ("value", Value)]

    @classmethod
    def parse(cls, text):
        """KEY=TYPE:VALUE, as the tools' --override-kv takes it."""
        key, typed = text.split("=", 1)
        kind, value = typed.split(":", 1)
        o = cls(("int", "float", "bool", "str").index(kind), key.encode())
        setattr(o.value, kind, {"int": int, "float": float, "bool": "true".__eq__, "str": str.encode}[kind](value))
        return o


class ContextParams(C.Structure):
    _fields_ = [(n, C.c_uint32) for n in ("n_ctx", "n_batch", "n_ubatch", "n_seq_max", "n_rs_seq", "n_outputs_max", "n_outputs_max_per_seq")] + \
        [("n_threads", C.c_int32), ("n_threads_batch", C.c_int32)] + \
        [(n, C.c_int) for n in ("ctx_type", "rope_scaling_type", "pooling_type", "attention_type", "flash_attn_type")] + \
        [(n, C.c_float) for n in ("rope_freq_base", "rope_freq_scale", "yarn_ext_factor", "yarn_attn_factor", "yarn_beta_fast", "yarn_beta_slow")] + \
        [("yarn_orig_ctx", C.c_uint32), ("defrag_thold", C.c_float), ("cb_eval", C.c_void_p), ("cb_eval_data", C.c_void_p),
         ("type_k", C.c_int), ("type_v", C.c_int), ("abort", C.c_void_p), ("abort_data", C.c_void_p)] + \
        [(n, C.c_bool) for n in ("embeddings", "offload_kqv", "no_perf", "op_offload", "swa_full", "kv_unified")] + \
        [("samplers", C.c_void_p), ("n_samplers", C.c_size_t), ("ctx_other", C.c_void_p)]


class TensorOverride(C.Structure):
    _fields_ = [("pattern", C.c_char_p), ("type", C.c_int)]


class QuantizeParams(C.Structure):
    _fields_ = [("nthread", C.c_int32), ("ftype", C.c_int), ("output_type", C.c_int), ("embedding_type", C.c_int)] + \
        [(n, C.c_bool) for n in ("allow_requantize", "quantize_output", "only_copy", "pure", "keep_split", "dry_run")] + \
        [("imatrix", C.c_void_p), ("kv_overrides", C.c_void_p), ("overrides", C.POINTER(TensorOverride)), ("prune", C.c_void_p), ("max_buf", C.c_size_t)]


class Batch(C.Structure):
    _fields_ = [("n_tokens", C.c_int32), ("token", C.POINTER(C.c_int32)), ("embd", C.c_void_p), ("pos", C.POINTER(C.c_int32)),
                ("n_seq_id", C.POINTER(C.c_int32)), ("seq_id", C.POINTER(C.POINTER(C.c_int32))), ("logits", C.POINTER(C.c_int8))]


def fetch(folder):
    """Unpacks the package below folder and returns the folder of its libraries."""
    folder = pathlib.Path(folder).resolve()
    libs = folder / "package" / "bins" / "linux-x64"
    if not (libs / "libllama.v0.5.0.so").exists():
        folder.mkdir(parents=True, exist_ok=True)
        tgz = subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(folder / tgz) as t:
            t.extractall(folder, filter="data")
        os.unlink(folder / tgz)
    return libs


LOG = C.CFUNCTYPE(None, C.c_int, C.c_char_p, C.c_void_p)


class Llama:
    """llama.cpp's library; one model may be open at a time."""

    def __init__(self, folder, cpu=None):
        """cpu names a level of the package's CPU libraries; the best for this machine when None."""
        libs = fetch(folder)
        self.lib = lib = C.CDLL(str(libs / "libllama.v0.5.0.so"))
        ggml = C.CDLL(str(libs / "libggml.v0.5.0.so"))
        self._log = LOG(lambda level, text, _: None)
        lib.llama_log_set(self._log, None)
        if cpu is None:
            ggml.ggml_backend_load_all_from_path(str(libs).encode())
        else:
            ggml.ggml_backend_load.restype = C.c_void_p
            if not ggml.ggml_backend_load(str(libs / f"libggml-cpu-{cpu}.so").encode()):
                raise RuntimeError(f"llama.cpp's {cpu} library does not load here")
        for name, res, args in [
            ("llama_model_default_params", ModelParams, []), ("llama_context_default_params", ContextParams, []),
            ("llama_model_quantize_default_params", QuantizeParams, []),
            ("llama_model_load_from_file", C.c_void_p, [C.c_char_p, ModelParams]), ("llama_init_from_model", C.c_void_p, [C.c_void_p, ContextParams]),
            ("llama_model_get_vocab", C.c_void_p, [C.c_void_p]), ("llama_vocab_n_tokens", C.c_int32, [C.c_void_p]),
            ("llama_get_memory", C.c_void_p, [C.c_void_p]), ("llama_memory_clear", None, [C.c_void_p, C.c_bool]),
            ("llama_batch_init", Batch, [C.c_int32] * 3), ("llama_decode", C.c_int32, [C.c_void_p, Batch]),
            ("llama_get_logits_ith", C.POINTER(C.c_float), [C.c_void_p, C.c_int32]),
            ("llama_tokenize", C.c_int32, [C.c_void_p, C.c_char_p, C.c_int32, C.POINTER(C.c_int32), C.c_int32, C.c_bool, C.c_bool]),
            ("llama_model_quantize", C.c_uint32, [C.c_char_p, C.c_char_p, C.POINTER(QuantizeParams)]),
            ("llama_free", None, [C.c_void_p]), ("llama_model_free", None, [C.c_void_p]),
        ]:
            f = getattr(lib, name)
            f.restype, f.argtypes = res, args

    def quantize(self, src, dst, ftype, pure, overrides=()):
        """Writes src in another type; overrides are (pattern of tensor names, ggml type) pairs."""
        p = self.lib.llama_model_quantize_default_params()
        p.nthread, p.ftype, p.pure, p.allow_requantize = 1, ftype, pure, True
        table = (TensorOverride * (len(overrides) + 1))(*[TensorOverride(a.encode(), GGML_TYPES[b]) for a, b in overrides])
        if overrides:
            p.overrides = table
        if self.lib.llama_model_quantize(str(src).encode(), str(dst).encode(), C.byref(p)) != 0:
            raise RuntimeError(f"llama.cpp could not quantize {src} to {dst}")

    def open(self, path, n_ctx, threads=1, flash=True, overrides=()):
        """overrides are metadata to use instead of the file's, each KEY=TYPE:VALUE."""
        p = self.lib.llama_model_default_params()
        table = (MetadataOverride * (len(overrides) + 1))(*map(MetadataOverride.parse, overrides))  # an empty key ends it
        if overrides:
            p.kv_overrides = C.cast(table, C.c_void_p)
        p.n_gpu_layers = 0
        p.use_extra_bufts = False  # no repacked weights: the plain kernels are the reference
        self.model = self.lib.llama_model_load_from_file(str(path).encode(), p)
        if not self.model:
            raise RuntimeError(f"llama.cpp cannot load {path}")
        c = self.lib.llama_context_default_params()
        c.n_ctx = c.n_batch = n_ctx
        c.n_ubatch, c.n_threads, c.n_threads_batch = 512, threads, threads
        if not flash:
            c.flash_attn_type = 0
        self.ctx = self.lib.llama_init_from_model(self.model, c)
        self.vocab = self.lib.llama_model_get_vocab(self.model)
        self.size = self.lib.llama_vocab_n_tokens(self.vocab)
        self.batch = self.lib.llama_batch_init(n_ctx, 0, 1)

    def close(self):
        self.lib.llama_free(self.ctx)
        self.lib.llama_model_free(self.model)

    def tokenize(self, text, special=False):
        raw = text.encode()
        out = (C.c_int32 * (len(raw) + 8))()
        n = self.lib.llama_tokenize(self.vocab, raw, len(raw), out, len(out), False, special)
        return list(out[:n])

    def clear(self):
        self.lib.llama_memory_clear(self.lib.llama_get_memory(self.ctx), True)

    def decode(self, tokens, pos, every=False):
        """Runs tokens from position pos on; returns the indices whose logits can be asked for."""
        b = self.batch
        b.n_tokens = len(tokens)
        for i, t in enumerate(tokens):
            b.token[i], b.pos[i], b.n_seq_id[i], b.seq_id[i][0] = t, pos + i, 1, 0
            b.logits[i] = 1 if every or i == len(tokens) - 1 else 0
        if self.lib.llama_decode(self.ctx, b) != 0:
            raise RuntimeError("llama_decode failed")

    def logits(self, i):
        import numpy as np
        return np.ctypeslib.as_array(self.lib.llama_get_logits_ith(self.ctx, i), shape=(self.size,)).astype(np.float64)
