#!/usr/bin/env python3
"""Tokens/s of OpenVINO GenAI on a GGUF file: scripts/bench_openvino.py MODEL.gguf THREADS

Reads tests from standard input, one a line, and answers each with one number (0 when it cannot):
    prompt N          N tokens of prompt
    gen N DEPTH B     N tokens of each of B sequences together, after DEPTH tokens of prompt each
It keeps the file loaded between them. Needs the PyPI package openvino-genai; bench_peer.py runs this.
"""
import sys
import numpy as np, openvino as ov, openvino_genai as genai

scheduler = genai.SchedulerConfig()
scheduler.cache_size = 6  # GB
scheduler.max_num_batched_tokens = 512
scheduler.enable_prefix_caching = False
pipe = genai.LLMPipeline(sys.argv[1], "CPU", scheduler_config=scheduler, INFERENCE_NUM_THREADS=int(sys.argv[2]))
seed = 0


def run(depth, n, sequences):
    """Seconds to the first token, and of the others, of sequences of made-up prompts."""
    global seed
    ids = []
    for _ in range(sequences):
        seed += 1
        ids.append([(7919 * seed + 104729 * i) % 50000 + 1000 for i in range(max(depth, 1))])
    tokens = ov.Tensor(np.array(ids, dtype="int64"))
    config = genai.GenerationConfig(max_new_tokens=n, ignore_eos=True, do_sample=False)
    config.apply_chat_template = False
    m = pipe.generate(genai.TokenizedInputs(tokens, ov.Tensor(np.ones_like(ids, dtype="int64"))), config).perf_metrics
    return m.get_ttft().mean / 1e3, (m.get_generate_duration().mean - m.get_ttft().mean) / 1e3


for line in sys.stdin:
    kind, *numbers = line.split()
    numbers = [int(x) for x in numbers]
    try:
        if kind == "prompt":
            first, _ = run(numbers[0], 1, 1)
            print(numbers[0] / first, flush=True)
        else:
            n, depth, b = numbers
            _, rest = run(depth, n, b)
            print(b * (n - 1) / rest, flush=True)
    except Exception as e:
        print(f"{line.strip()}: {e}", file=sys.stderr)
        print(0, flush=True)
