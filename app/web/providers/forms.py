"""Forms for providers and their callbacks."""

from __future__ import annotations

from wtforms import (
    HiddenField,
    StringField,
)

from app.web.shell.forms import Form


class DigestForm(Form):
    """`seen` is a digest of the settings that the page showed, so that only those are replaced."""

    seen = HiddenField()


class CallbackForm(DigestForm):
    url = StringField("Callback URL")
