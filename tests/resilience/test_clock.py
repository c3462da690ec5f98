"""The clock of a machine is set while it serves, or is some seconds off from another machine's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pyotp
import pytest

from devtools.clients import ApiClient, PortalClient, Response
from devtools.html import parse
from devtools.load import Account, superadmin
from devtools.scopes import PASSWORD
from devtools.server import Server, served
from tests.resilience.checks import Checks, HeldTwilio, add, unused_numbers
from tests.support.clocks import Clock
from tests.support.denominators import Report
from tests.support.integrity import problems

HOUR, DAY = 3600, 86_400
SECONDS = 60
WINDOW = 15 * 60
"""Seconds that a limit of tries lasts, at most."""
MISSES = 10
QUERY = "/api/calls/providers"
WRONG = "not the right password"

pytestmark = [
    pytest.mark.parametrize("shared_portal", ["postgresql"], indirect=True),
    pytest.mark.thorough(
        "test_accept_after_a_clock_change_takes_new_codes",
        "test_accept_takes_a_code_of_its_user_once_within_one_step",
        "test_kept_lease_starts_again_and_one_of_a_clock_that_is_ahead_is_void",
        "test_take_refuses_the_eleventh_until_the_window_ends_or_is_cleared",
    ),
]
_unused = count(1)


@dataclass(frozen=True)
class Jump:
    name: str
    seconds: int
    keeps_earlier: bool = True
    """Sessions and short tokens from before it are not over by then."""
    keeps_later: bool = True
    """Those from then are not over when the clock is right again."""


JUMPS = [
    Jump("an hour ahead", HOUR),
    Jump("an hour back", -HOUR),
    Jump("a day back", -DAY, keeps_later=False),
    Jump("six days ahead", 6 * DAY, keeps_earlier=False),
]
OFFSETS = [2, -2]


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Clock:
    return Clock(tmp_path_factory.mktemp("clock"))


@pytest.fixture(scope="module")
def off(
    shared_portal: Server,
    shared_settings: dict[str, str],
    clock: Clock,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Server]:
    """A portal on the same database that goes by `clock`."""
    url = shared_portal.environment["DATABASE_URL"]
    data: Path = tmp_path_factory.mktemp("off")
    with served(
        data, shared_settings | clock.settings | {"DATABASE_URL": url, "PATCHBAY_WORKERS": "1"}
    ) as server:
        yield server


@pytest.fixture(autouse=True)
def right_afterwards(clock: Clock) -> Iterator[None]:
    yield
    clock.set(0)


class Person:
    """A superadmin who signs in with two steps."""

    def __init__(self, server: Server, account: Account, clock: Clock) -> None:
        self.email, self._clock = account.email, clock
        browser = PortalClient(server.url)
        browser.sign_in(account.email)
        begin = browser.form("/account", action="/account/two-step")
        assert browser.post(*begin, {"your_password": PASSWORD}).status == 303
        page = parse(browser.get("/account").body.decode())
        (uri,) = [code.text for code in page.all("code") if code.text.startswith("otpauth:")]
        self._app = pyotp.TOTP(pyotp.parse_uri(uri).secret)
        confirm = browser.form("/account", action="/account/two-step/confirm")
        assert browser.post(*confirm, {"code": self.code()}).status == 200

    def code(self) -> str:
        return self._app.at(int(self._clock.time()))

    def sign_in(self, server: Server, code: str | None = None) -> Response:
        """At the API."""
        payload = {"email": self.email, "password": PASSWORD, "totp": code or self.code()}
        return sign_in(server, payload)


def sign_in(server: Server, credentials: dict[str, str]) -> Response:
    return ApiClient(server.url, "").call("POST", "/api/auth/login", credentials)


def is_signed_in(server: Server, session: Mapping[str, str]) -> bool:
    return PortalClient(server.url, cookies=session).get("/account").status == 200


def is_token(server: Server, token: str) -> bool:
    return ApiClient(server.url, token).call("GET", QUERY).status == 200


def writes(server: Server, account: Account) -> bool:
    body = {"phone_number": f"+1555768{next(_unused):04}", "provider": "twilio"}
    answer = ApiClient(server.url, account.token).call("POST", "/api/settings/endpoints", body)
    return answer.status == 201


def new_token(server: Server, account: Account) -> str:
    token: str = sign_in(server, {"email": account.email, "password": PASSWORD}).json()["token"]
    return token


def new_session(server: Server, account: Account) -> Mapping[str, str]:
    """The cookies of its browser."""
    browser = PortalClient(server.url)
    browser.sign_in(account.email)
    return browser.cookies


@pytest.mark.parametrize("jump", JUMPS, ids=lambda jump: jump.name)
def test_a_portal_serves_while_its_clock_is_set(
    off: Server, clock: Clock, account: Account, jump: Jump, report: Report
) -> None:
    clock.set(-120)
    person = Person(off, superadmin(off, account.slug, f"two-{account.email}"), clock)
    clock.set(0)
    session, token = new_session(off, account), new_token(off, account)
    clock.set(jump.seconds)
    outcomes = {
        "long token": is_token(off, account.token),
        "earlier session": is_signed_in(off, session) is jump.keeps_earlier,
        "earlier token": is_token(off, token) is jump.keeps_earlier,
        "write": writes(off, account),
        "code": person.sign_in(off).status == 200,
        "code again": person.sign_in(off).status == 401,
    }
    session, token = new_session(off, account), new_token(off, account)
    outcomes |= {"new session": is_signed_in(off, session), "new token": is_token(off, token)}
    clock.set(0)
    outcomes |= {
        "write afterwards": writes(off, account),
        "later session": is_signed_in(off, session) is jump.keeps_later,
        "later token": is_token(off, token) is jump.keeps_later,
        "code afterwards": person.sign_in(off).status == 200,
        "audit": problems(off) == [],
    }
    report("Clock set while serving", tried=len(outcomes), survived=sum(outcomes.values()))
    assert [name for name, is_good in outcomes.items() if not is_good] == []


def test_a_limit_ends_in_time_whatever_the_clock_is_set_to(
    off: Server, clock: Clock, account: Account, report: Report
) -> None:
    wrong = {"email": account.email, "password": WRONG}
    for _ in range(MISSES):
        assert sign_in(off, wrong).status == 401
    waits = []
    for seconds in (0, -DAY, HOUR):
        clock.set(seconds)
        answer = sign_in(off, wrong)
        waits.append(int(answer.headers["Retry-After"]) if answer.status == 429 else 0)
    good = [0 < waits[0] <= WINDOW, waits[1] <= WINDOW, waits[2] == 0]
    report("Clock set while serving", tried=len(good), survived=sum(good))
    assert good == [True, True, True], waits


def test_a_check_that_was_killed_a_day_ahead_is_done_afterwards(
    off: Server, clock: Clock, account: Account, twilio: HeldTwilio, report: Report
) -> None:
    """Its lease, which keeps others from checking the same numbers, lasts for minutes and not for a day."""
    checks, (first, second) = Checks(off, account, twilio), unused_numbers(twilio, 2)
    twilio.free.clear()
    twilio.called.clear()
    try:
        clock.set(DAY)
        add(ApiClient(off.url, account.token), [first])
        assert twilio.called.wait(SECONDS)
        off.kill()
    finally:
        twilio.free.set()
    clock.set(0)
    off.start()
    add(ApiClient(off.url, account.token), [second])
    checks.wait()
    report("Clock set while serving", tried=1, survived=1)


@pytest.mark.parametrize("seconds", OFFSETS)
def test_two_machines_some_seconds_apart(
    shared_portal: Server, off: Server, clock: Clock, account: Account, *, seconds: int, report: Report
) -> None:
    clock.set(-120)
    person = Person(off, superadmin(off, account.slug, f"two-{account.email}"), clock)
    clock.set(seconds)
    code = person.code()
    outcomes = {"code": person.sign_in(off, code).status == 200}
    outcomes["code at the other"] = person.sign_in(shared_portal, code).status == 401
    for one, other in ((off, shared_portal), (shared_portal, off)):
        name = "ahead" if (one is off) == (seconds > 0) else "behind"
        outcomes[f"session from {name}"] = is_signed_in(other, new_session(one, account))
        outcomes[f"token from {name}"] = is_token(other, new_token(one, account))
        outcomes[f"writes {name}"] = all(writes(each, account) for each in (one, other) * 3)
    for n in range(MISSES):
        sign_in((off, shared_portal)[n % 2], {"email": account.email, "password": WRONG})
    for server in (off, shared_portal):
        status = sign_in(server, {"email": account.email, "password": WRONG}).status
        outcomes[f"limit at {server.url}"] = status == 429
    outcomes["audit"] = problems(off) == []
    report("Two machines seconds apart", tried=len(outcomes), survived=sum(outcomes.values()))
    assert [name for name, is_good in outcomes.items() if not is_good] == []


def test_one_of_two_machines_apart_checks_a_number(
    shared_portal: Server, off: Server, clock: Clock, account: Account, *, twilio: HeldTwilio, report: Report
) -> None:
    clock.set(OFFSETS[0])
    numbers = unused_numbers(twilio, 8)
    times = Checks(shared_portal, account, twilio).of_both(ApiClient(off.url, account.token), numbers)
    once = sum(count == 1 for count in times.values())
    report("Two machines seconds apart", tried=len(numbers), survived=once)
    assert once == len(numbers), times
