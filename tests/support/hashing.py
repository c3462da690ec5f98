"""Argon2 as it ships is slow on purpose; what is not about passwords hashes with a quick one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import PasswordHasher

from app.services.access import passwords
from devtools import preloaded
from tests.support.clocks import SCRIPT

SHIPPED = passwords._hasher
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
QUICK_SERVER = {preloaded.STAGE: str(SCRIPT), "STAGED_HASHING": "1"}
"""Settings of a served Patchbay that hashes with it."""


@contextmanager
def hashing_with(hasher: PasswordHasher) -> Iterator[None]:
    """In this process; a hash says itself how it was made, so both verify each other's."""
    before = passwords._hasher
    passwords._hasher = hasher
    yield
    passwords._hasher = before
