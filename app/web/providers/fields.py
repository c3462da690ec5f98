"""A provider's form, made from its declaration, and the values that it submits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)

from app.core.naming import settings_name
from app.provider import Count, PhoneNumber, Provider, ServiceHost, WebAddress
from app.provider import Field as DeclaredField
from app.services.connections.store import StoredConnection
from app.web.providers import messages
from app.web.shell import render
from app.web.shell.forms import CLEAR, Edit


class ProviderForm(Edit):
    """A provider's form. `names` maps declared fields to those of the form and of the settings API."""

    names: ClassVar[Mapping[str, str]]


def for_provider(state: StoredConnection, *, fresh: bool = False) -> ProviderForm:
    """Returns the form of the provider's declaration; a fresh one ignores the request."""
    provider = state.provider
    names = {declared.name: settings_name(provider.key, declared.name) for declared in provider.typed_fields}
    fields: dict[str, Any] = {
        "names": names,
        "word": state.provider.key,
        "version": HiddenField(default=str(state.version)),
        "your_password": PasswordField("Your password", description=messages.OLD_SESSION),
    }
    for declared in state.provider.typed_fields:
        name = names[declared.name]
        fields[name] = _field(declared, state)
        if declared.secret:
            fields[CLEAR + name] = BooleanField("Remove")
    form_class: type[ProviderForm] = type("ProviderForm", (ProviderForm,), fields)
    form = form_class(formdata=None) if fresh else form_class()
    if form.seen.raw_data is None:
        form.remember(form.opened_with | _secrets_since(state, names))
    return form


def _secrets_since(state: StoredConnection, names: Mapping[str, str]) -> dict[str, str]:
    """Returns when each secret was stored, which shows a replacement without the value."""
    stored_since = {}
    for declared in state.provider.typed_fields:
        if declared.secret:
            secret = state.secrets.get(declared.name)
            stored_since[names[declared.name]] = secret.since.isoformat() if secret else ""
    return stored_since


def _field(declared: DeclaredField, state: StoredConnection) -> Any:
    if declared.secret:
        return PasswordField(declared.label, description=_help(declared))
    value = state.values.get(declared.name)
    stored = declared.default if value is None else value
    if isinstance(declared, ServiceHost):
        return _choice(declared, stored)
    render = {"inputmode": "numeric"} if isinstance(declared, Count) else {}
    render |= {"inputmode": "tel"} if isinstance(declared, PhoneNumber) else {}
    render |= {"inputmode": "url"} if isinstance(declared, WebAddress) else {}
    shown = "" if stored is None else str(stored)
    return StringField(declared.label, description=_help(declared), default=shown, render_kw=render)


def _help(declared: DeclaredField) -> str:
    """Returns the field's help, after a link to the console's page that shows the value."""
    if declared.where is None:
        return declared.help
    link = render.CONSOLE_LINK.format(declared.where.address, declared.where.text)
    return link + f". {declared.help}".rstrip()


def _choice(declared: ServiceHost, stored: Any) -> SelectField:
    """Returns the field for a choice of hosts. The service validates the submitted value."""
    choices = [SelectChoice(value, label) for value, label in declared.labels.items()]
    return SelectField(
        declared.label,
        description=declared.help,
        choices=choices,
        default=declared.in_force(stored),
        validate_choice=False,
    )


def submitted_for(provider: Provider, form: ProviderForm) -> dict[str, Any]:
    """Returns the submitted values. An empty field keeps a secret, and clears any other value."""
    submitted: dict[str, Any] = {}
    for declared in provider.typed_fields:
        name = form.names[declared.name]
        text = (form[name].data or "").strip()
        if declared.secret:
            if text:
                submitted[name] = text
            elif form[CLEAR + name].data:
                submitted[name] = None
        else:
            submitted[name] = _value(declared, text)
    return submitted


def _value(declared: DeclaredField, text: str) -> Any:
    if isinstance(declared, Count) and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if isinstance(declared, ServiceHost) and text == declared.choices[0]:
        return None
    return text or None
