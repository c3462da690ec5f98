"""Caches that all apps of a process share: compiled templates, routes and SQL statements.

Most tests create an app and an engine of their own. Compiling these again would give the same results each
time, and take longer than the rest of the app, and than most tests.
"""

from __future__ import annotations

import gc
import logging
import os
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import CodeType
from typing import Any, Self
from unittest.mock import patch

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Connection, Engine
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule
from werkzeug.routing.rules import RulePart

from app import context, create_app
from app.config import Settings
from app.database import migrate
from app.extensions import db
from app.metrics import responses
from app.services.installation import keys, setup
from app.services.scope import Actor
from devtools.html import parse
from devtools.scopes import PASSWORD

TEMPLATES = "TEST_TEMPLATES"
"""The environment variable with the folder in which the processes of a run share compiled templates."""
STATEMENTS = 2_000
FIRST_USER = {"organization": "Warm", "name": "Warm", "email": "w@example.com", "password": PASSWORD}
PAGES = (
    *("/", "/account", "/o/warm/", "/o/warm/endpoints", "/o/warm/endpoints/new", "/o/warm/people"),
    *("/o/warm/providers/twilio", "/o/warm/settings"),
)
FEW_GARBAGE_COLLECTIONS = (20_000, 10, 10)

_templates: dict[tuple[str, str], CodeType] = {}
_builders: dict[tuple, Callable[..., tuple[str, str]]] = {}
_parts: dict[str, tuple[list[RulePart], list[tuple[bool, str]], dict[str, Any]]] = {}


class Templates(BytecodeCache):
    """Compiled templates by their name and a checksum of their text."""

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return super().get_cache_key(name)

    def load_bytecode(self, bucket: Bucket) -> None:
        key = bucket.key, bucket.checksum
        if key in _templates:
            bucket.code = _templates[key]
        elif folder := os.environ.get(TEMPLATES):
            with suppress(OSError), Path(folder, f"{bucket.key}-{bucket.checksum}").open("rb") as file:
                bucket.load_bytecode(file)
            if bucket.code is not None:
                _templates[key] = bucket.code

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        _templates[bucket.key, bucket.checksum] = bucket.code
        if folder := os.environ.get(TEMPLATES):
            draft = Path(folder, f"{bucket.key}-{bucket.checksum}.{threading.get_native_id()}")
            with suppress(OSError):
                draft.write_bytes(bucket.bytecode_to_string())
                draft.replace(draft.with_suffix(""))


class Route(Rule):
    """A route whose compiled parts and builder are cached: they depend on the rule only, not on the app."""

    def _parse_rule(self, rule: str) -> list[RulePart]:
        if rule not in _parts:
            before = list(self._trace)
            parts = list(super()._parse_rule(rule))
            _parts[rule] = (parts, self._trace[len(before) :], dict(self._converters))
            return parts
        parts, trace, converters = _parts[rule]
        self._trace.extend(trace)
        self._converters.update(converters)
        self.arguments.update(converters)
        return parts

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made_of = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if made_of not in _builders:
            _builders[made_of] = super()._compile_builder(append_unknown)
        return _builders[made_of]


class OneDialect(DefaultDialect):
    """One dialect for all engines of a kind, so that they share compiled statements."""

    _made: dict[tuple, Self] = {}
    _compiled: LRUCache[Any, Any] = LRUCache(STATEMENTS)
    _is_initialized = False

    def __new__(cls, **options: Any) -> Self:
        return cls._made.setdefault((cls, repr(sorted(options.items(), key=str))), super().__new__(cls))

    def __init__(self, **options: Any) -> None:
        if "dbapi" not in vars(self):
            super().__init__(**options)

    def initialize(self, connection: Connection) -> None:
        if not self._is_initialized:
            super().initialize(connection)
            self._is_initialized = True

    @classmethod
    def engine_created(cls, engine: Engine) -> None:
        engine.update_execution_options(compiled_cache=cls._compiled)


class SQLite(OneDialect, SQLiteDialect_pysqlite):
    supports_statement_cache = True


class PostgreSQL(OneDialect, PGDialect_psycopg):
    supports_statement_cache = True


def load_app() -> bytes:
    """Loads every module of an app, and compiles its routes, for this process and its forks.

    Returns a new SQLite database at the newest revision, which no installation has used.
    """
    _share_compiled()
    with tempfile.TemporaryDirectory(prefix="patchbay-warm-") as folder:
        app = create_app(Settings.from_environment({"PATCHBAY_DATA": folder}))
        with app.app_context():
            migrate.upgrade(db.engine, Path(folder))
            _disconnect()
        freeze_objects()
        return Path(folder, "patchbay.db").read_bytes()


def open_pages(new_database: bytes) -> None:
    """Loads and compiles all code of a page's first request, for this process and its forks.

    Nothing is logged or counted.
    """
    with tempfile.TemporaryDirectory(prefix="patchbay-warm-") as folder:
        settings = Settings.from_environment({"PATCHBAY_DATA": folder})
        Path(folder, "patchbay.db").write_bytes(new_database)
        logging.disable()
        with patch.object(responses, "count"):
            _open_pages(create_app(settings))
        logging.disable(logging.NOTSET)
        freeze_objects()


def _open_pages(app: Flask) -> None:
    with app.app_context():
        scope = context.scope(Actor(name="warm"))
        keys.prepare(scope)
        key = setup.new_setup_token(scope)
        _disconnect()
    client = app.test_client()
    token = parse(client.get("/setup").text).one("input", name="csrf_token")["value"]
    client.post("/setup", data=FIRST_USER | {"csrf_token": token, "key": key})
    opened = [client.get(page) for page in PAGES]
    assert all(page.status_code == 200 for page in opened)
    with app.app_context():
        _disconnect()


def _disconnect() -> None:
    db.session.remove()
    db.engine.dispose()


def _share_compiled() -> None:
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}
    Flask.url_rule_class = Route
    registry.register("sqlite", __name__, "SQLite")
    registry.register("postgresql.psycopg", __name__, "PostgreSQL")


def keep_warm() -> None:
    """Shares compiled code among all apps and engines that this process creates from now on."""
    _share_compiled()
    gc.set_threshold(*FEW_GARBAGE_COLLECTIONS)


def freeze_objects() -> None:
    """Excludes the present objects, which stay loaded, from garbage collection, and enables it."""
    gc.freeze()
    gc.enable()
