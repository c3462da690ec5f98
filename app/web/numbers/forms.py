"""The form for importing numbers."""

from __future__ import annotations

from collections.abc import Iterable

from wtforms import (  # type: ignore[attr-defined]
    SelectChoice,
    SelectField,
    StringField,
)

from app.services.endpoints.fields import LABELS
from app.web.numbers import messages
from app.web.shell import forms
from app.web.shell.forms import Form


class ImportForm(Form):
    """The agents of the endpoints to create, or the user to whom the selected numbers are assigned."""

    inbound_agent_name = StringField(LABELS["inbound_agent_name"])
    outbound_agent_name = StringField(LABELS["outbound_agent_name"])
    user_id = SelectField("User")

    def __init__(self, people: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.user_id.choices = [
            SelectChoice("", messages.CHOOSE_USER),
            *(SelectChoice(user_id, name) for user_id, name in people),
        ]

    def agents(self) -> dict[str, str | None]:
        return {
            name: forms.text_or_none(self[name]) for name in ("inbound_agent_name", "outbound_agent_name")
        }
