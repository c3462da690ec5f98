"""Time of `GET /api/calls/providers` under attack, against an idle server in the same run.

Prints each p95 and their ratio. See README.md here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

from devtools import attacks
from devtools.clients import ApiClient, Unanswered
from devtools.load import Account, superadmin
from devtools.many import fill
from devtools.postgres import Postgres
from devtools.server import ROOT, SERVE, Server, served
from simulators.base import Reply, Request
from simulators.twilio import Twilio

PATH = "/api/calls/providers"
HANGING = 20


class HangingTwilio(Twilio):
    """Twilio that does not respond while it hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def reply(self, request: Request) -> Reply:
        self.free.wait(60)
        return super().reply(request)


@dataclass(frozen=True)
class Attack:
    name: str
    begin: Callable[[], AbstractContextManager[object]]
    at_most: float
    """The highest ratio that meets the target."""


@dataclass(frozen=True)
class Measured:
    p95: float
    failed: int


def main() -> None:
    options = _options()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-")))
        twilio = stack.enter_context(HangingTwilio())
        upstreams = ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())
        url = f"sqlite:///{folder / 'patchbay.db'}"
        if options.postgresql:
            postgres = Postgres(folder)
            stack.callback(postgres.stop)
            postgres.create("patchbay")
            url = postgres.url("patchbay")
        settings = {"DATABASE_URL": url, "PATCHBAY_UPSTREAMS": upstreams, "PATCHBAY_WORKERS": "2"}
        server = stack.enter_context(served(folder, settings, command=SERVE))
        account = superadmin(server)
        fill(url, account.slug, options.rows)
        selected = [each for each in _attacks(server, account, twilio) if options.only in each.name]
        slowdowns = {each.name: _compare(server, account, each, options) for each in selected}
        _require(selected, slowdowns, options.demand)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.under_attack", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each idle and attacked part")
    parser.add_argument("--per-second", type=float, default=50.0, help="requests")
    parser.add_argument("--rows", type=int, default=40_000, help="endpoints in the list")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--only", default="", help="only attacks whose name contains this")
    parser.add_argument("--demand", action="store_true", help="exit with 1 if a ratio is above its target")
    return parser.parse_args()


def _attacks(server: Server, account: Account, twilio: HangingTwilio) -> list[Attack]:
    url, token = server.url, account.token

    def readers() -> attacks.HeldOpen:
        return attacks.slow_readers(url, token)

    def bodies() -> attacks.HeldOpen:
        return attacks.silent_bodies(url)

    @contextmanager
    def all_combined() -> Iterator[None]:
        with _hanging(server, account, twilio), readers(), bodies():
            yield

    return [
        Attack("40 slow readers", readers, 1.5),
        Attack("40 silent bodies", bodies, 1.5),
        Attack("40 half-sent headers", lambda: attacks.half_sent_heads(url), 1.5),
        Attack("20 hanging provider calls", lambda: _hanging(server, account, twilio), 1.5),
        Attack("readers, bodies and calls", all_combined, 1.5),
        Attack("40 clients that sign in", lambda: attacks.sign_ins(url), 3.0),
    ]


@contextmanager
def _hanging(server: Server, account: Account, twilio: HangingTwilio) -> Iterator[None]:
    """Runs the block during connection tests to which Twilio does not respond until it ends."""
    body = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}

    def verify() -> None:
        client = ApiClient(server.url, account.token)
        with suppress(Unanswered):
            client.call("POST", "/api/settings/providers/twilio/verify", body)

    twilio.free.clear()
    try:
        with attacks.hanging_calls(HANGING, verify):
            yield
            twilio.free.set()
    finally:
        twilio.free.set()


def _compare(server: Server, account: Account, attack: Attack, options: argparse.Namespace) -> float:
    """Measures idle and attacked in turn, so that a slow moment affects both. Returns the ratio."""
    quiet, attacked = [], []
    for _ in range(options.rounds):
        quiet.append(_measure(server, account, options))
        with attack.begin():
            attacked.append(_measure(server, account, options))
    idle_p95, attacked_p95 = median(each.p95 for each in quiet), median(each.p95 for each in attacked)
    failed = sum(each.failed for each in attacked)
    print(
        f"{attack.name:26} p95 {idle_p95 * 1000:7.1f} ms idle, {attacked_p95 * 1000:8.1f} ms attacked"
        f"   {attacked_p95 / idle_p95:6.2f} x (at most {attack.at_most})   {failed} not answered",
        flush=True,
    )
    return float("inf") if failed else attacked_p95 / idle_p95


def _measure(server: Server, account: Account, options: argparse.Namespace) -> Measured:
    place = urlsplit(server.url)
    headers = [f"Host: {place.netloc}", f"Authorization: Bearer {account.token}"]
    request = "\r\n".join([f"GET {PATH} HTTP/1.1", *headers, "", ""])
    command = [sys.executable, "-m", "bench.pace", str(place.hostname), str(place.port)]
    done = subprocess.run(
        [*command, str(options.per_second), str(options.seconds)],
        cwd=ROOT,
        input=request.encode(),
        stdout=subprocess.PIPE,
        timeout=600,
        check=True,
    )
    result = json.loads(done.stdout)
    durations = result["taken"]
    return Measured(quantiles(durations, n=20)[-1] if len(durations) > 1 else float("inf"), result["failed"])


def _require(selected: list[Attack], slowdowns: Mapping[str, float], is_demanded: bool) -> None:
    slow = [each.name for each in selected if slowdowns[each.name] > each.at_most]
    if is_demanded and slow:
        raise SystemExit(f"Above the target: {', '.join(slow)}.")


if __name__ == "__main__":
    main()
