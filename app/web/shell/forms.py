"""Base classes of forms, which render fields and check CSRF. Services validate the values, as for JSON."""

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

    Each id begins with the form's `word`, so that ids stay unique if a page has several forms. A `version`
    passed to the constructor replaces the submitted one: a page that is shown again has the present version.
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
        """Adds each problem to its field, or to the form if it has no such field.

        The calls API names its fields in camelCase; forms do not.
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
        """Catches a refusal in the block, and aborts with the page that `show` returns for it.

        The problems of an Invalid are added to their fields. `beside` maps other errors to the field that
        shows them, or "" for the form as a whole; the first matching class counts.
        """
        refused: tuple[type[PatchbayError], ...] = (Invalid, *(beside or {}))
        try:
            yield
        except refused as error:
            if isinstance(error, Invalid):
                self.add_errors(error)
            else:
                self._add_error(error, beside or {})
            abort(render.with_retry_after(show(error.status), error))

    def _add_error(self, error: PatchbayError, beside: Mapping[type[PatchbayError], str]) -> None:
        name = next(name for kind, name in beside.items() if isinstance(error, kind))
        text = messages.PASSWORD_NEEDED if isinstance(error, PasswordNeeded) else error.message
        if name:
            self[name].errors = [text]
        else:
            self.form_errors.append(text)

    @property
    def submitted_version(self) -> int:
        """The submitted version; -1, which no row has, if it is not a number."""
        text = str(self["version"].data or "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else -1


class Edit(Form):
    """A form over stored values.

    It contains the values that it was opened with, to detect who changed which.
    """

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
        """The values by field; empty if the client did not send them."""
        with suppress(ValueError, RecursionError):
            parsed = json.loads(self.seen.data or "")
            if isinstance(parsed, dict):
                return {name: text for name, text in parsed.items() if isinstance(text, str)}
        return {}

    @staticmethod
    def text_of(field: Field) -> str:
        """Returns a field's value as text for comparison: values that look the same are the same."""
        if isinstance(field, BooleanField):
            return "yes" if field.data else "no"
        return "" if field.data is None else str(field.data).strip()


def yes_or_no(name: str) -> bool:
    """Returns the value of a hidden yes/no field. Raises Malformed for any other value."""
    answer = request.form.get(name)
    if answer not in ("yes", "no"):
        raise Malformed(messages.yes_or_no_needed(name))
    return answer == "yes"


def text_or_none(field: Field) -> str | None:
    """Returns the field's text; None if it is blank."""
    return (field.data or "").strip() or None


def providers(family: Family) -> list[SelectChoice]:
    return [SelectChoice(provider.key, provider.label) for provider in in_family(family)]


class ReasonForm(Form):
    """A form with an optional reason, which is saved to the audit log."""

    reason = StringField("Reason (optional)", description="Saved to the audit log.")

    @property
    def why(self) -> str | None:
        return (self.reason.data or "").strip()[:REASON_LONGEST] or None


class CountedForm(ReasonForm):
    """Confirms a bulk change; carries the count of rows that the page showed."""

    word = "many"
    count = HiddenField()

    @property
    def seen(self) -> int | None:
        text = str(self.count.data or "")
        return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


class UndoForm(CountedForm):
    """Confirms an undo; carries also the count of live numbers, by direction, that it deactivates."""

    inbound = HiddenField()
    outbound = HiddenField()

    @property
    def stopped(self) -> dict[str, int]:
        submitted = {"inbound": self.inbound.data or "", "outbound": self.outbound.data or ""}
        return {name: int(text) for name, text in submitted.items() if re.fullmatch("[0-9]{1,9}", text)}


AGAIN = "Confirm your password to change access."


class ConfirmForm(ReasonForm):
    """Confirms an action that has no other input than its button."""

    word = "confirm"
    version = HiddenField()


class AccessForm(ConfirmForm):
    """Disables a user, or enables them again."""

    your_password = PasswordField("Your password", description=AGAIN)
