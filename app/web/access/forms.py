"""Forms for signing in, users, tokens and numbers."""

from __future__ import annotations

from typing import Any

from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    HiddenField,
    PasswordField,
    SelectChoice,
    SelectField,
    StringField,
)

from app.provider import Family
from app.services.access import passwords
from app.web.shell import forms
from app.web.shell.forms import Edit, Form


class NewPasswordField(PasswordField):
    """A field for a new password; the page shows whether it is long enough."""

    shortest = passwords.SHORTEST


LONG = f"{passwords.SHORTEST} characters or more."
EASY = f"{LONG} A sentence is easy to remember."


class SignInForm(Form):
    email = StringField("Email")
    password = PasswordField("Password")
    next = HiddenField()


class CodeForm(Form):
    code = StringField("Code", description="The 6 digits from your authenticator app.")
    next = HiddenField()


class RecoveryForm(CodeForm):
    word = "code"

    code = StringField("Recovery code", description="One of your saved codes. Each works once.")


class SetupForm(Form):
    key = StringField("Setup key", description="From the end of the setup link on the console.")
    organization = StringField(
        "Organization", description="The company whose phone numbers these are. You can add more later."
    )
    name = StringField("Your name")
    email = StringField("Email")
    password = NewPasswordField("Password", description=EASY)


class PersonForm(Edit):
    name = StringField("Name")
    email = StringField("Email")
    role = SelectField(
        "Role",
        choices=[
            SelectChoice("member", "Member (dialer only)"),
            SelectChoice("superadmin", "Superadmin (all organizations)"),
        ],
    )
    your_password = PasswordField("Your password", description=forms.AGAIN)
    version = HiddenField()


class NumberForm(Form):
    provider = SelectField("Provider")
    phone_number = StringField("Phone number", description="Include the country code, e.g. +1 555 123 4567.")
    label = StringField("Label")
    is_default = BooleanField("Make default")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider.choices = forms.providers(Family.VOICE)


class TokenForm(Form):
    name = StringField("Name", description="What will use it, e.g. “Dialer in Pune”.")
    expires_days = StringField("Days until it expires", default="365")
    scope = BooleanField("Scope: secrets")
    your_password = PasswordField("Your password", description="Confirm your password.")

    @property
    def days(self) -> int:
        text = (self.expires_days.data or "").strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


class PasswordForm(Form):
    current_password = PasswordField("Current password")
    new_password = NewPasswordField("New password", description=LONG)


class ReauthForm(Form):
    """Confirms both steps of the sign-in, before the second one is changed."""

    your_password = PasswordField("Your password")
    code = StringField("Code", description="From your authenticator app, or a recovery code.")


class TotpOffForm(ReauthForm):
    pass


class NewCodesForm(ReauthForm):
    pass


class CodesFileForm(Form):
    """Submits recovery codes for a file: the server stores only their hashes."""

    codes = HiddenField()


class LinkForm(Form):
    ends_two_step = BooleanField("Also turn off two-step sign-in")
    your_password = PasswordField("Your password", description=forms.AGAIN)


class PolicyForm(Form):
    your_password = PasswordField("Your password", description=forms.AGAIN)


class OpenLinkForm(Form):
    key = StringField("Code", description="What follows the # in your link.")


class ChoosePasswordForm(Form):
    """Submits the link's token again with the password, because the server stores only its hash."""

    word = "choose"
    key = HiddenField()
    email = StringField("Email")
    new_password = NewPasswordField("Password", description=EASY)


class TotpBeginForm(Form):
    your_password = PasswordField("Your password", description="Confirm your password.")
