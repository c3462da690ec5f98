"""Counts the requests of one check of a whole account, and of reading its last calls. See README.md here."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import cast

from flask import Flask
from sqlalchemy import delete, select

from app import context, create_app
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.models import Base, Endpoint, Organization, User, VoicePhoneNumber
from app.provider import Capability, Family, Provider, ReadsCalls
from app.providers import PROVIDERS
from app.services.connections import store
from app.services.drift import queue, runs
from app.services.scope import Scope
from devtools.databases import migrate
from devtools.load import EMAIL
from devtools.scopes import PASSWORD, scope_of
from devtools.server import clean_environment
from simulators import SIMULATORS
from simulators.base import Simulator
from simulators.elevenlabs import ElevenLabs

PAGE_SIZES = {"twilio": 1000, "exotel": 50, "vobiz": 100}
"""Page sizes of the providers' real lists."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.check_requests", description=__doc__)
    parser.add_argument("--numbers", type=int, default=2000, help="numbers of each account")
    count = parser.parse_args().numbers
    upstreams = {key: kind() for key, kind in SIMULATORS.items()}
    with ExitStack() as stack:
        for upstream in upstreams.values():
            stack.enter_context(upstream)
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-"))
        scope = stack.enter_context(_scope(Path(folder), upstreams.values()))
        for key, upstream in upstreams.items():
            if not _is_checked(PROVIDERS[key]):
                continue
            first, next_ = _requests(scope, PROVIDERS[key], upstream, count)
            _print(f"{PROVIDERS[key].label}, first check", count, first)
            _print(f"{PROVIDERS[key].label}, next check", count, next_)
        for key, upstream in upstreams.items():
            if Capability.LAST_CALLS in PROVIDERS[key].capabilities:
                by_host = _last_call_requests(PROVIDERS[key], upstream, count)
                _print(f"{PROVIDERS[key].label}, last calls", count, by_host)


def _is_checked(provider: Provider) -> bool:
    is_used = {Family.TELEPHONY, Family.VOICE} & set(provider.families)
    return bool(is_used) and Capability.NUMBERS in provider.capabilities


def _print(name: str, count: int, requests: Mapping[str, int]) -> None:
    total = sum(requests.values())
    shown = ", ".join(f"{number:,} {path}" for path, number in requests.items())
    print(f"{name}: {count:,} numbers, {total:,} requests, {1000 * total / count:.1f} per 1,000 ({shown})")


def _last_call_requests(provider: Provider, upstream: Simulator, count: int) -> Mapping[str, int]:
    """Returns the requests, by host, that reading a day's calls makes: one call to each number."""
    upstream.page_size_cap = PAGE_SIZES.get(provider.key, upstream.page_size_cap)
    upstream.requests.clear()
    numbers = [f"+1{4_155_000_000 + place}" for place in range(count)]
    for number in numbers:
        upstream.calls.add(number, ago=timedelta(hours=1))
        if isinstance(upstream, ElevenLabs):
            upstream.convai.add(number)
    since, reader = clock.now() - timedelta(days=1), cast(ReadsCalls, provider)
    last_calls = reader.last_calls(context.outbound(), upstream.values, numbers, since)
    assert len(last_calls.calls) == count, provider.key
    return Counter(request.host for request in upstream.requests)


def _requests(
    scope: Scope, provider: Provider, upstream: Simulator, count: int
) -> Sequence[Mapping[str, int]]:
    """Returns the requests, by host, of a first check of all numbers, and of the next one."""
    upstream.clear_numbers()
    upstream.page_size_cap = PAGE_SIZES.get(provider.key, upstream.page_size_cap)
    numbers = [f"+1{4_155_000_000 + place}" for place in range(count)]
    for number in numbers:
        upstream.add(number)
    _connect(scope, provider, upstream, numbers)
    return [_one_check(scope, provider, upstream, count) for _ in range(2)]


def _one_check(scope: Scope, provider: Provider, upstream: Simulator, count: int) -> Mapping[str, int]:
    upstream.requests.clear()
    report = runs.run_at(scope, context.outbound(), provider.key, everything=True)
    assert (report.checked, report.failure) == (count, None), report
    hosts = [request.host for request in upstream.requests]
    return {host: hosts.count(host) for host in dict.fromkeys(hosts)}


def _connect(scope: Scope, provider: Provider, upstream: Simulator, numbers: list[str]) -> None:
    required_names = {field.name for field in provider.required}
    values = {name: value for name, value in upstream.values.items() if name in required_names}
    own = {"organization_id": scope.organization.id, "provider": provider.key}
    with scope.transaction():
        store.apply(scope, provider, values)
        if Family.TELEPHONY in provider.families:
            scope.session.execute(delete(Endpoint))
            rows: list[Base] = [
                Endpoint(**own, phone_number=number, inbound_agent_name="support") for number in numbers
            ]
        else:
            store.row_for(scope, provider).callback_url = "https://voice.acme.example/calls"
            user_id = scope.session.scalars(select(User.id)).first()
            rows = [VoicePhoneNumber(**own, user_id=user_id, phone_number=number) for number in numbers]
        scope.session.add_all(rows)
        scope.session.flush()
        queue.mark_due(scope)


@contextmanager
def _scope(folder: Path, upstreams: Iterable[Simulator]) -> Iterator[Scope]:
    hosts = {host: base for upstream in upstreams for host, base in upstream.upstreams.items()}
    upstream_setting = ",".join(f"{host}={base}" for host, base in hosts.items())
    environment = clean_environment() | {"PATCHBAY_DATA": str(folder), "PATCHBAY_UPSTREAMS": upstream_setting}
    migrate(environment)
    app = create_app(Settings.from_environment(environment))
    _first_person(app)
    with app.app_context():
        organization = db.session.scalars(select(Organization)).one()
        organization.public_base_url = "https://voice.acme.example"
        db.session.commit()
        person = db.session.scalars(select(User)).one()
        yield scope_of(db.session(), organization, person, context.keys())
        db.session.remove()
        db.engine.dispose()


def _first_person(app: Flask) -> None:
    person = ["--email", EMAIL, "--name", "Dana", "--role", "superadmin", "--organization", "Bench"]
    created = app.test_cli_runner().invoke(
        args=["users", "create", *person, "--password-stdin"], input=f"{PASSWORD}\n"
    )
    if created.exit_code:
        raise SystemExit(created.output)


if __name__ == "__main__":
    main()
