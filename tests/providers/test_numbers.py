"""What listing, observing and pointing numbers promises for every provider that can do it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from app.core.outbound.answer import OutboundError
from app.provider import Capability, Outcome, Refusal
from app.provider.numbers import ProviderNumber
from app.providers import PROVIDERS
from simulators.base import CANARY, PLAIN, Reply, Trouble
from tests.support.lines import URL

ABSENT = "+15550009999"
CALLS = {
    "numbers": Capability.NUMBERS,
    "observe": Capability.OBSERVE,
    "point": Capability.POINT,
    "callback": Capability.CALLBACK,
    "set_callback": Capability.CALLBACK,
}
TROUBLES = {
    Trouble.RATE_LIMITED: Outcome.RATE_LIMITED,
    Trouble.FAULT: Outcome.UNEXPECTED_ANSWER,
    Trouble.HTML: Outcome.UNEXPECTED_ANSWER,
    Trouble.REFUSED_IN_HTML: Outcome.UNEXPECTED_ANSWER,
    Trouble.ODD: Outcome.UNEXPECTED_ANSWER,
}
SILENT: list[Any] = ["", "Unauthorized", [], {}, {"message": CANARY}]
ODD: list[Any] = [None, 7, True, "x", "\x1b[2J \n\u202e", "https://[", [], {}, [7], {"voice": 7}, "9" * 5000]
FEW: list[Any] = [7, "https://["]


def having(*capabilities):
    """The keys of the providers that have all of them."""
    return [key for key, provider in PROVIDERS.items() if set(capabilities) <= provider.capabilities]


listing = pytest.mark.parametrize("key", having(Capability.NUMBERS))
pointing = pytest.mark.parametrize("key", having(Capability.POINT))


@pytest.fixture
def key(request):
    return request.param


@pytest.fixture
def calls(account):
    """The calls that the provider can make, each with its arguments."""
    first = account.upstream.phone_numbers[0]
    arguments = {"observe": (first,), "point": (account.line(first),), "set_callback": (URL,)}
    account.upstream.requests.clear()
    can = PROVIDERS[account.key].capabilities
    return [(what, arguments.get(what, ())) for what, capability in CALLS.items() if capability in can]


@listing
def test_numbers_lists_all_of_them_on_every_page_and_writes_nothing(account):
    listed = [line.phone_number for line in account.numbers() if line.has_voice]
    assert listed == account.upstream.phone_numbers
    assert account.upstream.writes == []

    account.upstream.reset()
    for place in range(4):
        account.upstream.add(f"+91805551000{place}")
    for account.upstream.page_size_cap in (1, 2, 3, 7):
        listed = [line.phone_number for line in account.numbers() if line.has_voice]
        assert listed == account.upstream.phone_numbers
        line = account.line("+918055510003")
        assert line.reference == account.by_number()["+918055510003"].reference

    account.upstream.reset()
    account.upstream.clear_numbers()
    assert account.numbers() == []
    assert account.observe("+918055500001") is None

    account.upstream.reset()
    account.upstream.page_size_cap = 1
    account.numbers()
    assert {request.host for request in account.upstream.requests} <= set(account.upstream.hosts)
    secrets = [account.upstream.values.get(field.name) for field in PROVIDERS[account.key].secrets]
    assert not [secret for secret in secrets if secret and secret in repr(account.upstream.requests)]


@listing
def test_calls_without_right_values_name_them_and_write_nothing(account, calls):
    required = PROVIDERS[account.key].required
    for what, args in calls:
        result = account.refusal(what, *args, **{field.name: None for field in required})
        assert result.code == Outcome.NOT_CONFIGURED, what
        assert all(field.label in result.reason for field in required), what
    assert account.upstream.requests == []

    required = PROVIDERS[account.key].required
    wrong = {field.name: "sample-and-wrong" for field in required if field.secret}
    for what, args in calls:
        assert account.refusal(what, *args, **wrong).code == Outcome.BAD_CREDENTIALS, what
        assert len(account.upstream.writes) == account.starts_with_write(), what
        account.upstream.requests.clear()


@listing
def test_calls_report_a_provider_fault_and_send_a_write_once(account, calls):
    wrong: list[Any] = []
    for (what, args), (trouble, code) in product(calls, TROUBLES.items()):
        account.upstream.trouble = trouble
        result = account.refusal(what, *args)
        if result.code != code or len(account.upstream.writes) != account.starts_with_write():
            wrong.append((what, trouble, result.code, account.upstream.writes))
        account.upstream.requests.clear()
    account.upstream.trouble = None
    for (what, args), body in product(calls, SILENT):
        account.upstream.answer = lambda request, body=body: Reply(401, body, PLAIN)
        if account.refusal(what, *args).code != Outcome.BAD_CREDENTIALS:
            wrong.append((what, body))
    assert wrong == []


@listing
def test_calls_without_a_response_fail_and_send_a_write_once(account, calls, thorough):
    """One of them stops at its deadline; thorough, each does. The others lose their connection."""

    def close(_request: Any) -> Reply:
        raise ConnectionError

    account.upstream.answer = close
    for place, (what, args) in enumerate(calls):
        is_slow = thorough or place == 0
        account.upstream.trouble = Trouble.SLOW if is_slow else None
        account.deadline = 0.2 if is_slow else 5.0
        with pytest.raises(OutboundError) as failed:
            getattr(account, what)(*args)
        assert failed.value.code == ("timeout" if is_slow else "connect"), what
        account.upstream.wait_for_request()
        assert len(account.upstream.writes) == account.starts_with_write(), what
        account.upstream.requests.clear()


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for inner in value if isinstance(value, list) else []:
        yield from _names(inner)


def _spoiled(value: Any, name: str, odd: Any) -> Any:
    if isinstance(value, dict):
        return {key: odd if key == name else _spoiled(inner, name, odd) for key, inner in value.items()}
    return [_spoiled(inner, name, odd) for inner in value] if isinstance(value, list) else value


@listing
def test_numbers_with_any_field_spoiled_is_a_list_or_a_refusal(account, thorough):
    """Spoils each field of each response in turn, with two odd values; thorough with all."""
    upstream, normal = account.upstream, account.upstream.answer
    upstream.use_every_field()
    names: set[str] = set()
    spoilt: tuple[str, Any] = ("", None)

    def answer(request):
        reply = normal(request)
        names.update(_names(reply.body))
        return Reply(reply.status, _spoiled(reply.body, *spoilt))

    upstream.answer = answer
    most = len(account.numbers())
    assert len(names) > 5
    for name, odd in product(sorted(names), ODD if thorough else FEW):
        spoilt = (name, odd)
        with suppress(Refusal, OutboundError):
            assert len(account.numbers()) <= most


@pointing
def test_point_makes_a_number_that_is_there_call_the_url(account):
    for phone_number in account.upstream.phone_numbers:
        if account.drift(phone_number):
            account.point(account.line(phone_number))
        assert account.drift(phone_number) is None

    before = account.upstream.phone_numbers
    for reference in ("", "sample", "a/../b?c#d%é"):
        line = ProviderNumber(ABSENT, reference=reference, application_id=reference)
        assert account.refusal("point", line, URL).code == Outcome.NOT_FOUND, reference
        assert account.upstream.phone_numbers == before
