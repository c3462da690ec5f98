"""Cost of 100,000 endpoints: pages, orders, search and filters of the table against its first page.

Also the memory of the streamed list. Prints times and ratios. See README.md here.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
import tracemalloc
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from app import context, create_app
from app.config import Settings
from app.core import clock
from app.extensions import db
from app.models import DriftCheck, Endpoint, Organization, User
from app.models.base import new_id
from app.provider import Family
from app.providers import keys_in
from app.services.endpoints import paging
from app.services.endpoints.listing import Filter
from devtools.databases import migrate
from devtools.html import parse
from devtools.postgres import Postgres
from devtools.scopes import PASSWORD, scope_of
from devtools.server import clean_environment

EMAIL = "dana@acme.example"
HOME = "https://localhost"
PATH = "/o/bench/endpoints"
TELEPHONY = keys_in(Family.TELEPHONY)
ROWS_PER_INSERT = 2000
DEEP = 0.95
"""Share of the rows before a deep page."""
PART = {"HX-Request": "true", "HX-Target": "endpoints"}


@dataclass(frozen=True)
class Compared:
    """Seconds for a page, and for the page that it is compared with."""

    own: float
    other: float

    @property
    def ratio(self) -> float:
        return self.own / self.other


def main() -> None:
    options = _options()
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-")))
        environment = clean_environment() | {"PATCHBAY_DATA": str(folder)}
        if options.postgresql:
            postgres = Postgres(folder)
            stack.callback(postgres.stop)
            postgres.create("patchbay")
            environment["DATABASE_URL"] = postgres.url("patchbay")
        migrate(environment)
        app = create_app(Settings.from_environment(environment))
        token = _people(app)
        with app.app_context():
            _fill(options.rows)
            stack.callback(db.engine.dispose)
        client = _signed_in(app)
        for query in ("?provider=unknown", "?provider=vobiz", ""):
            count, most = _streamed(app, token, query)
            print(f"streamed list    {count:7,} rows, at most {most:7,} KiB peak", flush=True)
        deep = _deep(app, options.rows)
        orders = {sort: urlencode({"sort": sort}) for sort in list(paging.SORTS)[1:]}
        _print("against the first page", _compare(client, orders | _found(), "", options.rounds))
        paged: dict[str, Compared] = {}
        for sort, query in deep.items():
            name = f"{sort}, {DEEP:.0%}"
            paged |= _compare(client, {name: query}, urlencode({"sort": sort}), options.rounds)
        _print("deep in the rows, against the first page of the same order", paged)
        _require(paged, options.at_most)


def _require(paged: Mapping[str, Compared], at_most: float | None) -> None:
    slow = [name for name, each in paged.items() if at_most is not None and each.ratio > at_most]
    if slow:
        raise SystemExit(f"More than {at_most} times as slow: {', '.join(slow)}.")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.endpoints", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--at-most", type=float, help="exit with 1 if a deep page's ratio is higher")
    return parser.parse_args()


def _people(app: Flask) -> str:
    run = app.test_cli_runner().invoke
    person = ["--email", EMAIL, "--name", "Dana", "--role", "superadmin", "--organization", "Bench"]
    created = run(args=["users", "create", *person, "--password-stdin"], input=f"{PASSWORD}\n")
    issued = run(args=["tokens", "create", "--email", EMAIL])
    if created.exit_code or issued.exit_code:
        raise SystemExit(f"{created.output}\n{issued.output}")
    return str(issued.output.strip().splitlines()[-1])


def _fill(total: int) -> None:
    organization = db.session.scalars(select(Organization.id)).one()
    for start in range(0, total, ROWS_PER_INSERT):
        some = range(start, min(start + ROWS_PER_INSERT, total))
        db.session.execute(insert(Endpoint), [_endpoint(organization, n, total) for n in some])
        checked = [_check(organization, n) for n in some if n % 9 and n % 11]
        db.session.execute(insert(DriftCheck), checked)
        db.session.commit()


def _endpoint(organization: str, n: int, total: int) -> dict[str, object]:
    """Returns an endpoint's row. Some have no label or agent; no column correlates with the number."""
    return {
        "id": new_id(),
        "organization_id": organization,
        "phone_number": f"+1555{n:07}",
        "provider": TELEPHONY[n % 10 and n % 3],
        "inbound_agent_name": None if n % 11 == 0 else f"Agent {n % 500}",
        "outbound_agent_name": None if n % 3 else f"Dialer {n % 40}",
        "label": None if n % 7 == 0 else f"Line {n * 7919 % total} of the {TELEPHONY[n % 3]} desk",
        "is_active": bool(n % 9),
        "created_at": clock.now() - timedelta(seconds=n * 31 % total),
    }


def _check(organization: str, n: int) -> dict[str, object]:
    return {
        "organization_id": organization,
        "provider": TELEPHONY[n % 10 and n % 3],
        "phone_number": f"+1555{n:07}",
        "due": False,
        "in_sync": bool(n % 100),
        "verdict": "healthy" if n % 100 else "unhealthy",
        "cause": None if n % 100 else "no_webhook",
        "since": None if n % 100 else clock.now(),
        "checked_at": clock.now(),
    }


def _signed_in(app: Flask) -> FlaskClient:
    client = app.test_client()
    page = parse(client.get("/sign-in", base_url=HOME).text)
    submitted = {
        "csrf_token": page.one("input", name="csrf_token")["value"],
        "email": EMAIL,
        "password": PASSWORD,
    }
    answer = client.post("/sign-in", base_url=HOME, headers={"Referer": HOME}, data=submitted)
    if answer.status_code != 303:
        raise SystemExit(f"Signing in returned {answer.status_code}.")
    return client


def _found() -> dict[str, str]:
    """Returns the queries of the pages that are compared with the first."""
    queries = {
        "search, some": {"q": "Line 99"},
        "search, none": {"q": "nothing has this"},
        "search, number": {"q": "(555) 000-12"},
        "of a provider": {"provider": TELEPHONY[-1]},
        "of an agent": {"agent": "Agent 7"},
        "inactive": {"active": "off"},
        "drifted": {"sync": "drifted"},
        "drifted, search": {"sync": "drifted", "q": "desk"},
    }
    return {name: urlencode(query) for name, query in queries.items()}


def _deep(app: Flask, rows: int) -> dict[str, str]:
    """Returns the query of a deep page, for each order."""
    queries = {}
    with app.app_context():
        organization, user = (
            db.session.scalars(select(Organization)).one(),
            db.session.scalars(select(User)).one(),
        )
        scope = scope_of(db.session(), organization, user, context.keys())
        for sort in paging.SORTS:
            page = paging.page(scope, Filter(), limit=int(rows * DEEP), sort=sort)
            queries[sort] = urlencode({"sort": sort, "cursor": page.next})
    return queries


def _compare(client: FlaskClient, named: Mapping[str, str], against: str, rounds: int) -> dict[str, Compared]:
    """Measures pages and `against` in turn, so that a slow moment of the machine affects both."""
    compared = {}
    for name, query in named.items():
        own, other = [], []
        for _ in range(rounds):
            other.append(_seconds(client, against))
            own.append(_seconds(client, query))
        compared[name] = Compared(median(own), median(other))
    return compared


def _seconds(client: FlaskClient, query: str) -> float:
    """Returns the time of the part of the page that htmx requests for each key and each page."""
    start = time.perf_counter()
    answer = client.get(f"{PATH}?{query}", base_url=HOME, headers=PART)
    elapsed = time.perf_counter() - start
    if answer.status_code != 200:
        raise SystemExit(f"{PATH}?{query} returned {answer.status_code}.")
    return elapsed


def _streamed(app: Flask, token: str, query: str) -> tuple[int, int]:
    """Returns the number of endpoints in the list, and Python's peak memory in KiB."""
    client = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {token}"}
    tracemalloc.start()
    answer = client.get(f"/api/settings/endpoints{query}", headers=headers, buffered=False)
    count = sum(part.count(b'"phone_number"') for part in answer.iter_encoded())
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answer.close()
    return count, most // 1024


def _print(title: str, compared: Mapping[str, Compared]) -> None:
    print(title)
    for name, each in compared.items():
        print(f"  {name:16} {each.own * 1000:7.1f} ms   {each.ratio:5.2f} x", flush=True)


if __name__ == "__main__":
    main()
