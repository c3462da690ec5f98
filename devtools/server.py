"""A served Patchbay with a real port, its own data folder, and processes that can be killed.

By default it is a fork of a process that has loaded everything; `command=SERVE` starts it as operators do.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from app import create_app
from app.config import Settings
from app.extensions import db
from devtools import preloaded, processes

ROOT = Path(__file__).parents[1]
SECONDS_TO_START = 60
SECONDS_TO_STOP = 10


def flask(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]


SERVE = flask("serve")


@dataclass
class Server:
    """A Patchbay on one port and one data folder, which can be stopped, killed and started again."""

    url: str
    data: Path
    environment: Mapping[str, str]
    log: Path
    """The file with its output, across restarts."""
    command: Sequence[str] | None = None
    """The command that starts it; None for a fork of the preloaded process."""
    _process: subprocess.Popen[bytes] | preloaded.Fork | None = field(default=None, repr=False)

    @property
    def process(self) -> subprocess.Popen[bytes] | preloaded.Fork:
        assert self._process is not None, "The server was not started."
        return self._process

    @property
    def database(self) -> str:
        """The name of its database system."""
        return "PostgreSQL" if "postgresql" in self.environment.get("DATABASE_URL", "") else "SQLite"

    def start(self) -> None:
        """Starts it in its own process group and waits until it is ready."""
        if self.command is None:
            self._process = preloaded.start(self.environment, self.log)
        else:
            self._process = self._run(self.command)
        self.wait_until_ready()

    def _run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """Stops it with SIGTERM, and kills what is left after some seconds."""
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS_TO_STOP)
        self.kill()

    def kill(self) -> None:
        """Sends SIGKILL to the server and all its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def restart(self) -> None:
        """Starts it again on the same data and port, after a `stop` or a `kill`."""
        if self.process.poll() is None:
            self.stop()
        self.start()

    def workers(self) -> list[int]:
        """Returns the ids of the worker processes."""
        return processes.leaves_below(self.process.pid)

    def wait_until_ready(self) -> None:
        """Waits until its own workers respond: those of a previous instance may for some seconds."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"The server ended with {self.process.returncode}:\n{self.output()}")
            with (
                suppress(urllib.error.URLError, ConnectionError, TimeoutError),
                urllib.request.urlopen(f"{self.url}/readyz", timeout=2),  # noqa: S310 (our own)
            ):
                if self.workers():
                    return
            time.sleep(0.05)
        raise AssertionError(f"The server was not ready in time:\n{self.output()}")

    def output(self) -> str:
        """Returns its output so far; empty if the log is a device."""
        return self.log.read_text() if self.log.is_file() else ""

    def flask(self, *arguments: str, typed: str = "", exit_codes: Container[int] = (0,)) -> str:
        """Runs a `flask` command on the same data, in this process, and returns its output."""
        app = create_app(Settings.from_environment(self.environment))
        with app.app_context():
            done = app.test_cli_runner().invoke(args=arguments, input=typed)
            db.session.remove()
            db.engine.dispose()
        assert done.exit_code in exit_codes, f"flask {' '.join(arguments)}:\n{done.output}{done.exception}"
        return done.stdout.strip()


@contextmanager
def served(
    data: Path,
    settings: Mapping[str, str] | None = None,
    *,
    log: Path | None = None,
    command: Sequence[str] | None = None,
) -> Iterator[Server]:
    """Starts Patchbay on `data`, waits until it is ready, and stops it at the end.

    Pass `log` if the data folder is full, or is mounted for the test alone. Pass `command`, such as `SERVE`,
    to test or measure what an operator starts, or if settings change how Python starts. `preloaded.STAGE`
    names a file that changes the code that a fork has loaded.
    """
    bind = f"127.0.0.1:{free_port()}"
    environment = clean_environment() | {
        "PATCHBAY_DATA": str(data),
        "PATCHBAY_BIND": bind,
        "PATCHBAY_WORKERS": "1",
        "PATCHBAY_CHECK_EVERY": "0",
        **(settings or {}),
    }
    if "PYTHONPATH" in (settings or {}):
        command = command or SERVE
    url = f"http://{environment['PATCHBAY_BIND']}"
    server = Server(url, data, environment, log or data / "output.log", command)
    try:
        server.start()
        yield server
    finally:
        if server._process is not None:
            server.stop()


def clean_environment() -> dict[str, str]:
    """Returns the environment without the settings of another installation."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "DATABASE_URL" and not name.startswith(("PATCHBAY_", "FLASK_"))
    }


def with_standard_sqlite(folder: Path) -> dict[str, str]:
    """Returns settings with which a server finds no pysqlite3, and so uses Python's sqlite3.

    Writes a package of that name to `folder`, which cannot be imported.
    """
    package = folder / "without-pysqlite3" / "pysqlite3"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("raise ImportError('This test runs without pysqlite3.')\n")
    return {"PYTHONPATH": str(package.parent)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
