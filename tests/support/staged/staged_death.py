"""Kills this process before the statement that writes, or the commit, that is its step of that number."""

from __future__ import annotations

import os
import signal
from itertools import count
from typing import Any

from sqlalchemy import Engine, event

WRITING = ("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP")
_last = int(os.environ["STAGED_DEATH"])
_steps = count(1)


def _take_step(*_rest: Any) -> None:
    if next(_steps) == _last:
        os.kill(os.getpid(), signal.SIGKILL)


def _take_step_if_it_writes(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
    if statement.lstrip().startswith(WRITING):
        _take_step()


event.listen(Engine, "before_cursor_execute", _take_step_if_it_writes)
event.listen(Engine, "commit", _take_step)
