"""The labels of changed fields on pages and in exports, and the line breaks of URLs."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from app.services.audit import actions
from app.services.endpoints import fields


def field_label(name: str) -> str:
    """Returns the label of a field that an audit event names."""
    return fields.LABELS.get(name) or actions.field_label(name)


_WHOLE = Markup('<span class="pb-whole">{}</span>')
_URL_BREAK = re.compile(r"(?<=[/?&])(?<!//)(?![/?&])")


def breakable_url(url: str) -> Markup:
    """Returns the URL with line breaks allowed after each slash, and before each parameter.

    A part with a hyphen is kept on one line. Any other text breaks as usual.
    """
    return _in_parts(url) if "://" in url else escape(url)


def short_url(url: str) -> Markup:
    """Returns the URL in the same way, without the scheme if that is https."""
    return _in_parts(url.removeprefix("https://"))


def _in_parts(url: str) -> Markup:
    parts = _URL_BREAK.split(url)
    return Markup("<wbr>").join(_WHOLE.format(part) if "-" in part else part for part in parts)
