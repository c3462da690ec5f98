"""What every new app would compile again is compiled once per process: templates and URL builders.

Most tests make an app of their own. Both would come out the same each time, and take longer than
the rest of the app, and than most tests.
"""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType

from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

_templates: dict[tuple[str, str], CodeType] = {}
_builders: dict[tuple, Callable[..., tuple[str, str]]] = {}


class Templates(BytecodeCache):
    """Knows a template by its file and a checksum of its text."""

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = _templates.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        assert bucket.code is not None
        _templates[bucket.key, bucket.checksum] = bucket.code


class Route(Rule):
    """Its builder is a function of all that the route is made of; the app comes in when it is called."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        made_of = (self.rule, tuple(self._trace), repr(self.defaults), append_unknown)
        if made_of not in _builders:
            _builders[made_of] = super()._compile_builder(append_unknown)
        return _builders[made_of]


def keep_warm() -> None:
    """For every app that this process makes from now on."""
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": Templates()}
    Flask.url_rule_class = Route
