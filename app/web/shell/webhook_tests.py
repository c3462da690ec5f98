"""The pages of webhook tests: the last results, a test without a signature, and a confirmed one as a call."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Response

from app import context
from app.core.errors import Conflict, PatchbayError, TooMany
from app.provider.webhooks import MARK, MARK_HEADER
from app.services.scope import Scope
from app.services.webhook_tests import results, runs
from app.services.webhook_tests.subjects import Subject
from app.web.shell import render
from app.web.shell.forms import ConfirmForm, yes_or_no


@dataclass(frozen=True)
class Address:
    """Where the tests of a subject are: `here` shows and makes them, `confirm` comes before a signed one.

    `back` is the subject's own page. `shown` names the subject for people; `agent` is started by a call, if
    that is known.
    """

    here: str
    confirm: str
    back: str
    shown: str
    agent: str | None = None


def show(scope: Scope, subject: Subject, address: Address) -> Response:
    """Shows the last results. Nothing is requested."""
    return _page(scope, subject, address)


def _page(
    scope: Scope, subject: Subject, address: Address, problem: PatchbayError | None = None, status: int = 200
) -> Response:
    response = render.page(
        "shell/webhook_test.html",
        status,
        provider=subject.provider,
        subject=subject,
        address=address,
        report=results.of(scope, subject),
        problem=problem.message if problem else "",
    )
    return render.later(response, problem) if problem else response


def run(scope: Scope, subject: Subject, address: Address) -> Response:
    """Tests what the form says. htmx gets HX-Trigger, which makes the history load again."""
    try:
        runs.run_test(scope, context.outbound(), subject, signed=yes_or_no("signed"))
    except (Conflict, TooMany) as error:
        return _page(scope, subject, address, error, error.status)
    if not render.is_fragment_request():
        return render.redirect_to(f"{address.back}#webhook_test")
    response = show(scope, subject, address)
    response.headers["HX-Trigger"] = "changed"
    return response


def confirm(scope: Scope, subject: Subject, address: Address) -> Response:
    """Says what a signed request starts, before it is sent; or that there is nothing to test."""
    try:
        url = subject.require_url()
    except Conflict as error:
        return _page(scope, subject, address, error)
    return render.page(
        "shell/webhook_test_signed.html",
        provider=subject.provider,
        url=url,
        address=address,
        form=ConfirmForm(),
        mark=MARK,
        mark_header=MARK_HEADER,
    )
