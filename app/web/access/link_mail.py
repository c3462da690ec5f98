"""Sends a new password link to its user, if a mail server and PATCHBAY_PUBLIC_URL are set."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app

from app import context, links
from app.core import clock
from app.core.outbound.answer import OutboundError
from app.destination import Message, NotSent, Tone
from app.destinations import KINDS
from app.models import LinkPurpose, User, base
from app.services.access.password_links import NewLink
from app.services.scope import Scope
from app.web.access import messages

MAIL = "email"


@dataclass(frozen=True)
class Outcome:
    """Whether the mail server accepted the mail, and the problem if it did not."""

    ok: bool
    problem: str = ""


def send(scope: Scope, user: User, link: NewLink) -> Outcome | None:
    """Sends the link and returns the outcome; None if no mail can be sent.

    The link works in any case. Without PATCHBAY_PUBLIC_URL no mail is sent, because the browser controls the
    host of a request.
    """
    settings, sender = context.settings(), current_app.extensions["patchbay_sender"]
    if settings.public_url is None or settings.mailer is None:
        return None
    url = links.of_password(link.token, settings.public_url)
    message, address = _message(scope, user, link, url), user.email
    scope.end_read()
    try:
        KINDS[MAIL].send(sender.post, {"address": address}, message)
    except (NotSent, OutboundError) as error:
        return Outcome(ok=False, problem=error.message)
    return Outcome(ok=True)


def _message(scope: Scope, user: User, link: NewLink, url: str) -> Message:
    is_invitation = link.purpose is LinkPurpose.INVITATION
    return Message(
        id=base.new_id(),
        event="user.invited" if is_invitation else "reset-link.created",
        tone=Tone.NOTICE,
        at=clock.now(),
        title=messages.INVITED if is_invitation else messages.RESET_LINK,
        details=messages.link_mail(user.name, scope.actor.name, link.expires_at, is_invitation=is_invitation),
        organization=(scope.organization.id, scope.organization.name),
        url=url,
    )
