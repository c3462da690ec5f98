"""Patchbay as an operator runs it: `flask serve`, a real port, its own data folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app import create_app
from app.config import Settings
from app.extensions import db

ROOT = Path(__file__).parents[2]
SECONDS_TO_START = 30
SECONDS_TO_STOP = 10


@dataclass(frozen=True)
class Server:
    """A running Patchbay: where it answers, what it was told, what it has said."""

    url: str
    data: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def output(self) -> str:
        """Everything that it has printed or logged so far."""
        return (self.data / "output.log").read_text()

    def flask(self, *arguments: str, typed: str = "") -> str:
        """What a command line tool does on the same data, in this process; answers what it printed."""
        app = create_app(Settings.from_environment(self.environment))
        with app.app_context():
            done = app.test_cli_runner().invoke(args=arguments, input=typed)
            db.session.remove()
            db.engine.dispose()
        assert done.exit_code == 0, f"flask {' '.join(arguments)}:\n{done.output}{done.exception}"
        return done.stdout.strip()


def flask(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


@contextmanager
def served(data: Path, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Starts Patchbay on `data`, waits until it is ready, stops it in the end."""
    bind = f"127.0.0.1:{free_port()}"
    environment = clean_environment() | {
        "PATCHBAY_DATA": str(data),
        "PATCHBAY_BIND": bind,
        "PATCHBAY_WORKERS": "1",
        **(settings or {}),
    }
    with (data / "output.log").open("ab") as output:
        process = subprocess.Popen(
            flask("serve"),
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    server = Server(f"http://{bind}", data, environment, process)
    try:
        _wait_until_ready(server)
        yield server
    finally:
        _stop(process)


def clean_environment() -> dict[str, str]:
    """Ours without what would reach another installation's data."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith(("PATCHBAY_", "FLASK_"))
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise AssertionError(f"flask serve ended at once:\n{server.output()}")
        with (
            suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(f"{server.url}/readyz", timeout=2),  # noqa: S310 (our own)
        ):
            return
        time.sleep(0.05)
    raise AssertionError(f"flask serve was not ready in time:\n{server.output()}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
