"""Resolves host names with the addresses in a file.

The file has a list of answers by host, each a list of addresses; the last one is given again and again. Every
address that is dialled is written down, and none is reached that is not on this machine.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections import Counter
from pathlib import Path
from typing import Any

_names = Path(os.environ["STAGED_NAMES"])
_lookups = Path(os.environ["STAGED_LOOKUPS"])
_dialled = Path(os.environ["STAGED_DIALLED"])
_unstaged = socket.getaddrinfo


def _note(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


def _staged(host: Any, port: Any, *arguments: Any, **named: Any) -> Any:
    answers = json.loads(_names.read_text()).get(host)
    if answers is None:
        return _unstaged(host, port, *arguments, **named)
    _note(_lookups, host)
    earlier = Counter(_lookups.read_text().split())[host] - 1
    return [
        (
            socket.AF_INET6 if ":" in address else socket.AF_INET,
            socket.SOCK_STREAM,
            6,
            "",
            (address, port or 0),
        )
        for address in answers[min(earlier, len(answers) - 1)]
    ]


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        address = arguments[1][0]
        _note(_dialled, address)
        if address not in ("127.0.0.1", "::1", "localhost"):
            raise ConnectionRefusedError


socket.getaddrinfo = _staged
sys.addaudithook(_watch)
