"""Forms render and carry CSRF; what they send is validated by the services, as JSON is."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from flask import Response, abort, request
from flask_wtf import FlaskForm
from pydantic.alias_generators import to_snake
from wtforms import (  # type: ignore[attr-defined]
    BooleanField,
    Field,
    HiddenField,
    PasswordField,
    SelectChoice,
    StringField,
)

from app.core.errors import Invalid, Malformed, PatchbayError
from app.csrf_tokens import MaskedFormTokens
from app.provider import Family
from app.providers import in_family
from app.services.access.step_up import PasswordNeeded
from app.services.providers.active import REASON_LONGEST
from app.web.shell import messages, render

CLEAR = "clear_"


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors come from a service.

    Ids begin with the form's own word, so that several forms of one page keep their labels apart. A
    version that it is given holds, also where another one was sent: what is shown again is shown as it is.
    """

    word: str | None = None

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        csrf_class = MaskedFormTokens

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "version" in kwargs and "version" in self:
            self["version"].data = kwargs["version"]
        word = self.word or type(self).__name__.removesuffix("Form").lower()
        for field in self:
            field.id = field.label.field_id = f"{word}-{field.name}"

    def add_errors(self, error: Invalid) -> None:
        """Puts every problem beside its field, and what belongs to none above all.

        The calls API names its fields in camelCase, forms do not.
        """
        for problem in error.problems:
            name = to_snake(problem.field)
            if name in self:
                field = self[name]
                field.errors = [*field.errors, problem.message]
            else:
                self.form_errors.append(f"{problem.field}: {problem.message}")

    @contextmanager
    def refusals(
        self,
        show: Callable[[int], Response],
        beside: Mapping[type[PatchbayError], str] | None = None,
    ) -> Iterator[None]:
        """Answers with the page of `show`, given the status, if what is done inside is refused.

        An Invalid names its fields. `beside` lists what else is caught and the field that shows it, "" for
        the form as a whole; the first class that fits counts.
        """
        refused: tuple[type[PatchbayError], ...] = (Invalid, *(beside or {}))
        try:
            yield
        except refused as error:
            if isinstance(error, Invalid):
                self.add_errors(error)
            else:
                self._add_error(error, beside or {})
            abort(render.later(show(error.status), error))

    def _add_error(self, error: PatchbayError, beside: Mapping[type[PatchbayError], str]) -> None:
        name = next(name for kind, name in beside.items() if isinstance(error, kind))
        text = messages.PASSWORD_NEEDED if isinstance(error, PasswordNeeded) else error.message
        if name:
            self[name].errors = [text]
        else:
            self.form_errors.append(text)

    @property
    def version_sent(self) -> int:
        """-1 is no row's version."""
        text = str(self["version"].data or "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


class Edit(Form):
    """A form over stored values. It carries those that it was opened with, to detect who changed what."""

    version = HiddenField()
    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.seen.raw_data is None:
            shown = [field for field in self if not isinstance(field, HiddenField | PasswordField)]
            plain = [field for field in shown if not field.name.startswith(CLEAR)]
            self.remember({field.name: self.text_of(field) for field in plain})

    def remember(self, opened_with: Mapping[str, str]) -> None:
        self.seen.data = json.dumps(opened_with)

    @property
    def opened_with(self) -> dict[str, str]:
        """Returns values by field; empty if the client did not send them."""
        with suppress(ValueError, RecursionError):
            sent = json.loads(self.seen.data or "")
            if isinstance(sent, dict):
                return {name: text for name, text in sent.items() if isinstance(text, str)}
        return {}

    @staticmethod
    def text_of(field: Field) -> str:
        """As it is compared: what looks the same is the same."""
        if isinstance(field, BooleanField):
            return "yes" if field.data else "no"
        return "" if field.data is None else str(field.data).strip()


def yes_or_no(name: str) -> bool:
    """Returns the value of a hidden yes/no field. Raises Malformed for anything else."""
    answer = request.form.get(name)
    if answer not in ("yes", "no"):
        raise Malformed(messages.say_yes_or_no(name))
    return answer == "yes"


def text_or_none(field: Field) -> str | None:
    """A blank text clears."""
    return (field.data or "").strip() or None


def providers(family: Family) -> list[SelectChoice]:
    return [SelectChoice(found.key, found.label) for found in in_family(family)]


class ReasonForm(Form):
    """Why something is done."""

    reason = StringField("Reason (optional)", description="Saved to the audit log.")

    @property
    def why(self) -> str | None:
        return (self.reason.data or "").strip()[:REASON_LONGEST] or None


class CountedForm(ReasonForm):
    """Confirms a bulk change; carries the number of rows that the page showed."""

    word = "many"
    count = HiddenField()

    @property
    def seen(self) -> int | None:
        text = str(self.count.data or "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


class UndoForm(CountedForm):
    """Carries also how many live numbers the page said to be taken down, by direction."""

    inbound = HiddenField()
    outbound = HiddenField()

    @property
    def stopped(self) -> dict[str, int]:
        sent = {"inbound": self.inbound.data or "", "outbound": self.outbound.data or ""}
        return {name: int(text) for name, text in sent.items() if re.fullmatch("[0-9]{1,9}", text)}


AGAIN = "Confirm your password to change access."


class ConfirmForm(ReasonForm):
    """For what is done by a button alone."""

    word = "confirm"
    version = HiddenField()


class AccessForm(ConfirmForm):
    """For disabling a person, and for letting them in again."""

    your_password = PasswordField("Your password", description=AGAIN)
