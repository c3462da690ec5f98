"""Runs `flask` commands one after another, each in a process of its own.

To load the libraries takes ten times as long as a command: a process loads them, and each command
is a fork of it with its own environment, arguments, standard streams and start of the app.
"""

from __future__ import annotations

import atexit
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from devtools.server import ROOT, clean_environment

WRITING = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Commands:
    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._streams = [str(folder / name) for name in ("stdin", "stdout", "stderr")]

    def run(self, *arguments: str, environment: Mapping[str, str], typed: str = "", die_at: int = 0) -> Done:
        """`die_at`: the step at which it gets SIGKILL, from 1: each is a writing statement, or a commit."""
        typing, out, err = map(Path, self._streams)
        typing.write_text(typed)
        order: dict[str, Any] = {
            "arguments": arguments,
            "environment": dict(environment),
            "streams": self._streams,
        }
        order["die_at"] = die_at
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        code = int(self._process.stdout.readline())
        return Done(code, out.read_text(), err.read_text())


@contextmanager
def commands(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Commands]:
    """`folder` is for the streams; `environment` is there already when the libraries are loaded."""
    if environment is None:
        yield Commands(_shared(), folder)
    else:
        with _loader(environment) as process:
            yield Commands(process, folder)


@cache
def _shared() -> subprocess.Popen[str]:
    """One for all commands of this process; it ends with it."""
    process = _loader({})
    atexit.register(process.kill)
    return process


def _loader(environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=ROOT,
        env={**clean_environment(), **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _serve() -> None:
    from devtools import warm

    warm.load_app()  # no module keeps a setting

    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _become(**json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)  # noqa: T201 (its answers)


def _become(arguments: list[str], environment: dict[str, str], streams: list[str], die_at: int) -> None:
    """What `flask` is when a shell starts it; ends the process, as that does."""
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, (path, flag) in enumerate(zip(streams, flags, strict=True)):
        os.dup2(os.open(path, flag, 0o600), number)
    fresh: list[Any] = [open(number, mode) for number, mode in enumerate("rww")]  # noqa: PTH123, SIM115
    sys.stdin, sys.stdout, sys.stderr = fresh
    if die_at:
        _kill_at(die_at)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["flask", "--app", "wsgi", *arguments]
    runpy.run_module("flask", run_name="__main__", alter_sys=True)
    sys.exit()


def _kill_at(step: int) -> None:
    """Kills this process before the statement that writes, or the commit, that is its step of that number."""
    from sqlalchemy import Engine, event

    steps = count(1)

    def take_step(*_rest: Any) -> None:
        if next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def take_step_if_it_writes(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().startswith(WRITING):
            take_step()

    event.listen(Engine, "before_cursor_execute", take_step_if_it_writes)
    event.listen(Engine, "commit", take_step)


if __name__ == "__main__":
    _serve()
