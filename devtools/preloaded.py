"""Servers and commands that start quickly: forks of a process that has loaded the libraries and the app.

    process = start(environment, log)
    process = start_command(["users", "create"], environment, [stdin, stdout, stderr])

`flask serve` and each of its workers spend most of their start, and of their first page, on loading modules.
Here one process loads them. A server is a fork of it that runs `flask serve` with its own environment; its
workers are forks of that.
Two things differ from the real command: a new SQLite database is migrated already, and granian's main process
replaces the command without a new interpreter, so that a worker that is started later runs the code of the
first. Settings that change how Python starts need the real command.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from devtools import leftovers
from devtools.locks import locked

ROOT = Path(__file__).parents[1]
COUNTS = "PROMETHEUS_MULTIPROC_DIR"
STAGE = "PRELOADED_STAGE"
"""The environment variable with a Python file that a fork runs before its command, to change loaded code."""


class Fork:
    """A server's main process, or a command, with the methods of `subprocess.Popen`."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._answers = connection.makefile()
        if not (pid := self._answers.readline()):
            raise RuntimeError("The preloaded process has ended.")
        self.pid = int(pid)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
            return self.wait()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not select.select([self._connection], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("flask serve", timeout or 0)
            self.returncode = int(self._answers.readline() or self._kill_server())
            self._answers.close()
            self._connection.close()
        return self.returncode

    def _kill_server(self) -> int:
        """Kills a server whose parent was killed, because no process can wait for it any longer."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        return -signal.SIGKILL

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def prepare() -> None:
    """Starts the process that loads everything, without waiting for it."""
    _loader_address()


def start(environment: Mapping[str, str], log: Path) -> Fork:
    """Starts `flask serve` in its own process group, and appends its output to `log`."""
    return _start(["serve"], environment, [Path(os.devnull), log, log], is_server=True)


def start_command(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[Path]) -> Fork:
    """Starts `flask` with these arguments, and appends its output to the last two `streams`."""
    counts = {COUNTS: str(streams[0].parent)}
    return _start(arguments, {**environment, **counts}, streams, is_server=False)


def _start(
    arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[Path], *, is_server: bool
) -> Fork:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(_loader_address())
    order = {"arguments": list(arguments), "environment": dict(environment), "is_server": is_server}
    connection.sendall(json.dumps(order | {"streams": list(map(str, streams))}).encode() + b"\n")
    return Fork(connection)


@cache
def _loader_address() -> str:
    """Returns the address of the process that has loaded everything, starting it if needed.

    All processes of a test run share one, which ends with the run; any other process has its own.
    """
    run = os.environ.get(leftovers.RUN)
    address = f"\0patchbay-preloaded-{run or os.getpid()}"
    with locked(Path(__file__)), socket.socket(socket.AF_UNIX) as listener:
        try:
            listener.bind(address)
        except OSError:
            return address
        listener.listen()
        command = [sys.executable, "-m", __name__, str(listener.fileno()), *([run] if run else [])]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, pass_fds=[listener.fileno()])
    _loaders.append(process)
    if not run:
        atexit.register(process.kill)
    return address


_loaders: list[subprocess.Popen[bytes]] = []
"""The started processes, referenced so that their pipes stay open until this process ends."""


def _serve(listener: socket.socket, *, ends_with_its_starter: bool) -> None:
    new_database = _load()
    waited_for = [listener, sys.stdin] if ends_with_its_starter else [listener]
    while sys.stdin not in select.select(waited_for, [], [])[0]:
        connection = listener.accept()[0]
        if os.fork() == 0:
            listener.close()
            _run_fork(connection, new_database)
        connection.close()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _load() -> bytes:
    """Loads all modules and first pages of a server, and returns a migrated database.

    The modules store no setting, except for prometheus_client: whether several processes count together.
    """
    os.environ[COUNTS] = tempfile.gettempdir()
    for module in ("flask.cli", "granian_server", "app.edge"):
        importlib.import_module(module)
    warm = importlib.import_module("devtools.warm")
    new_database: bytes = warm.load_app()
    warm.open_pages(new_database)
    return new_database


def _run_fork(connection: socket.socket, new_database: bytes) -> NoReturn:
    """Starts one server or command, and reports its process id and its exit code."""
    order: dict[str, Any] = json.loads(connection.makefile().readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        if order["is_server"]:
            _copy_database(new_database, order["environment"])
        _become(order["arguments"], order["environment"], order["streams"])
    connection.sendall(f"{pid}\n".encode())
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    connection.sendall(f"{code}\n".encode())
    os._exit(0)


def _copy_database(new_database: bytes, environment: Mapping[str, str]) -> None:
    """Writes the migrated database for a server that would create a new one, after its keys."""
    from app.config import Settings, SettingsError

    path = Path(environment["PATCHBAY_DATA"], "patchbay.db")
    if "DATABASE_URL" in environment or path.exists():
        return
    with suppress(SettingsError):
        Settings.from_environment(environment)
        path.touch(0o600)
        path.write_bytes(new_database)


class _Replaced(BaseException):
    """Raised instead of replacing the process by another program with these arguments and environment.

    The frames of its traceback keep the files open that the program inherits.
    """

    def __init__(self, arguments: list[str], environment: dict[str, str]) -> None:
        self.arguments = arguments
        self.environment = environment


def _become(arguments: Sequence[str], environment: Mapping[str, str], streams: Sequence[str]) -> NoReturn:
    """Runs `flask` as a shell would start it. Raises SystemExit when it ends."""
    os.setsid()
    for number, path in enumerate(streams):
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT if number else os.O_RDONLY
        os.dup2(os.open(path, flags, 0o600), number)
    tempfile.tempdir = None
    server = _run(arguments, environment)
    _set_environment(server.environment)
    sys.argv = server.arguments[1:]
    runpy.run_path(sys.argv[0], run_name="__main__")
    sys.exit()


def _run(arguments: Sequence[str], environment: Mapping[str, str]) -> _Replaced:
    _set_environment(environment)
    if STAGE in environment:
        runpy.run_path(environment[STAGE])
    sys.argv = ["flask", "--app", "wsgi", *arguments]
    os.execve = _raise_replaced
    try:
        runpy.run_module("flask", run_name="__main__", alter_sys=True)
    except _Replaced as replaced:
        del sys.modules["wsgi"]
        return replaced
    raise SystemExit


def _raise_replaced(path: Any, argv: Any, env: Any) -> NoReturn:
    raise _Replaced(argv, env)


def _set_environment(environment: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])), ends_with_its_starter=len(sys.argv) == 2)
