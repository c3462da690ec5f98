"""Fields that destinations have beside those of providers."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlsplit

from app.core import texts, urls
from app.core.outbound import addresses
from app.destination import messages
from app.provider.fields import Field


@dataclass(frozen=True)
class ReceiverUrl(Field):
    """The https URL of a server on the internet that receives messages."""

    longest: ClassVar[int] = urls.LONGEST_CALLBACK

    def check(self, value: str, country: str | None) -> str:
        address = addresses.literal(_host(value))
        if address is not None and not addresses.is_public(address):
            raise ValueError(messages.PRIVATE_ADDRESS)
        return urls.callback_url(value)

    def constraints(self) -> dict[str, Any]:
        return {"minLength": 1, "maxLength": self.longest, "format": "uri", "pattern": urls.CALLBACK}


def _host(url: str) -> str:
    try:
        return urlsplit(url.strip()).hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True)
class MailAddress(Field):
    """One e-mail address."""

    longest: ClassVar[int] = 254

    def check(self, value: str, country: str | None) -> str:
        value = unicodedata.normalize("NFKC", value).strip()
        if len(value) > self.longest or texts.CONTROL.search(value) or not addresses.MAIL.fullmatch(value):
            raise ValueError(messages.MAIL_ADDRESS)
        return value

    def constraints(self) -> dict[str, Any]:
        return {
            "minLength": 1,
            "maxLength": self.longest,
            "format": "email",
            "pattern": f"^{addresses.MAIL.pattern}$",
        }
