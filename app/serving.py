"""Claims the data folder and the address for one server, and starts it for `flask serve`."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.config import Settings, SettingsError

SECONDS_TO_TAKE = 30
"""Seconds in which a client must acknowledge data; then the kernel closes the connection."""
SECONDS_TO_WAIT = 5.0
"""Seconds to wait for an instance that is stopping."""
PAUSE_SECONDS = 0.05
SENT_AHEAD = 64_000
"""Bytes of a response that the kernel buffers for a client that does not read. Its default is megabytes."""
LOCK = ".serving"
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 (in it is a folder of our own)
PROGRAM = Path(__file__).parents[1] / "granian_server.py"

Claim = TypeVar("Claim")


class InUse(Exception):
    """Another server uses `what`, the folder or the address. The message names the server and the remedy."""

    def __init__(self, what: str, holder: str, remedy: str) -> None:
        super().__init__(f"{what} is in use by {holder}. Stop that one first, or {remedy}.")
        self.what = what


@dataclass(frozen=True)
class Claims:
    """The descriptor with the lock of the data folder, and the listening socket."""

    lock: int
    listener: socket.socket


def claim(settings: Settings, report_wait: Callable[[str], None]) -> Claims:
    """Locks the data folder and listens at the address, each of which only one server can use.

    Waits some seconds for an instance that is stopping, and reports that. Raises Taken, and
    SettingsError if the folder or the address is unusable.
    """
    deadline = time.monotonic() + SECONDS_TO_WAIT
    lock = _claim_by(deadline, partial(_lock, settings.data), report_wait)
    listener = _claim_by(deadline, partial(_listen, settings.host, settings.port), report_wait)
    return Claims(lock, listener)


def _claim_by(deadline: float, claim: Callable[[], Claim], report_wait: Callable[[str], None]) -> Claim:
    try:
        return claim()
    except InUse as error:
        report_wait(f"{error.what} is in use. Waiting {SECONDS_TO_WAIT:.0f} seconds for that to end.")
    while True:
        try:
            return claim()
        except InUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


@contextmanager
def alone(data: Path) -> Iterator[None]:
    """Locks the data folder while the block runs. Raises Taken if a server uses it."""
    descriptor = _lock(data)
    try:
        yield
    finally:
        os.close(descriptor)


def _lock(data: Path) -> int:
    """Locks the data folder, and returns the descriptor with the lock.

    The lock ends with the last process that inherits the descriptor. Raises Taken, SettingsError.
    """
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(data / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"PATCHBAY_DATA: {data} cannot be used ({error.strerror}).") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 20).decode(errors="replace").strip()
        os.close(descriptor)
        raise InUse(
            f"The data folder {data}",
            f"another Patchbay (process {holder or 'unknown'})",
            "set PATCHBAY_DATA to another folder",
        ) from None
    except OSError as error:
        raise SettingsError(f"PATCHBAY_DATA: {data} cannot be locked ({error.strerror}).") from None
    os.truncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor


def _listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket. Raises Taken, SettingsError.

    It is without SO_REUSEPORT, so that no other program can listen at the address.
    """
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = addresses[0]
        listener = socket.create_server(address, family=family, backlog=1024, dualstack_ipv6=host == "::")
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InUse(
                f"The address {shown}", "another program", "set PATCHBAY_BIND to another address"
            ) from None
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise SettingsError(f"PATCHBAY_BIND: {shown} cannot be used ({reason}).") from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SENT_AHEAD)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SECONDS_TO_TAKE * 1000)
    return listener


def new_counts(data: Path) -> dict[str, str]:
    """Returns the setting of the folder of the workers' shared counters, which start at zero.

    The folder is in memory if possible, since a full disk can kill a process that maps a file.
    """
    _remove_abandoned()
    place = data.stat()
    in_memory = SHARED_MEMORY / f"{_prefix()}{place.st_dev:x}-{place.st_ino:x}"
    shutil.rmtree(data / "metrics", ignore_errors=True)
    for folder in (in_memory, data / "metrics"):
        with suppress(OSError):
            folder.mkdir(mode=0o700)
            os.set_inheritable(_mark(folder), True)
            return {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return {}


def _prefix() -> str:
    return f"patchbay-{os.geteuid()}-"


def _mark(folder: Path) -> int:
    """Marks a folder as in use until the last process ends that inherits the returned descriptor.

    Raises BlockingIOError if it is in use already.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_abandoned() -> None:
    """Removes the folders in memory of servers that were killed."""
    for folder in SHARED_MEMORY.glob(f"{_prefix()}*"):
        with suppress(OSError):
            os.close(_mark(folder))
            shutil.rmtree(folder)


def run_server(settings: Settings, claims: Claims) -> None:
    """Replaces this process with granian's main process, which then receives the signals."""
    for descriptor in (claims.lock, claims.listener.fileno()):
        os.set_inheritable(descriptor, True)
    arguments = [str(PROGRAM), "--listener", str(claims.listener.fileno())]
    arguments += ["--workers", str(settings.workers)]
    os.execve(sys.executable, [sys.executable, *arguments], os.environ | new_counts(settings.data))  # noqa: S606
