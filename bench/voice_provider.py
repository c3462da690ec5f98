"""Speed of `GET /api/calls/providers`, beside the same request in other frameworks.

Prints requests per second and ratios. See README.md here.
"""

from __future__ import annotations

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from app import context, create_app
from app.config import Settings
from app.extensions import db
from app.models import Organization, Role, User, VoicePhoneNumber
from app.services.access import tokens
from app.services.scope import Actor
from devtools.postgres import Postgres
from devtools.server import ROOT, clean_environment, flask, free_port

PATH = "/api/calls/providers"
TOKENS = 1000
HOP_BY_HOP = {"connection", "date", "server", "transfer-encoding", "content-length"}

OURS = "Patchbay"
BARE = "bare Flask"
REST = "Django REST framework"
ASYNC = "FastAPI, async ORM"
TARGETS = {BARE: 1.0, REST: 10.0, ASYNC: 10.0}
"""How many times as fast Patchbay must be."""


@dataclass(frozen=True)
class Served:
    """An application on its own port."""

    name: str
    port: int

    def request(self, token: str, **headers: str) -> bytes:
        lines = [
            f"GET {PATH} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            "Accept: application/json",
            f"Authorization: Bearer {token}",
            *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    def get(self, token: str, **headers: str) -> tuple[int, str, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        all_headers = {"Authorization": f"Bearer {token}"} | {
            k.replace("_", "-"): v for k, v in headers.items()
        }
        connection.request("GET", PATH, headers=all_headers)
        response = connection.getresponse()
        content = response.read().decode()
        connection.close()
        return response.status, content, dict(response.getheaders())

    def load(self, requests: Sequence[bytes], connections: int, seconds: float) -> dict[str, float]:
        command = [sys.executable, "-m", "bench.load", "127.0.0.1", str(self.port)]
        done = subprocess.run(
            [*command, str(connections), str(seconds)],
            cwd=ROOT,
            input=b"".join(requests),
            stdout=subprocess.PIPE,
            timeout=seconds + 30,
            check=True,
        )
        result: dict[str, float] = json.loads(done.stdout)
        return result


@dataclass
class Case:
    """A kind of load. `beside`: the applications that are measured with the same load."""

    name: str
    tokens: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    beside: Sequence[Served] = ()
    writes: float = 0
    """Commits per second by another process."""


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-")))
        (folder / "metrics").mkdir()
        environment = clean_environment() | {
            "PATCHBAY_DATA": str(folder),
            "PROMETHEUS_MULTIPROC_DIR": str(folder / "metrics"),
        }
        if options.postgresql:
            postgres = Postgres(folder)
            stack.callback(postgres.stop)
            postgres.create("patchbay")
            environment["DATABASE_URL"] = postgres.url("patchbay")
        subprocess.run(flask("prepare"), cwd=ROOT, env=environment, check=True)
        settings = Settings.from_environment(environment)
        issued = _fill(settings)

        def serve(name: str, target: str, interface: str, peer: object = None) -> Served:
            more = environment if peer is None else clean_environment() | {"PEER": json.dumps(peer)}
            return stack.enter_context(_granian(name, target, interface, more, options))

        patchbay = serve(OURS, "asgi:app", "asginl")
        status, body, headers = patchbay.get(issued[0])
        if status != 200:
            raise SystemExit(f"Patchbay responded {status}: {body}")
        etag = headers["etag"]
        shared = {"path": PATH, "url": settings.database_url, "key": settings.jwt_keys[0]}
        same = serve(BARE, "bench.peers.bare_flask:app", "wsgi", _response(patchbay, issued[0]))
        unmodified = serve(
            BARE, "bench.peers.bare_flask:app", "wsgi", _response(patchbay, issued[0], if_none_match=etag)
        )
        peers = [
            serve(REST, "bench.peers.django_rest:app", "wsgi", shared),
            serve(ASYNC, "bench.peers.fastapi_async:app", "asgi", shared),
        ]
        cases = [
            Case("one token", beside=[same, *peers]),
            Case(f"{TOKENS} tokens", tokens=TOKENS, beside=[same]),
            Case("If-None-Match", headers={"if_none_match": etag}, beside=[unmodified]),
            Case("10 commits a second", beside=[same], writes=10),
            Case(f"{TOKENS} tokens, 10 commits a second", tokens=TOKENS, beside=[same], writes=10),
        ]
        for served in (same, unmodified, *peers):
            _require_same(patchbay, served, issued[0], etag if served is unmodified else None)
        chosen = [case for case in cases if options.only in case.name]
        missed = [each for case in chosen for each in _measure(patchbay, case, issued, environment, options)]
    if missed and options.demand:
        raise SystemExit("\n".join(missed))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.voice_provider", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each, in each round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1, help="processes that serve")
    parser.add_argument("--threads", type=int, default=4, help="threads in each process of a WSGI server")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--only", default="", help="only the cases whose name contains this")
    parser.add_argument("--demand", action="store_true", help="exit with 1 if a ratio is below its target")
    return parser.parse_args()


def _fill(settings: Settings) -> list[str]:
    """Writes an organization whose users each have a number and a token. Returns the tokens."""
    with create_app(settings).app_context():
        scope = context.scope(Actor(name="bench"))
        with scope.transaction():
            organization = Organization(name="Bench", slug="bench", active_voice="twilio")
            db.session.add(organization)
            db.session.flush()
            issued = [_dialer(scope, organization, number) for number in range(TOKENS)]
    return issued


def _dialer(scope: Any, organization: Organization, number: int) -> str:
    user = User(
        organization_id=organization.id,
        email=f"dialer-{number}@example.com",
        name="Dialer",
        role=Role.MEMBER.value,
        password_hash=PATH,  # the hash of no password
    )
    db.session.add(user)
    db.session.flush()
    row = VoicePhoneNumber(
        organization_id=organization.id,
        user_id=user.id,
        provider="twilio",
        phone_number=f"+1555{number:07}",
        is_default=True,
    )
    db.session.add(row)
    return tokens.create(scope, user, name="Bench", scopes=(), life=timedelta(days=1)).jwt


def _response(patchbay: Served, token: str, **headers: str) -> dict[str, object]:
    status, body, answered = patchbay.get(token, **headers)
    end_to_end_headers = {name: value for name, value in answered.items() if name.lower() not in HOP_BY_HOP}
    return {"path": PATH, "status": status, "body": body, "headers": end_to_end_headers}


@contextmanager
def _granian(
    name: str, target: str, interface: str, environment: Mapping[str, str], options: argparse.Namespace
) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--http", "1", "--no-ws", "--no-log"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(options.workers)]
    threads = ["--blocking-threads", str(options.threads)] if interface == "wsgi" else []
    process = subprocess.Popen(
        [*command, "--interface", interface, *threads, target],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield Served(name, port)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        with suppress(OSError):
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        time.sleep(0.05)
    raise SystemExit("A server did not start.")


def _require_same(patchbay: Served, other: Served, token: str, etag: str | None) -> None:
    """Exits unless both return the same JSON, and bare Flask the same headers too."""
    conditions = {"if_none_match": etag} if etag else {}
    status, body, headers = patchbay.get(token, **conditions)
    their_status, their_body, their_headers = other.get(token, **conditions)
    is_same = (status, body and json.loads(body)) == (their_status, their_body and json.loads(their_body))
    if other.name == BARE:
        is_same = is_same and {*map(str.lower, headers)} == {*map(str.lower, their_headers)}
    if not is_same:
        raise SystemExit(f"The responses differ:\n{body!r} {headers}\n{their_body!r} {their_headers}")


def _measure(
    patchbay: Served,
    case: Case,
    issued: Sequence[str],
    environment: Mapping[str, str],
    options: argparse.Namespace,
) -> list[str]:
    """Measures and prints a case. Returns a sentence for each missed target."""
    rates: dict[str, list[float]] = {served.name: [] for served in (patchbay, *case.beside)}
    requests = {
        served.name: [served.request(token, **case.headers) for token in issued[: case.tokens]]
        for served in (patchbay, *case.beside)
    }
    busiest = 0.0
    with _writer(case.writes, environment):
        for number in range(-1, options.rounds):  # the first one warms up
            order = [patchbay, *case.beside]
            for served in order if number % 2 == 0 else reversed(order):
                result = served.load(requests[served.name], options.connections, options.seconds)
                if number >= 0:
                    rates[served.name].append(result["answered"] / result["seconds"])
                if served is patchbay:
                    busiest = max(busiest, result["busy"])
    return _report(case, rates, busiest)


@contextmanager
def _writer(per_second: float, environment: Mapping[str, str]) -> Iterator[None]:
    if not per_second:
        yield
        return
    command = [sys.executable, "-m", "bench.writer", str(per_second)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def _report(case: Case, rates: Mapping[str, list[float]], busiest: float) -> list[str]:
    missed = []
    print(f"{case.name:36} {OURS:24} {median(rates[OURS]):8,.0f}/s", flush=True)
    for name, each in rates.items():
        if name == OURS:
            continue
        ratios = sorted(a / b for a, b in zip(rates[OURS], each, strict=True))
        ratio = median(ratios)
        print(
            f"{'':36} {name:24} {median(each):8,.0f}/s   Patchbay is {ratio:5.2f} x"
            f"   (rounds {ratios[0]:.2f} to {ratios[-1]:.2f}; target {TARGETS[name]:g})",
            flush=True,
        )
        if ratio < TARGETS[name]:
            missed.append(f"{case.name}: {ratio:.2f} times {name}, and the target is {TARGETS[name]:g}.")
    if busiest > 0.9:
        print(f"{'':36} The load generator used {busiest:.0%} of a core: Patchbay was not at its limit.")
    return missed


if __name__ == "__main__":
    main()
