"""Runs `flask` commands, each in a process of its own as a shell starts it.

To load the libraries takes ten times as long as a command: each is a fork of the process that has loaded
them, with its own environment, arguments, standard streams and start of the app.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devtools import preloaded
from tests.support.clocks import SCRIPT


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Commands:
    folder: Path
    """Has their standard streams."""

    def run(self, *arguments: str, environment: Mapping[str, str], typed: str = "", die_at: int = 0) -> Done:
        """`die_at`: the step at which it gets SIGKILL, from 1: each is a writing statement, or a commit."""
        staged = {preloaded.STAGE: str(SCRIPT), "STAGED_DEATH": str(die_at)} if die_at else {}
        streams = [self.folder / name for name in ("stdin", "stdout", "stderr")]
        for stream, text in zip(streams, (typed, "", ""), strict=True):
            stream.write_text(text)
        code = preloaded.start_command(arguments, {**environment, **staged}, streams).wait()
        return Done(code, *(stream.read_text() for stream in streams[1:]))
