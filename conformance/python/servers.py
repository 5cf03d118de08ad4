"""The servers that scripts/conformance.sh started, and what the tests of all clients share."""
import json, os, threading, time, urllib.request

DEMO, THINK, TOOLS, SLOW = (os.environ[f"CLLM_{name}"] for name in ("DEMO", "THINK", "TOOLS", "SLOW"))
KEY = os.environ["CLLM_KEY"]

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a city now",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
QUESTION = "What is the weather in Paris?"
ENDLESS = {"ignore_eos": True}


def health(base):
    with urllib.request.urlopen(base + "/health") as r:
        return json.load(r)["data"]


def idle(base):
    """Waits until nothing runs: an answer that nobody reads any more has ended."""
    end = time.time() + 5
    while (h := health(base))["running"] + h["waiting"]:
        assert time.time() < end, f"the server still runs what its client left: {h}"
        time.sleep(0.02)


class Full:
    """The server has all that it takes, a running and a waiting request, for as long as the block lasts or for seconds."""

    def __init__(self, open_stream, seconds):
        self.open, self.seconds, self.streams = open_stream, seconds, []

    def __enter__(self):
        for want in ("running", "waiting"):
            thread = threading.Thread(target=lambda: self.streams.append(self.open()), daemon=True)
            thread.start()
            while health(TOOLS)[want] == 0:
                time.sleep(0.02)
        self.timer = threading.Timer(self.seconds, self.close)
        self.timer.start()

    def close(self):
        end = time.time() + 5
        while time.time() < end:
            while self.streams:
                self.streams.pop().close()
            h = health(TOOLS)
            if h["running"] + h["waiting"] == 0:
                return
            time.sleep(0.02)

    def __exit__(self, *_):
        self.timer.join()
