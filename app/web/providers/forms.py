"""Forms for providers and their callbacks."""

from __future__ import annotations

from wtforms import (
    HiddenField,
    StringField,
)

from app.web.shell.forms import Form


class DigestForm(Form):
    """`seen` stands for what was shown, so that nothing else is replaced."""

    seen = HiddenField()


class CallbackForm(DigestForm):
    url = StringField("Callback URL")
