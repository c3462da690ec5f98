"""CSRF tokens that differ in each response, so that compressed pages do not reveal them.

The size of a compressed page shows whether a guess equals part of it. A token that is combined with new
random bytes each time shares nothing with the previous one.
"""

from __future__ import annotations

import binascii
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from flask import Flask, g
from flask_wtf import CSRFProtect, FlaskForm
from flask_wtf.csrf import generate_csrf


class MaskedCSRFProtect(CSRFProtect):  # type: ignore[misc]
    """Masks the tokens of pages and unmasks those that are sent."""

    def init_app(self, app: Flask) -> None:
        super().init_app(app)
        app.jinja_env.globals["csrf_token"] = masked_token
        app.context_processor(lambda: {"csrf_token": masked_token})

    def _get_csrf_token(self) -> str | None:
        token = super()._get_csrf_token()
        return None if token is None else unmasked(token)


class MaskedFormTokens(FlaskForm.Meta.csrf_class):  # type: ignore[misc]
    """Masks the tokens of forms. `MaskedCSRFProtect` validates them before the view runs."""

    def generate_csrf_token(self, csrf_token_field: Any) -> str:
        return masked_token()


def masked_token() -> str:
    """Returns the session's token, masked in the same way throughout a response."""
    if "masked_csrf_token" not in g:
        token = generate_csrf().encode()
        mask = os.urandom(len(token))
        g.masked_csrf_token = urlsafe_b64encode(mask + _xor(mask, token)).decode()
    masked: str = g.masked_csrf_token
    return masked


def unmasked(masked: str) -> str:
    """Returns the token that was masked; an invalid one if the text is not a masked token."""
    try:
        content = urlsafe_b64decode(masked)
        half = len(content) // 2
        return _xor(content[:half], content[half:]).decode()
    except (binascii.Error, ValueError):
        return ""


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
