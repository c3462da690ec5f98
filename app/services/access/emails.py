"""Validation of email addresses, with a sentence for each wrong part."""

from __future__ import annotations

import re

from app.services.access import messages

LONGEST = 254
LONGEST_NAME = 64

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def problem_of(email: str) -> str | None:
    """Returns a sentence about the error in an email address; None if its form is valid."""
    if not email:
        return messages.EMAIL
    if any(character.isspace() for character in email):
        return messages.EMAIL_HAS_SPACES
    if _CONTROL.search(email):
        return messages.EMAIL
    return _problem_of_parts(email)


def _problem_of_parts(email: str) -> str | None:
    name, at, domain = email.partition("@")
    if not at:
        return messages.EMAIL_WITHOUT_AT
    if "@" in domain:
        return messages.EMAIL_WITH_MANY_AT
    if not name:
        return messages.EMAIL_WITHOUT_NAME
    if not domain:
        return messages.EMAIL_WITHOUT_DOMAIN
    if len(name) > LONGEST_NAME or len(email) > LONGEST:
        return messages.email_too_long(LONGEST, LONGEST_NAME)
    return _problem_of_domain(domain)


def _problem_of_domain(domain: str) -> str | None:
    if "." not in domain:
        return messages.EMAIL_WITHOUT_DOT
    return None if all(domain.split(".")) else messages.EMAIL_WITH_EMPTY_LABEL
