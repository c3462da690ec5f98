"""When a number is proven: each of the three has to agree, in Python as in SQL."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from app.core import clock
from app.models import DriftCheck, Endpoint, LastCall, WebhookTest
from app.services.endpoints import crud, listing, proven, readiness
from app.services.endpoints.listing import Filter
from app.services.status import facts

NUMBER = "+15551234567"
URL = "https://voice.acme.example/telephony/twilio/inbound/support"
NOW = clock.now()
RIGHT: dict[Any, dict[str, Any]] = {
    WebhookTest: {"is_proof": True, "url": URL, "tested_at": NOW},
    DriftCheck: {"verdict": "healthy", "expected": URL, "in_sync_since": NOW - timedelta(days=2)},
    LastCall: {"outcome": "answered", "started_at": NOW - timedelta(days=1), "checked_at": NOW},
}
WRONG: dict[Any, list[dict[str, Any]]] = {
    WebhookTest: [
        {"is_proof": False},
        {"url": URL + "2"},
        {"tested_at": NOW - timedelta(days=91)},
        {"tested_at": None},
    ],
    DriftCheck: [
        {"verdict": "unhealthy"},
        {"verdict": "unknown"},
        {"verdict": None},
        {"expected": None},
        {"in_sync_since": None},
        {"in_sync_since": NOW},
    ],
    LastCall: [
        {"outcome": "failed"},
        {"outcome": None, "started_at": None},
        {"started_at": None},
        {"error_code": "11200"},
        {"unread": "No permission."},
        {"problem": "No permission."},
    ],
}


def _rows(organization_id, kinds):
    """An endpoint for each combination of right, wrong and missing evidence."""
    for place, changes in enumerate(itertools.product(*kinds)):
        number = f"+1555{place:07}"
        own = {"organization_id": organization_id, "provider": "twilio"}
        endpoint = Endpoint(**own, id=str(place), phone_number=number, inbound_agent_name="support")
        rows = [endpoint]
        for model, change in zip(RIGHT, changes, strict=True):
            key = {"endpoint_id": str(place)} if model is WebhookTest else {"phone_number": number}
            if change is not None:
                rows.append(model(**own, **key, **RIGHT[model] | change))
        yield rows, all(change == {} for change in changes)


@pytest.mark.both_databases
def test_proven_is_the_same_in_python_and_in_sql(acme, globex):
    kinds = [[{}, None, *WRONG[model]] for model in RIGHT]
    every = list(_rows(acme.organization.id, kinds))
    with acme.transaction():
        acme.session.add_all([rows[0] for rows, _ in every])
        acme.session.flush()
        acme.session.add_all([row for rows, _ in every for row in rows[1:]])
    expected = {rows[0].id for rows, is_proven in every if is_proven}
    assert expected == {"0"}
    proven_by_id = {}
    for rows, _ in every:
        by_model = {type(row): row for row in rows}
        evidence = proven.Evidence(*(by_model.get(model) for model in RIGHT))
        proven_by_id[rows[0].id] = evidence.is_proven
    assert {key for key, is_proven in proven_by_id.items() if is_proven} == expected
    assert set(acme.session.scalars(proven.ids())) == expected
    assert set(proven.times(acme)) == {"0"}
    assert proven.times(globex) == {}
    for is_proven, count in ((True, 1), (False, len(every) - 1)):
        assert listing.count(acme, Filter(proven=is_proven)) == count


def test_proven_number_is_counted_and_resolved(acme, globex):
    ((rows, _),) = _rows(acme.organization.id, [[{}], [{}], [{}]])
    with acme.transaction():
        acme.session.add(rows[0])
        acme.session.flush()
        acme.session.add_all(rows[1:])
    assert proven.of_endpoint(acme, rows[0])
    counted = {one.organization.id: one.proven for one in facts.load(acme, "")}
    assert counted == {acme.organization.id: 1, globex.organization.id: 0}
    number = rows[0].phone_number
    assert readiness.resolve(acme, number, "inbound")["proven"] is True
    last = max(RIGHT[WebhookTest]["tested_at"], RIGHT[LastCall]["started_at"])
    (document,) = listing.stream(acme, Filter())
    assert document["proven_at"] == clock.iso(last)
    assert crud.update(acme, rows[0].id, document | {"label": "x", "proven_at": None}).label == "x"
    with acme.transaction():
        rows[0].provider = "vobiz"
    assert readiness.resolve(acme, number, "inbound")["proven"] is False
    assert readiness.resolve(globex, number, "inbound")["proven"] is False
