"""Field types that several drafts share, with their limits."""

from __future__ import annotations

from typing import Annotated

from app.core import texts, urls
from app.services import validation
from app.services.validation import Checked

AGENT_LONGEST = 100
LABEL_LONGEST = 200


def check_agent(value: str, _country: str | None = None) -> str:
    """Returns an agent's name that can be one segment of a URL. Raises ValueError."""
    if not value:
        raise ValueError("An agent name can't be empty. Send null for no agent.")
    if len(value) > AGENT_LONGEST:
        raise ValueError(f"An agent name has at most {AGENT_LONGEST} characters.")
    if "/" in value or "\\" in value or value in (".", "..") or texts.CONTROL.search(value):
        raise ValueError("An agent name has no slash or control characters, and is not a dot or two.")
    return value


def check_label(value: str, _country: str | None = None) -> str:
    if len(value) > LABEL_LONGEST:
        raise ValueError(f"A label has at most {LABEL_LONGEST} characters.")
    if texts.CONTROL.search(value):
        raise ValueError("A label is one line, without control characters.")
    return value


Agent = Annotated[str, Checked(check_agent, {"minLength": 1, "maxLength": AGENT_LONGEST})]
Label = Annotated[str, Checked(check_label, {"maxLength": LABEL_LONGEST})]


NAME_LONGEST = 120


def check_name(value: str, _country: str | None = None) -> str:
    if not value:
        raise ValueError("This is required.")
    if len(value) > NAME_LONGEST:
        raise ValueError(f"A name has at most {NAME_LONGEST} characters.")
    if texts.CONTROL.search(value):
        raise ValueError("A name is one line, without control characters.")
    return value


Name = Annotated[str, Checked(check_name)]


BaseUrl = Annotated[str, validation.Checked(lambda text, _country: urls.public_base_url(text))]
