"""Cost of `GET /api/calls/providers` against bare Flask.

Both return the same bytes with the same headers, alternately, to the same load. Prints the requests per
second of each and their ratio. See README.md here.
"""

from __future__ import annotations

import argparse
import http.client
import json
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sqlalchemy import create_engine, select

from app.config import Settings
from app.database.engine import engine_options
from app.models import Organization
from devtools.postgres import Postgres
from devtools.server import ROOT, clean_environment, flask, free_port

PATH = "/api/calls/providers"
EMAIL = "dialer@example.com"
NUMBER = "+15551234567"
TWILIO = {
    "provider": "twilio",
    "twilioAccountSid": f"AC{'0' * 31}1",
    "twilioAuthToken": "measured-only",
    "twilioApiKeySid": f"SK{'0' * 31}1",
    "twilioApiKeySecret": "measured-only",
    "twilioTwimlAppSid": f"AP{'0' * 31}1",
    "twilioPhoneNumber": NUMBER,
}
HOP_BY_HOP = {"connection", "date", "server", "transfer-encoding", "content-length"}


@dataclass(frozen=True)
class Served:
    """An application on its own port, and the bytes of the request."""

    name: str
    port: int
    request: bytes

    def load(self, connections: int, seconds: float) -> dict[str, float]:
        command = [sys.executable, "-m", "bench.load", "127.0.0.1", str(self.port)]
        done = subprocess.run(
            [*command, str(connections), str(seconds)],
            cwd=ROOT,
            input=self.request,
            stdout=subprocess.PIPE,
            timeout=seconds + 30,
            check=True,
        )
        result: dict[str, float] = json.loads(done.stdout)
        return result


@dataclass(frozen=True)
class Caller:
    """Calls Patchbay's JSON API."""

    port: int
    token: str

    def ask(self, method: str, path: str, body: object = None) -> tuple[bytes, dict[str, str]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path} answered {answer.status}: {content.decode()}")
        return content, dict(answer.getheaders())


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-")))
        metrics = folder / "metrics"
        metrics.mkdir()
        environment = clean_environment() | {
            "PATCHBAY_DATA": str(folder),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        }
        if options.postgresql:
            postgres = Postgres(folder)
            stack.callback(postgres.stop)
            postgres.create("patchbay")
            environment["DATABASE_URL"] = postgres.url("patchbay")
        user_id, token = _prepare(environment)
        ours = stack.enter_context(_granian("patchbay", "asgi:app", environment, options, token))
        organization_id = _organization_id(environment)
        body, headers = _configure(Caller(ours.port, token), organization_id, user_id)
        answer = json.dumps({"path": PATH, "body": body.decode(), "headers": headers})
        bare_environment = clean_environment() | {"BARE_ANSWER": answer}
        bare = stack.enter_context(_granian("bare Flask", "bench.bare:app", bare_environment, options, token))
        _demand_same(Caller(ours.port, token), Caller(bare.port, token))
        _measure(ours, bare, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.voice_provider", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of load for each, in each round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1, help="processes that serve")
    parser.add_argument("--threads", type=int, default=4, help="threads in each process")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--at-least", type=float, help="exit with 1 if the ratio is lower")
    return parser.parse_args()


def _prepare(environment: Mapping[str, str]) -> tuple[str, str]:
    """Creates an installation with one superadmin. Returns their id and a token."""
    _flask(environment, "prepare")
    person = ["--email", EMAIL, "--name", "Dialer", "--role", "superadmin"]
    user_id = _flask(
        environment,
        *["users", "create", *person, "--organization", "Bench", "--password-stdin"],
        typed=secrets.token_urlsafe(24),
    )
    return user_id, _flask(environment, "tokens", "create", "--email", EMAIL)


def _flask(environment: Mapping[str, str], *arguments: str, typed: str = "") -> str:
    done = subprocess.run(
        flask(*arguments),
        cwd=ROOT,
        env=environment,
        input=typed,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.strip()


def _organization_id(environment: Mapping[str, str]) -> str:
    url = Settings.from_environment(environment).database_url
    engine = create_engine(url, **engine_options(url))
    with engine.connect() as connection:
        found = connection.execute(select(Organization.id)).scalar_one()
    engine.dispose()
    return str(found)


def _configure(caller: Caller, organization_id: str, user_id: str) -> tuple[bytes, dict[str, str]]:
    """Makes Twilio the default, with a number for the caller. Returns the response's body and headers."""
    caller.ask("POST", "/api/calls/providers/config", TWILIO)
    caller.ask("POST", "/api/calls/providers/active", {"provider": "twilio"})
    caller.ask(
        "POST",
        f"/api/organizations/{organization_id}/phone-numbers",
        {"userId": user_id, "provider": "twilio", "phoneNumber": NUMBER},
    )
    body, headers = caller.ask("GET", PATH)
    if json.loads(body) != {"provider": "twilio", "phoneNumber": NUMBER}:
        raise SystemExit(f"{PATH} answered {body.decode()}")
    return body, {k: v for k, v in headers.items() if k.lower() not in HOP_BY_HOP}


@contextmanager
def _granian(
    name: str,
    target: str,
    environment: Mapping[str, str],
    options: argparse.Namespace,
    token: str,
) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "granian", "--http", "1", "--no-ws", "--no-log"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(options.workers)]
    if target == "asgi:app":
        command += ["--interface", "asginl", target]
    else:
        command += ["--interface", "wsgi", "--blocking-threads", str(options.threads), target]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield Served(name, port, _request(port, token))
    finally:
        process.terminate()
        process.wait(10)


def _request(port: int, token: str) -> bytes:
    lines = [
        f"GET {PATH} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Accept: application/json",
        f"Authorization: Bearer {token}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


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


def _demand_same(ours: Caller, bare: Caller) -> None:
    """Both must return the same response, except for headers that change each time."""
    (body, headers), (bare_body, bare_headers) = ours.ask("GET", PATH), bare.ask("GET", PATH)
    if body != bare_body or {*map(str.lower, headers)} != {*map(str.lower, bare_headers)}:
        raise SystemExit(f"The answers differ:\n{body!r} {headers}\n{bare_body!r} {bare_headers}")


def _measure(ours: Served, bare: Served, options: argparse.Namespace) -> None:
    for served in (ours, bare):
        served.load(options.connections, 1)
    rates: dict[str, list[float]] = {ours.name: [], bare.name: []}
    busiest = 0.0
    for number in range(options.rounds):
        for served in (ours, bare) if number % 2 == 0 else (bare, ours):
            result = served.load(options.connections, options.seconds)
            rates[served.name].append(result["answered"] / result["seconds"])
            busiest = max(busiest, result["busy"])
        both = "   ".join(f"{name} {each[-1]:8,.0f}/s" for name, each in rates.items())
        print(f"round {number + 1}   {both}", flush=True)
    _report(rates[ours.name], rates[bare.name], busiest, options.at_least)


def _report(ours: list[float], bare: list[float], busiest: float, at_least: float | None) -> None:
    ratio = median(ours) / median(bare)
    each = sorted(a / b for a, b in zip(ours, bare, strict=True))
    print(f"median    patchbay {median(ours):8,.0f}/s   bare Flask {median(bare):8,.0f}/s")
    print(f"ratio     {ratio:.2f}   (rounds {each[0]:.2f} to {each[-1]:.2f})")
    if busiest > 0.9:
        print(f"The load generator used {busiest:.0%} of a core: the servers were not at their limit.")
    if at_least is not None and ratio < at_least:
        raise SystemExit(f"The ratio is below {at_least}.")


if __name__ == "__main__":
    main()
