"""Cost of each page with 40 organizations and 100,000 endpoints, against the same page with one of each.

Prints both times and the ratio. See README.md here.
"""

from __future__ import annotations

import argparse
import http.client
import logging
import re
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlencode, urlsplit

from app.providers import PROVIDERS
from bench import estate
from devtools.html import parse
from devtools.postgres import Postgres
from devtools.scopes import PASSWORD
from devtools.server import SERVE, Server, clean_environment, served
from simulators import SIMULATORS

HOME = f"/o/{estate.SLUG}"
FILES = {"export", "export, filtered", "audit CSV", "audit JSON lines", "import report", "API list"}
"""Files, which are measured until their first byte."""
SORTS = ("number", "label", "provider", "agent", "active", "created")
DEEP = 10
"""Clicks on Next before a deep page."""

Paths = dict[str, str]


@dataclass
class Browser:
    """A client that is signed in to one of the installations, over one connection."""

    server: Server
    cookie: str = ""
    found: Paths = field(default_factory=dict)

    def __post_init__(self) -> None:
        address = urlsplit(self.server.url)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=120)
        page = self.text("/sign-in")
        submitted = {"csrf_token": str(parse(page).one("input", name="csrf_token")["value"])}
        body = urlencode(submitted | {"email": estate.EMAIL, "password": PASSWORD})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": self.server.url}
        self._request("POST", "/sign-in", body, headers)

    def text(self, path: str) -> str:
        return self._request("GET", path)[1].decode()

    def seconds(self, name: str, path: str) -> float:
        """Returns the seconds until the response is complete; for a file, until its first byte."""
        headers = {"Accept-Encoding": "identity"}
        if target := _target(name):
            headers |= {"HX-Request": "true", "HX-Target": target}
        return self._request("GET", path, headers=headers, whole=name not in FILES)[0]

    def _request(
        self,
        method: str,
        path: str,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        whole: bool = True,
    ) -> tuple[float, bytes]:
        cookie = {"Cookie": self.cookie} if self.cookie else {}
        start = time.perf_counter()
        self._connection.request(method, path, body, {**cookie, **(headers or {})})
        answer = self._connection.getresponse()
        text = answer.read() if whole else answer.read(1)
        elapsed = time.perf_counter() - start
        if not whole:
            self._connection.close()
        if answer.status not in (200, 303, 409, 429):
            raise SystemExit(f"{path} answered {answer.status}.")
        set_cookies = [value.split(";")[0] for value in answer.headers.get_all("Set-Cookie") or []]
        if set_cookies:
            jar = dict(one.split("=", 1) for one in [*self.cookie.split("; "), *set_cookies] if one)
            self.cookie = "; ".join(f"{name}={value}" for name, value in jar.items())
        return elapsed, text


def main() -> None:
    options = _options()
    logging.disable(logging.CRITICAL)
    with ExitStack() as stack:
        stack_folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="patchbay-bench-"))
        folder = options.keep or Path(stack_folder)
        postgres = _postgres(stack, folder) if options.postgresql else None
        sizes = {"small": estate.SMALL, "large": estate.LARGE}
        settings = [built(folder / name, size, postgres) for name, size in sizes.items()]
        small, large = (
            Browser(stack.enter_context(served(Path(some["PATCHBAY_DATA"]), some, command=SERVE)))
            for some in settings
        )
        pages = _pages(small), _pages(large)
        names = [name for name in pages[1] if re.search(options.only, name)]
        rows = {name: _compare(name, small, large, pages, options.rounds) for name in names}
    _print(rows, options.at_most)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.pages", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--at-most", type=float, default=3.0, help="list pages with a higher ratio")
    parser.add_argument("--only", default="", help="a regular expression for the names of pages")
    parser.add_argument("--keep", type=Path, help="build the data there once, and reuse it")
    return parser.parse_args()


def _postgres(stack: ExitStack, folder: Path) -> Postgres:
    folder.mkdir(parents=True, exist_ok=True)
    postgres = Postgres(folder)
    stack.callback(postgres.stop)
    return postgres


def built(data: Path, size: estate.Size, postgres: Postgres | None) -> dict[str, str]:
    """Builds an installation that calls no real provider, and returns its settings."""
    is_new = not data.exists()
    data.mkdir(parents=True, exist_ok=True)
    nowhere = (f"{host}=http://127.0.0.1:9" for kind in SIMULATORS.values() for host in kind.hosts)
    settings = {"PATCHBAY_DATA": str(data), "PATCHBAY_UPSTREAMS": ",".join(nowhere)}
    if postgres:
        postgres.create(data.name)
        settings["DATABASE_URL"] = postgres.url(data.name)
    if is_new or postgres:
        start = time.perf_counter()
        (data / "import.txt").write_text(estate.build(clean_environment() | settings, size))
        print(f"built {data.name:6} {time.perf_counter() - start:6.1f} s", flush=True)
    return settings


def _target(name: str) -> str | None:
    """Returns the block that htmx requests, if the page's name contains it."""
    targets = {"part": "endpoints", "calls part": "calls", "overview part": "organizations"}
    return targets.get(name.split(":", maxsplit=1)[0])


def _pages(browser: Browser) -> Paths:
    """Returns every page's path by its name; both installations have the same names."""
    ids = _ids(browser)
    endpoint, person = ids["endpoint"], ids["person"]
    paths = {
        "overview": "/",
        "overview, searched": "/?q=bench",
        "overview part: searched": "/?q=be",
        "overview, progress": "/check",
        "home": f"{HOME}/",
        "settings": f"{HOME}/settings",
        "settings, base URL": f"{HOME}/settings/base-url?url=https%3A%2F%2Fother.acme.example",
        "voice AI": f"{HOME}/voice-ai",
        "voice AI, tool secret": f"{HOME}/voice-ai/tool-secret",
        "account": "/account",
        "new organization": "/organizations/new",
        "API docs": "/api/docs",
    }
    paths |= _endpoint_pages(browser, endpoint) | _provider_pages(ids) | _people_pages(browser, person, ids)
    paths |= _call_pages(browser) | _audit_pages(browser) | _find_pages() | _import_pages(ids)
    return paths


def _ids(browser: Browser) -> Paths:
    def first(path: str, pattern: str) -> str:
        match = re.search(pattern, browser.text(path))
        return match[1] if match else ""

    person = first(f"{HOME}/people?q=dana", rf"{HOME}/people/([0-9a-f-]{{36}})")
    return {
        "endpoint": first(
            f"{HOME}/endpoints?q=" + quote(estate.NUMBER), rf"{HOME}/endpoints/([0-9a-f-]{{36}})"
        ),
        "person": person,
        "number": first(f"{HOME}/people/{person}", r"/numbers/([0-9a-f-]{36})"),
        "switch": first(f"{HOME}/providers/twilio", r"/switches/(\d+)/undo"),
        "import": (browser.server.data / "import.txt").read_text(),
    }


def _endpoint_pages(browser: Browser, endpoint: str) -> Paths:
    table = f"{HOME}/endpoints"
    views = {
        "": {},
        "type 5": {"q": "5"},
        "type 55": {"q": "55"},
        "type 555": {"q": "555"},
        "type L": {"q": "L"},
        "type Li": {"q": "Li"},
        "type Lin": {"q": "Lin"},
        "type zq": {"q": "zq"},
        "national number": {"q": "(555) 000-0001"},
        "whole number": {"q": estate.NUMBER},
        "label": {"q": "Line 7919 of"},
        "agent's name": {"q": "Agent 1"},
        "no match": {"q": "nothing has this"},
        "provider": {"provider": "twilio"},
        "provider, rare": {"provider": estate.TELEPHONY[1]},
        "active": {"active": "on"},
        "inactive": {"active": "off"},
        "agent": {"agent": "Agent 1"},
        "agent, unknown": {"agent": "Unknown"},
        "drifted": {"sync": "drifted"},
        "blocked": {"sync": "blocked"},
        "drifted, typed": {"sync": "drifted", "q": "desk"},
        "drifted, no match": {"sync": "drifted", "q": "nothing has this"},
        "all filters": {
            "sync": "drifted",
            "q": "Line",
            "provider": "twilio",
            "active": "on",
            "agent": "Agent 5",
        },
    }
    for sort in SORTS:
        for sign in ("", "-"):
            views[f"sort {sign}{sort}"] = {"sort": f"{sign}{sort}"}
            views[f"sort {sign}{sort}, typed"] = {"sort": f"{sign}{sort}", "q": "Line"}
            views[f"sort {sign}{sort}, drifted"] = {"sort": f"{sign}{sort}", "sync": "drifted"}
    paths = {"endpoints": table, "endpoints, edit": f"{table}?edit={endpoint}"}
    paths |= {f"part: {name}": f"{table}?{urlencode(query)}" for name, query in views.items()}
    for sort in ("number", "-label", "-created"):
        paths[f"part: {DEEP} pages down, {sort}"] = _deep_page(browser, f"{table}?sort={sort}")
    for name in ("provider", "drifted", "label", ""):
        for do in ("delete", "deactivate", "inbound"):
            query = {"all": "yes", "do": do} | views[name]
            paths[f"all {name}, {do}"] = f"{table}/many?{urlencode(query)}"
    return paths | {
        "one ticked": f"{table}/many?do=delete&id={endpoint}",
        "endpoint": f"{table}/{endpoint}",
        "endpoint, delete": f"{table}/{endpoint}/delete",
        "endpoint, at its provider": f"{table}/{endpoint}/provider",
        "new endpoint": f"{table}/new",
        "check, progress": f"{HOME}/check",
        "call path": f"{HOME}/trace",
        "call path, number": f"{HOME}/trace?number={quote(estate.NUMBER)}",
        "call path, dialer's": f"{HOME}/trace?number={quote(estate.CALLED)}",
        "call path, none": f"{HOME}/trace?number=%2B12125550199",
    }


def _deep_page(browser: Browser, path: str) -> str:
    """Returns the path of the page after `DEEP` clicks on Next, or of the last page."""
    for _ in range(DEEP):
        links = [a for a in parse(browser.text(path)).all("a") if a.text.strip().startswith("Next")]
        if not links:
            break
        path = str(links[0]["href"])
    return path


def _provider_pages(ids: Paths) -> Paths:
    paths = {}
    for key in PROVIDERS:
        paths[f"provider {key}"] = f"{HOME}/providers/{key}"
    for key in estate.CONNECTED:
        paths[f"disable {key}"] = f"{HOME}/providers/{key}/disable"
        paths[f"disconnect {key}"] = f"{HOME}/providers/{key}/disconnect"
    for family, key in (("telephony", "twilio"), ("voice", "twilio")):
        paths[f"make active {family}"] = f"{HOME}/active/{family}?provider={key}"
    return paths | {
        "callback": f"{HOME}/providers/sinch/callback",
        "callback, number": f"{HOME}/providers/sinch/callback/numbers/{quote(estate.CALLED)}",
        "undo switch": f"{HOME}/switches/{ids['switch']}/undo",
        "numbers": f"{HOME}/numbers",
        "numbers of provider": f"{HOME}/providers/twilio/numbers",
    }


def _people_pages(browser: Browser, person: str, ids: Paths) -> Paths:
    table = f"{HOME}/people"
    return {
        "people": table,
        "people, typed": f"{table}?q=P",
        "people, one": f"{table}?q=dana",
        "people, none": f"{table}?q=zq",
        "people, next page": _deep_page(browser, table),
        "person": f"{table}/{person}",
        "person, new": f"{table}/new",
        "person, reset": f"{table}/{person}/password",
        "person, take number": f"{table}/{person}/numbers/{ids['number']}/take",
        "person, AI on a number": f"{table}/{person}/numbers/{ids['number']}/ai",
    }


def _call_pages(browser: Browser) -> Paths:
    table = f"{HOME}/calls"
    searched = {"a": "A", "agent": "Agent 0", "id": "agent_0", "number": "(555) 000-0001", "none": "zq"}
    paths = {f"calls part: {name}": f"{table}?{urlencode({'q': text})}" for name, text in searched.items()}
    path = table
    for _ in range(DEEP):
        links = [a for a in parse(browser.text(path)).all("a") if a.text.strip().startswith("Older")]
        path = str(links[0]["href"]) if links else path
    return paths | {"calls": table, f"calls, {DEEP} pages down": path}


def _audit_pages(browser: Browser) -> Paths:
    paths = {
        "all audit": "/audit",
        "all audit, who": "/audit?who=dana",
        "all audit, no match": "/audit?q=zqx",
    }
    table = f"{HOME}/audit"
    queries = {
        "": "",
        "about": "?about=" + quote(estate.NUMBER),
        "search": "?q=5550000001",
        "no match": "?q=zqx",
        "who": "?who=dana",
        "who, none": "?who=zqx",
        "kind": "?action=endpoints",
        "kind, rare": "?action=tokens",
        "kind, who none": "?action=endpoints&who=zqx",
        "days": "?from=2020-01-01&to=2020-01-02",
        "all filters": "?q=thing&who=dana&action=secrets.read&from=2026-01-01",
    }
    path = table
    for _ in range(DEEP):
        links = [a for a in parse(browser.text(path)).all("a") if a.text.strip().startswith("Older")]
        path = str(links[0]["href"]) if links else path
    return (
        paths
        | {f"audit, {name}".rstrip(", "): table + query for name, query in queries.items()}
        | {
            f"audit, {DEEP} pages down": path,
            "audit CSV": f"{table}.csv",
            "audit JSON lines": f"{table}.jsonl",
        }
    )


def _find_pages() -> Paths:
    texts = {
        "nothing": "",
        "b": "b",
        "be": "be",
        "number": "+1555000000",
        "digits": "555",
        "person": "person",
        "none": "zqx",
    }
    paths = {
        f"find, {name}": "/find?" + urlencode({"in": estate.SLUG, "q": text}) for name, text in texts.items()
    }
    return paths | {"find, everywhere": "/find?q=555"}


def _import_pages(ids: Paths) -> Paths:
    return {
        "import, new": f"{HOME}/endpoints/import",
        "import": f"{HOME}/endpoints/import/{ids['import']}",
        "import report": f"{HOME}/endpoints/import/{ids['import']}/report.csv",
        "export": f"{HOME}/endpoints.csv",
        "export, filtered": f"{HOME}/endpoints.csv?q=Line&sort=-label&sync=drifted",
        "template": f"{HOME}/endpoints/template.csv",
    }


@dataclass(frozen=True)
class Compared:
    """Seconds with one number and with 100,000: the first request, and the median."""

    small: float
    large: float
    first: float

    @property
    def ratio(self) -> float:
        return self.large / self.small


def _compare(name: str, small: Browser, large: Browser, pages: tuple[Paths, Paths], rounds: int) -> Compared:
    """Measures both installations in turn, so that a slow moment of the machine affects both."""
    first = large.seconds(name, pages[1][name])
    own, other = [], []
    small.seconds(name, pages[0][name])
    for _ in range(rounds):
        other.append(small.seconds(name, pages[0][name]))
        own.append(large.seconds(name, pages[1][name]))
    compared = Compared(median(other), median(own), first)
    print(_line(name, compared), flush=True)
    return compared


def _line(name: str, row: Compared) -> str:
    times = f"{row.small * 1000:7.1f} {row.large * 1000:8.1f} ms"
    return f"  {name:34} {times} {row.ratio:6.2f} x   first {row.first * 1000:7.1f}"


def _print(rows: Mapping[str, Compared], at_most: float) -> None:
    slow = {name: row for name, row in rows.items() if row.ratio > at_most}
    print(f"{len(rows)} pages, {len(slow)} of them more than {at_most} times as slow")
    for name, row in sorted(slow.items(), key=lambda pair: -pair[1].ratio):
        print(_line(name, row))


if __name__ == "__main__":
    main()
