"""cllm serve and llama-server, side by side: what the scripts that compare their dialects share."""
import contextlib, json, os, pathlib, subprocess, sys, tempfile, time, urllib.error, urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent

def commands(model, context=8192):
    """The servers by name, each with its address and its command. CLLM is our binary, PEER the folder of llama.cpp."""
    cllm = os.environ.get("CLLM", ROOT / "bin" / "cllm")
    peer = pathlib.Path(os.environ.get("PEER", "peer")) / "bin" / "llama-server"
    return {
        "cllm": ("http://127.0.0.1:18080", [cllm, "serve", "-m", model, "--port", "18080", "--max-context-length", str(context)]),
        "llama-server": ("http://127.0.0.1:18081", [peer, "-m", model, "--port", "18081", "--jinja", "-np", "1", "-c", str(context)]),
    }


@contextlib.contextmanager
def running(address, command):
    """The server runs and is healthy inside of the block."""
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(list(map(str, command)), stdout=log, stderr=subprocess.STDOUT)
        try:
            for _ in range(600):
                if server.poll() is not None:
                    break
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(address + "/health").close()
                    break
                time.sleep(0.1)
            if server.poll() is not None:
                log.seek(0)
                sys.exit(f"{command[0]} did not start:\n" + log.read().decode(errors="replace")[-2000:])
            yield
        finally:
            server.terminate()
            server.wait()


def post(address, path, body):
    """The answer to body as JSON; an error's status and text end the run."""
    request = urllib.request.Request(address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as e:
        sys.exit(f"{address}{path}: {e.code}: {e.read().decode(errors='replace')}")
