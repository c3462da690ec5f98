"""A provider's numbers, asked for through the real client; what every refusal promises is checked."""

from __future__ import annotations

from typing import Any, cast

import pytest

from app.core import phone
from app.core.outbound.client import Outbound
from app.provider import CallsBack, Numbers, Observes, Outcome, Points, Refusal, Verified, numbers
from app.provider.numbers import Callback, ProviderNumber, Reason
from app.providers import PROVIDERS
from simulators.base import CANARY, Simulator

URL = "https://voice.example.com/telephony/sample/inbound/support%20desk"


def check_refusal(key: str, upstream: Simulator, result: Verified) -> None:
    secrets = [
        upstream.values[field.name] for field in PROVIDERS[key].secrets if field.name in upstream.values
    ]
    assert secrets
    assert not [secret for secret in secrets if secret in result.reason]
    assert CANARY not in result.reason
    assert result.ok is False
    assert result.code in set(Outcome) - {Outcome.OK, Outcome.NOT_PROVEN, Outcome.LIMITED}
    assert result.reason.isprintable()
    assert result.reason.endswith(".")
    assert result.reason[0].isupper() or "." in result.reason.split()[0]


def check_line(line: ProviderNumber) -> None:
    assert phone.E164.fullmatch(line.phone_number)
    texts: list[Any] = [line.label, line.webhook_url, line.method]
    for text in (*filter(None, texts), line.override_name, line.reference, line.application_id):
        assert isinstance(text, str)
        assert text.isprintable()
        assert len(text) <= 2000
    assert len(line.label or "") <= 200
    assert line.phone_number not in line.shared_with


class Account:
    """The account that the stub server has, as the portal sees it."""

    def __init__(self, key: str, upstream: Simulator) -> None:
        self.key = key
        self.upstream = upstream
        self.deadline = 5.0

    @property
    def _http(self) -> Outbound:
        return Outbound(self.upstream.upstreams, deadline=self.deadline)

    def numbers(self, **changes: Any) -> list[ProviderNumber]:
        provider = cast(Numbers, PROVIDERS[self.key])
        lines = list(provider.numbers(self._http, self.upstream.values | changes))
        for line in lines:
            check_line(line)
        return lines

    def by_number(self) -> dict[str, ProviderNumber]:
        return {line.phone_number: line for line in self.numbers()}

    def observe(self, phone_number: str, **changes: Any) -> ProviderNumber | None:
        provider = cast(Observes, PROVIDERS[self.key])
        line = provider.observe(self._http, self.upstream.values | changes, phone_number)
        if line:
            check_line(line)
            assert line.phone_number == phone_number
        return line

    def line(self, phone_number: str) -> ProviderNumber:
        line = self.observe(phone_number)
        assert line
        return line

    def drift(self, phone_number: str, url: str = URL) -> Reason | None:
        return numbers.difference(self.observe(phone_number), url)

    def point(self, line: ProviderNumber, url: str = URL, **changes: Any) -> None:
        cast(Points, PROVIDERS[self.key]).point(self._http, self.upstream.values | changes, line, url)

    def callback(self, **changes: Any) -> Callback:
        return cast(CallsBack, PROVIDERS[self.key]).callback(self._http, self.upstream.values | changes)

    def set_callback(self, url: str, **changes: Any) -> None:
        provider = cast(CallsBack, PROVIDERS[self.key])
        provider.set_callback(self._http, self.upstream.values | changes, url)

    def starts_with_write(self) -> bool:
        """Whether the first request could have changed something: the only one that a failure allows."""
        first = self.upstream.requests[0]
        return (first.method, first.path) in self.upstream.writes

    def refusal(self, what: str, *args: Any, **changes: Any) -> Verified:
        with pytest.raises(Refusal) as refused:
            getattr(self, what)(*args, **changes)
        check_refusal(self.key, self.upstream, refused.value.result)
        return refused.value.result
