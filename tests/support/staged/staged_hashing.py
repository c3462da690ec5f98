"""Hashes passwords quickly."""

from __future__ import annotations

from argon2 import PasswordHasher

from app.services.access import passwords

passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
