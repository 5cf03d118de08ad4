"""A plugin of pytest: of llama.cpp's tests, runs what tests.txt lists to run.

Each line there is `run PREFIX` or `skip PREFIX: reason`, where PREFIX begins
the id of tests, without their folder; the longest that fits counts. A test that
no line knows, and a line that no test needs, end the run: the list is neither
behind the source nor ahead of it. Files of which nothing runs are not even
read.
"""
import pathlib

import pytest


class Rule:
    def __init__(self, line):
        verb, _, rest = line.partition(" ")
        self.prefix, _, self.reason = rest.partition(": ")
        self.used = False
        if verb not in ("run", "skip") or (verb == "skip") != bool(self.reason):
            raise pytest.UsageError(f"tests.txt: {line!r} is neither 'run PREFIX' nor 'skip PREFIX: reason'")


def read_rules():
    lines = pathlib.Path(__file__).with_name("tests.txt").read_text().splitlines()
    return [Rule(line) for line in lines if line and not line.startswith("#")]


rules = read_rules()
running = {r.prefix.partition("::")[0] for r in rules if not r.reason}


def pytest_ignore_collect(collection_path):
    name = collection_path.name
    if not name.startswith("test_") or name in running:
        return None
    for r in rules:
        if r.prefix == name:
            r.used = True
            return True
    raise pytest.UsageError(f"tests.txt: no line for {name}")


def pytest_collection_modifyitems(config, items):
    run, skipped, unknown = [], [], []
    for item in items:
        name = item.nodeid.removeprefix("unit/")
        fitting = [r for r in rules if name.startswith(r.prefix)]
        if not fitting:
            unknown.append(name)
            continue
        rule = max(fitting, key=lambda r: len(r.prefix))
        rule.used = True
        (skipped if rule.reason else run).append(item)
    idle = [r.prefix for r in rules if not r.used]
    if unknown or idle:
        raise pytest.UsageError(f"tests.txt: no line for {unknown}, no test for {idle}")
    items[:] = run
    config.hook.pytest_deselected(items=skipped)
