"""Forms for an organization and its settings."""

from __future__ import annotations

from typing import Any

from wtforms import (  # type: ignore[attr-defined]
    HiddenField,
    SelectChoice,
    SelectField,
    StringField,
)

from app.core import phone
from app.web.organizations import messages
from app.web.shell.forms import ConfirmForm, Edit, Form


class OrganizationForm(Form):
    name = StringField("Name")


class SettingsForm(Edit):
    name = StringField("Name")
    public_base_url = StringField(
        "Public base URL",
        description=messages.BASE_URL_HELP,
    )
    country = SelectField(
        "Country",
        description=messages.COUNTRY_HELP,
    )
    reads_last_calls = SelectField(
        "Read last calls",
        description=messages.LAST_CALLS_HELP,
        choices=[SelectChoice("no", messages.ON_DEMAND), SelectChoice("yes", messages.DAILY)],
    )
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self["public_base_url"].about = messages.ABOUT_BASE_URL
        self.country.choices = [SelectChoice("", messages.NO_COUNTRY), *_countries()]


def _countries() -> list[SelectChoice]:
    choices = [SelectChoice(code, name) for code, name in phone.country_names().items()]
    return sorted(choices, key=lambda choice: choice.label)


class BaseUrlForm(ConfirmForm):
    """The submitted settings, while another base URL is confirmed."""

    name = HiddenField()
    public_base_url = HiddenField()
    country = HiddenField()
    reads_last_calls = HiddenField()
    seen = HiddenField()
