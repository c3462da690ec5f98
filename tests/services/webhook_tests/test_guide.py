"""The runtimes of the guide, run as they stand there."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn

from app.services.webhook_tests import runs
from devtools.server import ROOT
from simulators import SIMULATORS
from tests.support.runtimes import wsgi

EXAMPLE = re.compile(r"```python\n# (runtime_\w+)\.py\n(.*?)```", re.DOTALL)
GUIDE = (ROOT / "docs/guides/webhook-test.md").read_text()


@pytest.fixture(params=EXAMPLE.findall(GUIDE), ids=lambda named: named[0])
def example(request, monkeypatch):
    """The module of an example, and the agents that it starts."""
    monkeypatch.setenv("PUBLIC_URL", "https://voice.acme.example")
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", SIMULATORS["twilio"].sample_values["auth_token"])
    name, source = request.param
    module: dict[str, Any] = {"__name__": name}
    exec(compile(source, f"{name}.py", "exec"), module)  # noqa: S102 (our own guide)
    started: list[str] = []
    module["start_agent"] = lambda agent, _call: started.append(agent)
    return name, module["app"], started


@contextmanager
def served(name: str, application: Any) -> Iterator[str]:
    if name == "runtime_flask":
        with wsgi(application) as base:
            yield base
        return
    server = uvicorn.Server(uvicorn.Config(application, port=0, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            thread.join(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def test_examples_of_the_guide_are_proven_and_start_nothing(acme, endpoint, http, example):
    assert [name for name, _ in EXAMPLE.findall(GUIDE)] == ["runtime_flask", "runtime_fastapi"]
    name, application, started = example
    rows = [endpoint(number="+15551234501"), endpoint(agent="café 2 €", number="+15551234502")]
    with served(name, application) as base:
        reports = [runs.run(acme, http(base), row.id, signed=True) for row in rows]
    assert [(report.code, report.is_proof) for report in reports] == [("connects", True)] * 2
    assert started == []
