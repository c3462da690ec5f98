"""Forms for one endpoint, for several, and for CSV imports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    FileField,
    HiddenField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)

from app import providers
from app.services.endpoints.fields import AGENTS, EDITABLE, FIELDS, EndpointField, Number
from app.web.shell import forms
from app.web.shell.forms import ConfirmForm, CountedForm, Edit, Form


def control(field: EndpointField) -> Any:
    """Returns the form's control for a field of an endpoint."""
    about: Any = {"label": field.label, "description": field.help}
    if not field.is_text:
        return BooleanField(**about, default=field.default)
    if field.choices:
        choices = [SelectChoice(key, providers.label(key)) for key in field.choices]
        return SelectField(**about, choices=choices)
    return StringField(**about, render_kw={"autocomplete": "off"} | _attributes(field))


def _attributes(field: EndpointField) -> dict[str, Any]:
    if field.type is Number:
        return {"inputmode": "tel", "placeholder": field.examples[0]}
    attributes = {"dir": "auto"}
    if longest := field.schema.get("maxLength"):
        attributes["maxlength"] = longest
    return attributes | ({"list": "agents", "placeholder": "None"} if field in AGENTS else {})


class EndpointForm(Edit):
    """A control for each field of an endpoint."""

    version = HiddenField()
    stops: Sequence[str] = ()
    """The directions of a live number that saving would stop; the user confirms them first."""

    @property
    def groups(self) -> dict[str, list[Any]]:
        """The controls by the heading of their group."""
        by_group: dict[str, list[Any]] = {}
        for field in FIELDS:
            by_group.setdefault(field.group, []).append(self[field.name])
        return by_group

    @property
    def editable(self) -> list[Any]:
        return [self[field.name] for field in EDITABLE]

    def edited(self) -> dict[str, Any]:
        return {field.name: _submitted(self[field.name]) for field in EDITABLE}

    def drafted(self) -> dict[str, Any]:
        return {field.name: self[field.name].data or "" for field in FIELDS if field.fixed} | self.edited()


def _submitted(control: Any) -> Any:
    return control.data if isinstance(control, BooleanField) else forms.text_or_none(control)


class BulkForm(CountedForm):
    """The input of a bulk change: the new value of one field, or whether to remove it."""

    clear = BooleanField("Remove")
    replace_services = BooleanField("Also numbers that a known service answers, such as Vapi")
    clear_webhooks = BooleanField("Also clear their webhooks at the providers")
    signed = BooleanField(
        "Also as calls, which starts an agent for each number unless the runtime knows the mark"
    )


class ViewForm(Form):
    """The name of a saved view."""

    name = StringField("Name")


class DeleteForm(ConfirmForm):
    clear_webhook = BooleanField("Also clear the webhook at the provider")


for _field in FIELDS:
    setattr(EndpointForm, _field.name, control(_field))
    if _field.bulk and _field.is_text:
        setattr(BulkForm, _field.name, control(_field))


class SheetForm(Form):
    """Rows of a spreadsheet, as a file or as pasted text."""

    file = FileField(
        "CSV file", description="From any spreadsheet, or an export of the endpoints. You can drop it here."
    )
    rows = TextAreaField("Or paste rows", description="With the header, copied from a spreadsheet.")


class NumberSearchForm(Form):
    """Submitted by GET, so that its URL can be shared; without a CSRF token, since it changes nothing."""

    class Meta:
        csrf = False

    word = "who"
    number = StringField("Phone number", description="In any format.")
