"""Forms for endpoints, one and many, and their files."""

from __future__ import annotations

from typing import Any

from wtforms import (
    BooleanField,
    FileField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)

from app.provider import Family
from app.web.shell import forms
from app.web.shell.forms import CountedForm, Edit, Form


class EndpointForm(Edit):
    phone_number = StringField("Phone number", description="With its country code, such as +15551234567.")
    provider = SelectField("Provider", description="Whose number it is.")
    inbound_agent_name = StringField("Answered by", description="The agent that takes incoming calls.")
    outbound_agent_name = StringField("Dials as", description="The agent that calls out from this number.")
    label = StringField("Label", description="What people here call this line.")
    is_active = BooleanField("Active", default=True)
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider.choices = forms.providers(Family.TELEPHONY)

    def edited(self) -> dict[str, Any]:
        names = ("inbound_agent_name", "outbound_agent_name", "label")
        return {name: forms.text_or_none(self[name]) for name in names} | {"is_active": self.is_active.data}

    def drafted(self) -> dict[str, Any]:
        return self.edited() | {
            "phone_number": self.phone_number.data or "",
            "provider": self.provider.data or "",
        }


class ManyEndpointsForm(CountedForm):
    """Beside what was selected: their new agent, or that they are to have none."""

    inbound_agent_name = StringField("Answered by")
    outbound_agent_name = StringField("Dials as")
    nobody = BooleanField("Take their agent away")


class SheetForm(Form):
    """Rows of a spreadsheet: a file, or pasted."""

    file = FileField("CSV file", description="From any spreadsheet, or an export of this page.")
    rows = TextAreaField("Or paste rows", description="With their header, as copied from a spreadsheet.")


class NumberSearchForm(Form):
    """Sent by GET, so that its address can be shared; it changes nothing and has no CSRF token."""

    class Meta:
        csrf = False

    word = "who"
    number = StringField("Phone number", description="As you would write it.")
