"""Forms render and carry CSRF; what they send is validated by the services, as JSON is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    Field,
    FileField,
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)

from app.core import phone
from app.core.errors import Invalid, Malformed
from app.core.naming import settings_name
from app.provider import Count, Family, PhoneNumber, Provider
from app.provider import Field as DeclaredField
from app.providers import in_family
from app.services.connections import State
from app.services.providers import REASON_LONGEST

CLEAR = "clear_"
OLD_SESSION = "For a test: you last typed it here more than half an hour ago."


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors come from a service.

    Ids begin with the form's own word, so that several forms of one page keep their labels apart.
    """

    word: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        word = self.word or type(self).__name__.removesuffix("Form").lower()
        for field in self:
            field.id = field.label.field_id = f"{word}-{field.name}"

    def show(self, error: Invalid) -> None:
        """Puts every problem beside its field, and what belongs to none above all."""
        for problem in error.problems:
            if problem.field in self:
                field = self[problem.field]
                field.errors = [*field.errors, problem.message]
            else:
                self.form_errors.append(f"{problem.field}: {problem.message}")

    @property
    def version_sent(self) -> int:
        """-1 is no row's version."""
        text = str(self["version"].data or "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


def yes_or_no(name: str) -> bool:
    """What a button says by a hidden field; Malformed where it says neither."""
    answer = request.form.get(name)
    if answer not in ("yes", "no"):
        raise Malformed(f"Say yes or no to “{name}”.")
    return answer == "yes"


def text_or_none(field: Field) -> str | None:
    """A blank text clears."""
    return (field.data or "").strip() or None


class SignInForm(Form):
    email = StringField("Email")
    password = PasswordField("Password")
    next = HiddenField()


class CodeForm(Form):
    code = StringField("Code", description="The six digits that your authenticator app shows.")
    next = HiddenField()


class SetupForm(Form):
    organization = StringField(
        "Organization", description="Whose phone lines these are. You can add more later."
    )
    name = StringField("Your name")
    email = StringField("Email")
    password = PasswordField("Password", description="15 characters or more. A sentence is easy to remember.")
    key = HiddenField()


class OrganizationForm(Form):
    name = StringField("Name")


class SettingsForm(Form):
    name = StringField("Name")
    public_base_url = StringField(
        "Public base URL",
        description="Where providers reach your agent runtime. Every webhook URL starts with it.",
    )
    country = SelectField(
        "Country",
        description="Numbers that are typed without a country code are read as this country's.",
    )
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.country.choices = [SelectChoice("", "None: numbers need their country code"), *_countries()]


def _countries() -> list[SelectChoice]:
    found = [SelectChoice(code, name) for code, name in phone.country_names().items()]
    return sorted(found, key=lambda choice: choice.label)


def _providers(family: Family) -> list[SelectChoice]:
    return [SelectChoice(found.key, found.label) for found in in_family(family)]


class EndpointForm(Form):
    phone_number = StringField("Phone number", description="With its country code, such as +15551234567.")
    provider = SelectField("Provider", description="Whose number it is.")
    inbound_agent_name = StringField("Answered by", description="The agent that takes incoming calls.")
    outbound_agent_name = StringField("Dials as", description="The agent that calls out from this number.")
    label = StringField("Label", description="What people here call this line.")
    is_active = BooleanField("Active", default=True)
    version = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider.choices = _providers(Family.TELEPHONY)

    def edited(self) -> dict[str, Any]:
        names = ("inbound_agent_name", "outbound_agent_name", "label")
        return {name: text_or_none(self[name]) for name in names} | {"is_active": self.is_active.data}

    def drafted(self) -> dict[str, Any]:
        return self.edited() | {
            "phone_number": self.phone_number.data or "",
            "provider": self.provider.data or "",
        }


class ImportForm(Form):
    """Beside ticked numbers: which agents the endpoints get, or who gets the numbers."""

    inbound_agent_name = StringField("Answered by")
    outbound_agent_name = StringField("Dials as")
    user_id = SelectField("Person")

    def __init__(self, people: Iterable[tuple[str, str]]) -> None:
        super().__init__()
        self.user_id.choices = [
            SelectChoice("", "Choose a person"),
            *(SelectChoice(user_id, name) for user_id, name in people),
        ]

    def agents(self) -> dict[str, str | None]:
        return {name: text_or_none(self[name]) for name in ("inbound_agent_name", "outbound_agent_name")}


class SheetForm(Form):
    """Rows of a spreadsheet: a file, or pasted."""

    file = FileField("CSV file", description="From any spreadsheet, or an export of this page.")
    rows = TextAreaField("Or paste rows", description="With their header, as copied from a spreadsheet.")


class PersonForm(Form):
    name = StringField("Name")
    email = StringField("Email")
    role = SelectField(
        "Role",
        choices=[
            SelectChoice("member", "Member: has a dialer"),
            SelectChoice("superadmin", "Superadmin: everything, everywhere"),
        ],
    )
    password = PasswordField(
        "Password", description="15 characters or more. They can change it under Account."
    )
    version = HiddenField()


class NumberForm(Form):
    provider = SelectField("Provider")
    phoneNumber = StringField(  # noqa: N815
        "Phone number", description="With its country code, such as +15551234567."
    )
    label = StringField("Label")
    isDefault = BooleanField("Make it the default")  # noqa: N815

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider.choices = _providers(Family.VOICE)


class NumberSearchForm(Form):
    """Sent by GET, so that its address can be shared; it changes nothing and has no CSRF token."""

    class Meta:
        csrf = False

    word = "who"
    number = StringField("Phone number", description="As you would write it.")


class AgentIdForm(Form):
    word = "agent"

    aiAgentId = StringField("Agent ID", description="Of the agent at ElevenLabs that answers.")  # noqa: N815


class AgentForm(Form):
    word = "agent"

    aiAgentId = SelectField("Agent", description="Who answers, of the agents at ElevenLabs.")  # noqa: N815


def agent_choice(agents: Iterable[tuple[str, str]], chosen: str | None) -> AgentForm:
    """Of ids and names. One that was chosen and is not among them stays to be seen."""
    form = AgentForm(formdata=None, aiAgentId=chosen)
    known = dict(agents)
    if not chosen:
        known = {"": "Choose one"} | known
    elif chosen not in known:
        known = {chosen: f"{chosen}, not at ElevenLabs"} | known
    form.aiAgentId.choices = [SelectChoice(key, name) for key, name in known.items()]
    return form


class TokenForm(Form):
    name = StringField("Name", description="What will use it, such as “Dialer in Pune”.")
    expires_days = StringField("Days until it expires", default="365")
    scope = BooleanField("May read secrets")
    your_password = PasswordField(
        "Your password", description="Again, because a token outlives this session."
    )

    @property
    def days(self) -> int:
        text = (self.expires_days.data or "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class PasswordForm(Form):
    current_password = PasswordField("Current password")
    new_password = PasswordField("New password", description="15 characters or more.")


class TotpOffForm(Form):
    your_password = PasswordField("Your password")


class TotpBeginForm(Form):
    your_password = PasswordField("Your password", description="Again, because this changes how you sign in.")


class ToolSecretForm(Form):
    your_password = PasswordField("Your password", description="Again, because a secret is shown.")
    version = HiddenField()


class CallbackForm(Form):
    url = StringField("Callback URL")
    seen = HiddenField()


class ConfirmForm(Form):
    """For what is done by a button alone."""

    reason = StringField("Why", description="Kept in the history. May be left empty.")
    version = HiddenField()

    @property
    def why(self) -> str | None:
        return (self.reason.data or "").strip()[:REASON_LONGEST] or None


class BaseUrlForm(ConfirmForm):
    """The settings as they were typed, kept while another base URL is confirmed."""

    word = "confirm"
    name = HiddenField()
    public_base_url = HiddenField()
    country = HiddenField()


def for_provider(state: State) -> Form:
    """The provider's form, made from its declaration."""
    fields: dict[str, Any] = {
        "word": state.provider.key,
        "version": HiddenField(default=str(state.version)),
        "your_password": PasswordField("Your password", description=OLD_SESSION),
    }
    for declared in state.provider.typed_fields:
        name = settings_name(state.provider.key, declared.name)
        fields[name] = _field(declared, state)
        if declared.secret:
            fields[CLEAR + name] = BooleanField("Remove")
    made: type[Form] = type("ProviderForm", (Form,), fields)
    return made()


def _field(declared: DeclaredField, state: State) -> Any:
    if declared.secret:
        return PasswordField(declared.label, description=declared.help)
    value = state.values.get(declared.name)
    stored = declared.default if value is None else value
    render = {"inputmode": "numeric"} if isinstance(declared, Count) else {}
    render |= {"inputmode": "tel"} if isinstance(declared, PhoneNumber) else {}
    shown = "" if stored is None else str(stored)
    return StringField(declared.label, description=declared.help, default=shown, render_kw=render)


def sent_for(provider: Provider, form: Form) -> dict[str, Any]:
    """Blank keeps a secret and clears anything else."""
    sent: dict[str, Any] = {}
    for declared in provider.typed_fields:
        name = settings_name(provider.key, declared.name)
        text = (form[name].data or "").strip()
        if declared.secret:
            if text:
                sent[name] = text
            elif form[CLEAR + name].data:
                sent[name] = None
        else:
            sent[name] = _value(declared, text)
    return sent


def _value(declared: DeclaredField, text: str) -> Any:
    if isinstance(declared, Count) and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    return text or None


def differing(form: Form, now: Mapping[str, Any], names: Iterable[str]) -> list[tuple[str, str, str]]:
    """Of a stale form: label, what is stored now, and what was typed, where they differ."""
    found = []
    for name in names:
        stored, typed = now.get(name), form[name].data
        stored_text = "" if stored is None else str(stored)
        if stored_text != ("" if typed is None else str(typed)):
            found.append((str(form[name].label.text), stored_text, str(typed or "")))
    return found
