"""The button for the setup's next step, in the message about the last one."""

from __future__ import annotations

from flask import flash, request, url_for
from markupsafe import Markup

from app.services.scope import Scope
from app.services.status import setup
from app.web.shell import messages
from app.web.shell.places import place

BUTTON = Markup('{} <a class="btn btn-sm btn-primary" href="{}">{}</a>')


def button(scope: Scope) -> tuple[str, str] | None:
    """Returns the next step's label and address; None on its page, and after the last step."""
    step = setup.next_step(scope)
    if step is None:
        return None
    address = place(scope.organization.slug, step.place, step.provider, step.endpoint_id)
    return None if address == request.path else (step.key.label, address)


def flash_done(scope: Scope, text: str) -> None:
    """Flashes `text`, with the button for the next step unless that step is on this page."""
    step = button(scope)
    flash(BUTTON.format(text, step[1], step[0]) if step else text, "ok")


def flash_with_home(text: str) -> None:
    """Flashes the result of the last step, with a link to the organization's home."""
    flash(BUTTON.format(text, url_for("home.show"), messages.GO_HOME), "ok")
