"""The pages of webhook tests: the last results, a test without a signature, and a signed one as a call."""

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
    """The addresses of a subject's tests: `here` shows and runs them, `confirm` precedes a signed one.

    `back` is the subject's own page. `shown` is the subject's name for users; `agent` is the one that a call
    starts, if known.
    """

    here: str
    confirm: str
    back: str
    shown: str
    agent: str | None = None


def show(scope: Scope, subject: Subject, address: Address) -> Response:
    """Shows the last results, without sending a request."""
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
    return render.with_retry_after(response, problem) if problem else response


def run(scope: Scope, subject: Subject, address: Address) -> Response:
    """Runs the submitted test. htmx gets HX-Trigger, which reloads the history."""
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
    """Shows what a signed request starts, before it is sent; or that there is no URL to test."""
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
