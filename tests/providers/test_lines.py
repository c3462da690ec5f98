"""What every provider promises that lists, observes or points numbers."""

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
from simulators import SIMULATORS
from simulators.base import PLAIN, Reply, Trouble
from tests.support.lines import URL

KEYS = [key for key in PROVIDERS if key in ("twilio", "exotel", "vobiz")]
CALLS = [(key, what) for key in KEYS for what in ("numbers", "observe", "point")]
CALLS.remove(("exotel", "point"))

each_provider = pytest.mark.parametrize("key", KEYS)
each_call = pytest.mark.parametrize(("key", "what"), CALLS, ids=["-".join(call) for call in CALLS])


@pytest.fixture
def key(request):
    return request.param


@pytest.fixture
def args(account, what):
    """What the call is given: learned while all was well."""
    number, *others = account.upstream.numbers
    for other in others if account.key == "vobiz" else ():
        account.upstream.numbers[other].application_id = ""
    given = {"numbers": (), "observe": (number,), "point": (account.line(number),) if what == "point" else ()}
    account.upstream.requests.clear()
    return given[what]


@pytest.mark.parametrize("key", SIMULATORS)
def test_who_can_what(key):
    can = {str(capability) for capability in PROVIDERS[key].capabilities}
    assert {what for whose, what in CALLS if whose == key} <= can
    assert key != "exotel" or Capability.POINT not in can


@each_provider
def test_all_numbers_are_listed(account):
    assert [line.phone_number for line in account.numbers()] == list(account.upstream.numbers)
    assert not account.upstream.writes


@each_provider
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_all_pages_are_read(account, size):
    for place in range(4):
        account.upstream.add(f"+91805551000{place}")
    account.upstream.page_size_cap = size
    assert [line.phone_number for line in account.numbers()] == list(account.upstream.numbers)
    own = vars(account.upstream.numbers["+918055510003"])
    assert account.line("+918055510003").reference == own.get("sid", own.get("id"))


@each_provider
def test_an_account_without_numbers(account):
    account.upstream.numbers.clear()
    assert account.numbers() == []
    assert account.observe("+918055500001") is None


@each_provider
def test_only_the_official_hosts_are_called_and_no_secret_is_in_an_address(account):
    account.upstream.page_size_cap = 1
    account.numbers()
    assert {seen.host for seen in account.upstream.requests} <= set(account.upstream.hosts)
    secrets = [account.upstream.values.get(field.name) for field in PROVIDERS[account.key].secrets]
    assert not [secret for secret in secrets if secret and secret in repr(account.upstream.requests)]


@each_call
def test_missing_values_are_named_and_nothing_is_asked(account, what, args):
    provider = PROVIDERS[account.key]
    result = account.refusal(what, *args, **{field.name: None for field in provider.required})
    assert result.code == Outcome.NOT_CONFIGURED
    assert all(field.label in result.reason for field in provider.required)
    assert account.upstream.requests == []


@each_call
def test_wrong_secrets_are_bad_credentials(account, what, args):
    wrong = {field.name: "made-up-and-wrong" for field in PROVIDERS[account.key].required if field.secret}
    assert account.refusal(what, *args, **wrong).code == Outcome.BAD_CREDENTIALS
    assert len(account.upstream.writes) == (what == "point")


TROUBLES = {
    Trouble.RATE_LIMITED: Outcome.RATE_LIMITED,
    Trouble.FAULT: Outcome.UNEXPECTED_ANSWER,
    Trouble.HTML: Outcome.UNEXPECTED_ANSWER,
    Trouble.REFUSED_IN_HTML: Outcome.UNEXPECTED_ANSWER,
    Trouble.ODD: Outcome.UNEXPECTED_ANSWER,
}


@each_call
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_is_told_and_a_write_is_sent_once(account, what, args, trouble):
    account.upstream.trouble = trouble
    assert account.refusal(what, *args).code == TROUBLES[trouble]
    assert len(account.upstream.writes) == (what == "point")


@each_call
@pytest.mark.parametrize("body", ["", "Unauthorized", [], {}])
def test_a_401_that_says_nothing_refuses_the_credentials(account, what, args, body):
    account.upstream.answer = lambda _asked: Reply(401, body, PLAIN)
    assert account.refusal(what, *args).code == Outcome.BAD_CREDENTIALS


@each_call
def test_a_provider_that_is_slow_is_not_waited_for(account, what, args):
    account.upstream.trouble = Trouble.SLOW
    account.deadline = 0.2
    with pytest.raises(OutboundError) as failed:
        getattr(account, what)(*args)
    assert failed.value.code == "timeout"
    assert len(account.upstream.writes) == (what == "point")


ODD: list[Any] = [None, 7, True, "x", "\x1b[2J \n\u202e", "https://[", [], {}, [7], {"voice": 7}, "9" * 5000]


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


@each_provider
def test_a_field_with_anything_in_it_is_survived(account):
    """Each field of each answer in turn, with each odd value: a list, or a refusal."""
    upstream, usual = account.upstream, account.upstream.answer
    if account.key == "twilio":
        upstream.numbers["+15551234567"].voice_application_sid = next(iter(upstream.applications))
    names: set[str] = set()
    spoilt: tuple[str, Any] = ("", None)

    def answer(asked):
        reply = usual(asked)
        names.update(_names(reply.body))
        return Reply(reply.status, _spoiled(reply.body, *spoilt))

    upstream.answer = answer
    account.numbers()
    assert len(names) > 10
    for name, odd in product(sorted(names), ODD):
        spoilt = (name, odd)
        with suppress(Refusal, OutboundError):
            assert len(account.numbers()) <= len(upstream.numbers)


@pytest.mark.parametrize("key", [key for key, what in CALLS if what == "point"])
def test_pointed_numbers_agree(account):
    for phone_number in list(account.upstream.numbers):
        assert account.drift(phone_number)
        account.point(account.line(phone_number))
        assert account.drift(phone_number) is None


@pytest.mark.parametrize("key", [key for key, what in CALLS if what == "point"])
@pytest.mark.parametrize("reference", ["", "made-up", "a/../b?c#d%é"])
def test_a_line_that_the_account_has_not_is_gone(account, reference):
    line = ProviderNumber("+15550009999", reference=reference, application_id=reference)
    before = repr(account.upstream.numbers)
    result = account.refusal("point", line, URL)
    assert result.code == Outcome.NOT_FOUND
    assert repr(account.upstream.numbers) == before
