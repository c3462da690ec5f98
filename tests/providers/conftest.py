"""A provider's values, tested through the real client against a server on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from app.core.outbound.client import Outbound
from app.provider import Outcome, Verified, Verifies
from app.providers import PROVIDERS, sinch_est
from simulators import SIMULATORS
from simulators.base import CANARY, Simulator
from tests.support.lines import Account

Verify = Callable[..., Verified]


@pytest.fixture
def key(request: pytest.FixtureRequest) -> str:
    """Of the provider; a module that has none asks for it by parameter."""
    module_key: str = request.module.KEY
    return module_key


@pytest.fixture
def upstream(key: str) -> Iterator[Simulator]:
    sinch_est.tokens.clear()
    with SIMULATORS[key]() as running:
        yield running


@pytest.fixture
def account(key: str, upstream: Simulator) -> Account:
    return Account(key, upstream)


@pytest.fixture
def verify(key: str, upstream: Simulator) -> Verify:
    """Tests the account's values with some of them changed; what every result promises is checked."""

    def verify(*, deadline: float = 5.0, **changes: Any) -> Verified:
        values = upstream.values | changes
        http = Outbound(upstream.upstreams, deadline=deadline)
        result = cast(Verifies, PROVIDERS[key]).verify(http, values)
        secrets = [values[field.name] for field in PROVIDERS[key].secrets if values.get(field.name)]
        assert not [secret for secret in secrets if secret in repr(result)]
        assert CANARY not in result.reason
        assert result.code in list(Outcome)
        assert result.ok is (result.code in (Outcome.OK, Outcome.NOT_PROVEN, Outcome.LIMITED))
        assert result.reason.isprintable()
        assert result.reason[0].isupper() or "." in result.reason.split()[0]
        assert result.reason.endswith(".")
        return result

    return verify
