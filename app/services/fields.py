"""Field types that several drafts share, with their limits."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from app.core import texts, urls
from app.services import messages, validation
from app.services.validation import Checked

AGENT_LONGEST = 100
_SAFE_AGENT = re.compile(r"[A-Za-z0-9._~-]+")
"""The characters that a URL contains as they are; all others are percent-encoded."""
LABEL_LONGEST = 200


def is_safe_agent(name: str) -> bool:
    """Whether a webhook URL contains the name unchanged, as most signature checks require."""
    return _SAFE_AGENT.fullmatch(name) is not None


def check_agent(value: str, _country: str | None = None) -> str:
    """Returns an agent's name in NFC. Raises ValueError if it cannot be one segment of a URL.

    Invisible characters are refused and letters normalized, so that two different names never look alike.
    """
    value = unicodedata.normalize("NFC", value)
    if not value:
        raise ValueError(messages.AGENT_EMPTY)
    if len(value) > AGENT_LONGEST:
        raise ValueError(messages.agent_too_long(AGENT_LONGEST))
    if "/" in value or "\\" in value or value in (".", "..") or texts.CONTROL.search(value):
        raise ValueError(messages.AGENT_CHARACTERS)
    if texts.has_invisible(value):
        raise ValueError(messages.AGENT_INVISIBLE)
    if value != value.strip():
        raise ValueError(messages.AGENT_SPACES)
    return value


def check_label(value: str, _country: str | None = None) -> str:
    if len(value) > LABEL_LONGEST:
        raise ValueError(messages.label_too_long(LABEL_LONGEST))
    if texts.CONTROL.search(value):
        raise ValueError(messages.LABEL_CHARACTERS)
    return value


Agent = Annotated[
    str, Checked(check_agent, {"minLength": 1, "maxLength": AGENT_LONGEST, "pattern": texts.SEGMENT})
]
Label = Annotated[str, Checked(check_label, {"maxLength": LABEL_LONGEST, "pattern": texts.LINE})]


NAME_LONGEST = 120


def check_name(value: str, _country: str | None = None) -> str:
    if not value:
        raise ValueError(messages.REQUIRED)
    if len(value) > NAME_LONGEST:
        raise ValueError(messages.name_too_long(NAME_LONGEST))
    if texts.CONTROL.search(value):
        raise ValueError(messages.NAME_CHARACTERS)
    return value


Name = Annotated[
    str, Checked(check_name, {"minLength": 1, "maxLength": NAME_LONGEST, "pattern": texts.FILLED_LINE})
]


BaseUrl = Annotated[
    str,
    validation.Checked(
        lambda text, _country: urls.public_base_url(text),
        {"format": "uri", "maxLength": urls.LONGEST, "pattern": urls.PUBLIC},
    ),
]
