"""The rules of Prometheus for names and labels, and the guide's rules against a real scrape."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import yaml
from flask.testing import FlaskClient
from prometheus_client import Metric

from app import context
from app.core import clock
from app.core.outbound import turns
from app.core.outbound.answer import OutboundError
from app.core.outbound.client import Outbound
from app.core.outbound.turns import Limits
from app.metrics import deliveries, outbound
from app.metrics.stored import GAUGES
from app.models import Connection, DriftCheck, HealthTransition
from app.services.notifications.delivery import Attempt
from devtools.server import ROOT
from simulators import SIMULATORS
from tests.support import cast as support_cast
from tests.support.metrics import samples, scrape

GUIDE = (ROOT / "docs/guides/monitoring.md").read_text()
BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"\bpatchbay(?:_[a-z]+)+\b(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)\s*(?:=~|!~|!=|=)\s*"[^"]*"')
GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
OWN_OF_PROMETHEUS = {"instance", "job", "le"}
SNAKE = re.compile(r"[a-z]+(_[a-z]+)*")
OTHER_UNITS = frozenset({"ms", "milliseconds", "minutes", "hours", "days", "kb", "megabytes", "percent"})
TYPES = {"gauge", "counter", "histogram", "summary", "metric"}
ENDINGS = ("_total", "_count", "_sum", "_bucket", "_created", "_info")
MOST_SERIES = 40
"""Of a family, in an installation with one provider in use."""


@pytest.fixture
def scraped(client: FlaskClient) -> dict[str, Metric]:
    """After a request and a call to a provider, in an installation with a number and a connection."""
    with client.application.app_context():
        people = support_cast.write(context.session())
        own = {"organization_id": people.acme.id, "provider": "twilio"}
        context.session().add(DriftCheck(**own, phone_number="+15550000001", verdict="unhealthy", due=True))
        row = HealthTransition(**own, phone_number="", was="off", now="unhealthy", at=clock.now())
        context.session().add_all([row, Connection(**own)])
        context.session().commit()
        with pytest.raises(OutboundError):
            context.outbound().send("POST", "https://api.twilio.com/")
    deliveries.count("webhook", Attempt(ok=True, milliseconds=1, status=200))
    client.get("/sign-in")
    return scrape(client)


def _wrong(name: str, family: Metric) -> Iterator[str]:
    words = name.split("_")
    if not SNAKE.fullmatch(name):
        yield f"{name} is not in snake case"
    if not family.documentation.endswith("."):
        yield f"{name} has no help"
    if OTHER_UNITS & set(words) or ("seconds" in words and words[-1] != "seconds"):
        yield f"{name} has no base unit at its end"
    if TYPES & set(words):
        yield f"{name} contains a type"
    if name.endswith(ENDINGS):
        yield f"{name} has an ending that is reserved"
    if family.type == "counter" and not all(one.name == f"{name}_total" for one in family.samples):
        yield f"{name} has another ending than _total"
    if len(family.samples) > MOST_SERIES and family.type != "histogram" and name != "patchbay_requests":
        yield f"{name} has {len(family.samples)} series"
    for label in {label for one in family.samples for label in one.labels}:
        if not SNAKE.fullmatch(label) or label in ("instance", "job") or label in words:
            yield f"{name} has the label {label}"


def test_provider_requests_are_counted_by_host_and_outcome(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that no provider has is not named, because users choose it."""
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.01)
    twilio = "api.twilio.com"
    outbound.count("hooks.private.example", "500", 0.1)
    before = samples(scrape(client)["patchbay_provider_requests"])
    for host, outcome in [
        (twilio, "201"),
        (twilio, "401"),
        (twilio, "422"),
        (twilio, "503"),
        ("x.example", "429"),
    ]:
        outbound.count(host, outcome, 0.1)
    with client.application.app_context(), SIMULATORS["twilio"]() as simulator:
        simulator.is_off = True
        http = Outbound(simulator.upstreams, count=outbound.count, limits=Limits(host=1))
        for url in (f"https://{twilio}/", "https://nowhere.invalid/"):
            with pytest.raises(OutboundError):
                http.send("POST", url)
        with http._turns.taken(twilio, ""), pytest.raises(OutboundError):
            http.send("POST", f"https://{twilio}/")
    after = samples(scrape(client)["patchbay_provider_requests"])
    outcomes = [(twilio, outcome) for outcome in ("2xx", "401", "4xx", "5xx", "connect", "busy")]
    expected = dict.fromkeys([*outcomes, ("other", "429"), ("other", "dns")], 1)
    assert {
        key: after[key] - before.get(key, 0) for key in after if after[key] != before.get(key)
    } == expected


def test_names_and_labels_follow_the_rules_and_are_those_of_the_guide(scraped: dict[str, Metric]) -> None:
    own_metrics = {name: family for name, family in scraped.items() if name.startswith("patchbay_")}
    wrong = [problem for name, family in own_metrics.items() for problem in _wrong(name, family)]
    assert wrong == []
    assert {"patchbay_requests", "patchbay_provider_requests", *(gauge.name for gauge in GAUGES)} <= set(
        own_metrics
    )

    _, rules, panels = (yaml.safe_load(block) for block in BLOCK.findall(GUIDE))
    alerts = rules["groups"][0]["rules"]
    expressions = [alert["expr"] for alert in alerts] + list(panels.values())
    assert len(expressions) > 20
    wrong = [problem for written in expressions for problem in _unknown(written, scraped)]
    assert wrong == []

    rows = re.findall(r"^\| `(patchbay_[a-z_]+)` \| ([^|]*)\|", GUIDE, re.MULTILINE)
    described = {name.removesuffix("_total"): set(re.findall(r"`([a-z]+)`", labels)) for name, labels in rows}
    exposed = {
        name: {label for one in family.samples for label in one.labels} - {"le"}
        for name, family in scraped.items()
        if name.startswith("patchbay_")
    }
    exposed |= {gauge.name: set(gauge.labels) for gauge in GAUGES}
    assert described == exposed


def _unknown(expression: str, scraped: dict[str, Metric]) -> Iterator[str]:
    """Yields names and labels of the expression that no sample has."""
    labels_by_name = {one.name: set(one.labels) for family in scraped.values() for one in family.samples}
    labels_by_name |= {gauge.name: set(gauge.labels) for gauge in GAUGES}
    used: set[str] = set()
    for match in NAME.finditer(expression):
        name = match[0].partition("{")[0]
        if name not in labels_by_name:
            yield f"{name} does not exist"
            continue
        used |= labels_by_name[name]
        labels = set(MATCHER.findall(match[1] or "")) - labels_by_name[name]
        yield from (f"{name} has no label {label}" for label in labels)
    grouped = {label.strip() for group in GROUPING.findall(expression) for label in group.split(",")}
    yield from (f"{label} is no label in {expression}" for label in grouped - used - OWN_OF_PROMETHEUS)
