"""Forms for signing in, people, tokens and numbers."""

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
from app.web.shell import forms
from app.web.shell.forms import Edit, Form


class SignInForm(Form):
    email = StringField("Email")
    password = PasswordField("Password")
    next = HiddenField()


class CodeForm(Form):
    code = StringField("Code", description="The six digits that your authenticator app shows.")
    next = HiddenField()


class RecoveryForm(CodeForm):
    word = "code"

    code = StringField("Recovery code", description="One that you kept for this. It works once.")


class SetupForm(Form):
    key = StringField("Setup key", description="The end of the setup link, as the console shows it.")
    organization = StringField(
        "Organization", description="Whose phone lines these are. You can add more later."
    )
    name = StringField("Your name")
    email = StringField("Email")
    password = PasswordField("Password", description="15 characters or more. A sentence is easy to remember.")


class PersonForm(Edit):
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
        "Password",
        description="15 characters or more. When they sign in, they are told to choose their own.",
    )
    your_password = PasswordField("Your password", description=forms.AGAIN)
    version = HiddenField()


class NumberForm(Form):
    provider = SelectField("Provider")
    phone_number = StringField("Phone number", description="With its country code, such as +15551234567.")
    label = StringField("Label")
    is_default = BooleanField("Make it the default")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.provider.choices = forms.providers(Family.VOICE)


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


class ReauthForm(Form):
    """Both steps again, before the second one is changed."""

    your_password = PasswordField("Your password")
    code = StringField("Code", description="From your authenticator app, or a recovery code.")


class TotpOffForm(ReauthForm):
    pass


class NewCodesForm(ReauthForm):
    pass


class KeptCodesForm(Form):
    """Codes on their way into a file: the server keeps none that it could give."""

    codes = HiddenField()


class ResetForm(Form):
    password = PasswordField(
        "New password", description="15 characters or more. Leave it empty to have one made."
    )
    ends_two_step = BooleanField("Switch two-step sign-in off too")
    your_password = PasswordField("Your password", description="Again, because this opens an account.")


class TotpBeginForm(Form):
    your_password = PasswordField("Your password", description="Again, because this changes how you sign in.")
