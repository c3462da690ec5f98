"""What `make demo` has to show: organizations and accounts that fit, and consoles to break things at."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any, cast

import pytest
import requests
from flask import Flask
from sqlalchemy import select

from app import context, create_app, demo_data
from app.config import Settings
from app.core import phone
from app.core.errors import Conflict, Invalid
from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import DriftCheck, Endpoint, Notification, User, VoicePhoneNumber
from app.notifier import Notifier
from app.provider import Family, Verifies
from app.provider.numbers import Reason
from app.providers import PROVIDERS, keys_in
from app.services.connections import check_days, store, transitions
from app.services.drift import messages, runs
from app.services.notifications import derive
from app.services.notifications.events import Event
from app.services.numbers import inventory
from app.services.numbers.claims import Claim
from app.services.organizations import directory
from app.services.scope import Actor, Scope
from app.services.status import outages
from app.services.voice_ai import numbers, webhook
from app.services.webhooks import endpoint
from devtools import demo, demo_filling, html
from devtools.databases import Migrate, sqlite_copy
from devtools.demo_outside import Outside
from devtools.html import Element
from devtools.server import ROOT, clean_environment, free_port
from simulators import SIMULATORS
from simulators.console import OTHER_URL
from simulators.demo import HARBOR, MERIDIAN
from simulators.elevenlabs.numbers import RECEPTION
from simulators.mail import MailCatcher
from simulators.receiver import Receiver
from simulators.runtime import AgentRuntime
from tests.support.apps import filling
from tests.support.metrics import samples, scrape
from tests.support.scopes import OFFLINE

PASSWORD = "sample-passphrase-for-a-walk"
BILLING = "+14155550101"
FAULTS = {number: str(reason) for kind in SIMULATORS.values() for number, reason in kind.demo.faults.items()}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def stubs() -> Iterator[dict[str, Any]]:
    with ExitStack() as stack:
        started: dict[str, Any] = {key: stack.enter_context(kind()) for key, kind in SIMULATORS.items()}
        for simulator in started.values():
            simulator.fill_demo()
        yield started


@pytest.fixture
def outbound(stubs: dict[str, Any]) -> Outbound:
    hosts = {host: base for one in stubs.values() for host, base in one.upstreams.items()}
    return Outbound(hosts, deadline=5.0)


@pytest.fixture
def scope(app: Flask) -> Iterator[Scope]:
    with app.app_context():
        yield Scope(db.session(), None, Actor(name="test"), context.keys())


@pytest.fixture(scope="module")
def filled(
    shared: Path, shared_keys: dict[str, str], migrate: Migrate, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A database that has the demo's organizations, to copy."""
    path = tmp_path_factory.mktemp("filled") / "patchbay.db"
    sqlite_copy(shared, path, migrate)
    with filling(path, shared_keys) as app, app.app_context():
        demo_data.fill(context.scope(Actor(name="test")), OFFLINE, PASSWORD)
    return path


@pytest.fixture
def meridian(filled: Path, tmp_path: Path, scope: Scope) -> Scope:
    db.engine.dispose()
    shutil.copyfile(filled, tmp_path / "patchbay.db")
    return organization(scope, MERIDIAN.name)


def organization(scope: Scope, name: str) -> Scope:
    existing = directory.by_name(scope, name)
    assert existing is not None
    return scope.for_organization(existing)


def drifted(scope: Scope) -> dict[str, str | None]:
    query = scope.select(DriftCheck).where(DriftCheck.verdict == "unhealthy")
    return {row.phone_number: row.reason for row in scope.session.scalars(query)}


def looked(base: str) -> Element:
    answer = requests.get(base, timeout=5)
    assert answer.status_code == 200
    return html.parse(answer.text.removeprefix("<!doctype html>").strip())


def press(base: str, number: str, label: str, typed: str = "") -> str:
    """Presses a button as a browser does, and returns what the console says then."""
    return pressed(base, looked(base), number, label, typed).one(role="status").text


def pressed(base: str, page: Element, number: str, label: str, typed: str = "") -> Element:
    """The page after that of a console, once a button of it is pressed."""
    rows = [row for row in page.all("article") if row.one("h3").text == phone.display(number)]
    (row,) = [row for row in rows if label in [button.text for button in row.all("button")]]
    submitted = {"row": row.one("input", name="row")["value"], "do": label, label: typed}
    answer = requests.post(
        base, submitted, headers={"Origin": base, "Sec-Fetch-Site": "same-origin"}, timeout=5
    )
    return html.parse(answer.text.removeprefix("<!doctype html>").strip())


def test_demo_history_ends_in_the_faults_that_a_check_finds(meridian: Scope, outbound: Outbound) -> None:
    """And is not reported: what is wrong now is found, and reported, by the first real check."""
    derive.derive(meridian, quiet=timedelta(0))
    reported = set(meridian.session.scalars(select(Notification.event)))
    assert not reported & {Event.NUMBER_UNHEALTHY, Event.NUMBER_RECOVERED, Event.CONNECTION_REFUSED}
    month = outages.month(meridian)
    assert (month.days[-1].lasting, month.repairs > 5, month.most > 1) == (0, True, True)
    assert [day.is_checked for day in month.days[-14:-1]] == [True] * 13
    before = transitions.newest_id(meridian)
    report = runs.run(meridian, outbound, everything=True)
    assert (report.checked, report.failure) == (8, None)
    assert drifted(meridian) == FAULTS
    numbers = {row.phone_number for row in transitions.after(meridian, before, limit=100)} - {""}
    assert numbers == FAULTS.keys()
    assert outages.month(meridian).days[-1].is_checked
    assert all(day.checks for day in check_days.of_subject(meridian, "twilio", BILLING)[-13:])
    for name, total in ((HARBOR.name, 2), (demo_data.NEW, 0)):
        other = organization(meridian, name)
        assert runs.run(other, outbound, everything=True).words() == messages.report(total, 0, [])


def test_demo_credentials_work_and_numbers_can_be_imported(meridian: Scope, outbound: Outbound) -> None:
    for key, provider in PROVIDERS.items():
        values = store.load(meridian, provider).credentials
        assert cast(Verifies, provider).verify(outbound, values).ok, key
        for name, value in SIMULATORS[key].demo.credentials.items():
            assert provider.field(name).check(value, "US") == value
    for key in keys_in(Family.TELEPHONY):
        account = SIMULATORS[key].demo
        owned = inventory.list_owned(meridian, outbound, PROVIDERS[key])
        states = {row.number.phone_number: row.state for row in owned.rows}
        assert {number for number, state in states.items() if state is Claim.UNMAPPED} == set(account.spare)
        elsewhere = {number for number, state in states.items() if state is Claim.ELSEWHERE}
        assert elsewhere == {endpoint.phone_number for endpoint in account.endpoints_of(HARBOR)}
    first, second = (endpoint.phone_number for endpoint in SIMULATORS["vobiz"].demo.endpoints)
    values = store.load(meridian, PROVIDERS["vobiz"]).credentials
    line = cast(Any, PROVIDERS["vobiz"]).observe(outbound, values, first)
    assert line.shared_with == (second,)


@pytest.mark.thorough(
    "test_broken_number_is_reported_and_so_is_its_repair", "test_console_buttons_all_respond"
)
def test_console_fault_is_found_and_repaired(
    meridian: Scope, outbound: Outbound, stubs: dict[str, Any], subtests: pytest.Subtests
) -> None:
    """And the release of a number."""
    base = stubs["twilio"].base
    reasons = [
        ("Another URL", "different_url"),
        ("No URL", "no_webhook"),
        ("Method GET", "different_method"),
        ("An application", "application_in_the_way"),
        ("A SIP trunk", "trunk_in_the_way"),
    ]
    for label, reason in reasons:
        with subtests.test(label=label):
            assert press(base, BILLING, label) == f"{phone.display(BILLING)}: {label}. Done."
            runs.run(meridian, outbound, everything=True)
            assert drifted(meridian) == FAULTS | {BILLING: reason}
            row = meridian.session.scalars(select(Endpoint).where(Endpoint.phone_number == BILLING)).one()
            assert endpoint.point(meridian, outbound, row.id).in_sync
            assert drifted(meridian) == FAULTS
    press(base, BILLING, "Release the number")
    runs.run(meridian, outbound, everything=True)
    assert drifted(meridian) == FAULTS | {BILLING: "number_gone"}
    press(base, BILLING, "Restore the number")
    runs.run(meridian, outbound, everything=True)
    assert drifted(meridian) == FAULTS


def test_console_makes_a_provider_fail(
    outbound: Outbound, stubs: dict[str, Any], *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """One provider in each way; thorough, each."""
    outcomes = {
        "Refuse credentials": False,
        "Status 500": False,
        "Off": None,
        "Slow: 0.01 seconds": True,
    }
    for key, (label, outcome) in product(SIMULATORS if thorough else ["twilio"], outcomes.items()):
        with subtests.test(key, label=label):
            one, provider = stubs[key], cast(Any, PROVIDERS[key])
            one.slowness = 0.01
            press(one.base, one.label, label)
            try:
                is_verified = provider.verify(outbound, SIMULATORS[key].demo.credentials).ok
            except OutboundError:
                is_verified = None
            assert is_verified is outcome
            press(one.base, one.label, "Works")
            assert provider.verify(outbound, SIMULATORS[key].demo.credentials).ok


def test_console_buttons_all_respond(
    stubs: dict[str, Any], *, thorough: bool, subtests: pytest.Subtests
) -> None:
    """One of each label; thorough, those of each row. And a URL that is typed is stored as it is."""
    for key, one in stubs.items():
        with subtests.test(key):
            _press_every_button(one, in_each_row=thorough)
    twilio = stubs["twilio"]
    odd = 'https://voice.example.com/"><script>alert(1)</script>'
    behind_application = next(
        number for number, reason in FAULTS.items() if reason == Reason.APPLICATION_OVERRIDES
    )
    press(twilio.base, behind_application, "Save", odd)
    number = twilio.numbers[behind_application]
    assert (number.voice_url, number.voice_application_sid) == (odd, "")
    assert not looked(twilio.base).all("script")


def _press_every_button(one: Any, *, in_each_row: bool) -> None:
    page = looked(one.base)
    assert one.label in page.one("h1").text
    done = set()
    while unpressed := [
        (row.one("h3").text, button.text)
        for row in page.all("article")
        for button in row.all("button")
        if (row.one("h3").text if in_each_row else "", button.text) not in done
    ]:
        name, label = unpressed[0]
        done.add((name if in_each_row else "", label))
        page = pressed(one.base, page, name, label, OTHER_URL)
        assert page.one(role="status").text
    assert len(done) > 5


def test_console_answers_on_a_loopback_host_and_to_its_own_pages(stubs: dict[str, Any]) -> None:
    twilio = stubs["twilio"]
    row = looked(twilio.base).all("article")[2].one("input", name="row")["value"]
    before = twilio.numbers[BILLING].voice_url
    for headers in (
        {"Origin": "https://elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    ):
        answer = requests.post(twilio.base, {"row": row, "do": "No URL"}, headers=headers, timeout=5)
        assert answer.status_code == 403, headers
        assert twilio.numbers[BILLING].voice_url == before, headers
    for one in stubs.values():
        for host in (*one.hosts, "rebound.example", "127.0.0.1"):
            answer = requests.get(one.base, headers={"Host": host}, timeout=5)
            assert "simulator" not in answer.text, host
        assert one._server.server_address[0] == "127.0.0.1"


def test_demo_sets_up_voice_ai_and_reports_calls(
    meridian: Scope, outbound: Outbound, stubs: dict[str, Any]
) -> None:
    assert "No webhook is selected" in press(stubs["elevenlabs"].base, "Send an event", "A call ends")
    assert webhook.set_up(meridian, outbound, PROVIDERS["elevenlabs"]).state == "working"
    row = meridian.session.scalars(select(VoicePhoneNumber)).first()
    assert row is not None
    user = meridian.session.get_one(User, row.user_id)
    numbers.enable(meridian, outbound, user, row.id, RECEPTION)
    assert stubs["elevenlabs"].convai.numbers
    workspace = stubs["elevenlabs"].workspace
    events: list[tuple[Any, str]] = []
    workspace.portal = "http://127.0.0.1:2212"

    def send(event: Any, to: str) -> int:
        events.append((event, to))
        return 200

    workspace.send = send
    said = press(stubs["elevenlabs"].base, "Send an event", "A call ends")
    assert said.endswith("which returned HTTP 200.")
    ((event, to),) = events
    assert event["type"] == "post_call_transcription"
    assert to == f"http://127.0.0.1:2212/api/webhook/elevenlabs/{meridian.organization.id}"


def test_broken_number_is_reported_and_so_is_its_repair(
    environment: dict[str, str], stubs: dict[str, Any], filled: Path, tmp_path: Path
) -> None:
    """Break it at the console, check, read the message and the mail, follow the link, repair."""
    shutil.copyfile(filled, tmp_path / "patchbay.db")
    with AgentRuntime() as runtime, Receiver() as receiver, MailCatcher() as mail:
        outside = Outside(stubs, runtime, receiver, mail)
        portal = {"PATCHBAY_PUBLIC_URL": "http://127.0.0.1:2212"}
        app = create_app(Settings.from_environment(environment | outside.settings | portal))
        notifier = Notifier(app, timedelta(0))
        with app.app_context():
            meridian = organization(context.scope(Actor(name="test")), MERIDIAN.name)
            receiver.secrets.append(demo_filling.add_destinations())
            runs.run(meridian, context.outbound(), everything=True)
            _notify(notifier)
            before = (len(receiver.arrived), len(mail.arrived))
            press(stubs["twilio"].base, BILLING, "Another URL")
            runs.run(meridian, context.outbound(), everything=True)
            _notify(notifier)
            row = meridian.session.scalars(select(Endpoint).where(Endpoint.phone_number == BILLING)).one()
            endpoint.point(meridian, context.outbound(), row.id)
            _notify(notifier)
        news, mails = receiver.arrived[before[0] :], mail.arrived[before[1] :]
        assert [(item.title, item.data["subject"]) for item in news] == [
            ("number.unhealthy", BILLING),
            ("number.recovered", BILLING),
        ]
        assert {receiver.state(item) for item in receiver.arrived} == {("verified", True)}
        link = news[0].data["url"]
        assert link.startswith("http://127.0.0.1:2212/o/meridian-support/endpoints")
        assert [(link in item.text, item.envelope.recipients) for item in mails] == [
            (True, (demo_data.EMAIL,)),
            (True, (demo_data.EMAIL,)),
        ]
        outcomes = samples(scrape(app.test_client())["patchbay_delivery_attempts"])
        assert {("webhook", "2xx"), ("email", "2xx")} <= outcomes.keys()


def _notify(notifier: Notifier) -> None:
    notifier.run_once(quiet=timedelta(0))
    assert notifier.idle.wait(10)


def test_demo_command_fills_once_and_prints_a_generated_password(
    app: Flask, scope: Scope, stubs: dict[str, Any], outbound: Outbound
) -> None:
    """Without calls of providers."""
    app.extensions["patchbay_outbound"] = outbound
    with pytest.raises(Invalid):
        demo_data.fill(scope, outbound, "short")
    assert directory.every(scope) == []
    done = app.test_cli_runner().invoke(args=["demo"])
    again = app.test_cli_runner().invoke(args=["demo", "--password-stdin"], input=PASSWORD)
    assert done.exit_code == 0
    assert f"sign in as {demo_data.EMAIL} with the password " in done.output
    assert again.exit_code == 1
    assert "is there already" in again.output
    with pytest.raises(Conflict, match="Meridian Support is there already"):
        demo_data.fill(scope, outbound, PASSWORD)
    assert [len(one.requests) for one in stubs.values()] == [0] * len(stubs)


def start(data: Path, **settings: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "devtools.demo", "--data", str(data)],
        cwd=ROOT,
        env=clean_environment() | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.thorough(
    "test_demo_history_ends_in_the_faults_that_a_check_finds",
    "test_demo_command_fills_once_and_prints_a_generated_password",
    "test_demo_start_failure_has_a_reason",
)
def test_demo_starts_and_stops(tmp_path: Path) -> None:
    bind = f"127.0.0.1:{free_port()}"
    with start(tmp_path / "demo", PATCHBAY_BIND=bind) as process, ExitStack() as failed:
        failed.callback(os.killpg, process.pid, signal.SIGKILL)  # else a failed assertion waits for its end
        assert process.stdout
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        said = "".join(lines)
        password = (tmp_path / "demo" / "password.txt").read_text().strip()
        assert f"http://{bind}\n" in said
        assert f"Password            {password}\n" in said
        assert len(password) >= 15
        assert (tmp_path / "demo" / "password.txt").stat().st_mode & 0o777 == 0o600
        with urllib.request.urlopen(f"http://{bind}/healthz", timeout=10) as answer:
            assert answer.status == 200
        with sqlite3.connect(tmp_path / "demo" / "patchbay.db") as connection:
            tested = connection.execute("SELECT DISTINCT provider, ok FROM checks").fetchall()
        assert {("exotel", 1), ("twilio", 1), ("vobiz", 1)} <= set(tested)
        assert [provider for provider, ok in tested if not ok] == []
        process.send_signal(signal.SIGINT)
        process.wait(20)
        failed.pop_all()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(bind.rpartition(":")[2])))


def test_demo_start_failure_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "patchbay.db").touch()
    with pytest.raises(SystemExit, match="is incomplete"), demo.running(tmp_path, f"127.0.0.1:{free_port()}"):
        pass
    assert (tmp_path / "patchbay.db").read_bytes() == b""
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        monkeypatch.setattr(sys, "argv", ["devtools.demo", "--data", str(tmp_path / "new")])
        monkeypatch.setenv("PATCHBAY_BIND", bind)
        with pytest.raises(SystemExit, match=f"{bind} is in use"):
            demo.main()
    assert not (tmp_path / "new").exists()
