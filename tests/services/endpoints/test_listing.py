from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from sqlalchemy import text

from app.services.endpoints import crud, listing
from app.services.endpoints.listing import Filter

FIRST, SECOND, BRITISH, INDIAN = "+15551234567", "+15551234568", "+442079460958", "+919876543210"


@pytest.fixture
def four(acme):
    for draft in (
        {"phone_number": FIRST, "provider": "twilio", "inbound_agent_name": "support", "label": "Main line"},
        {"phone_number": BRITISH, "provider": "vobiz", "outbound_agent_name": "support"},
        {"phone_number": INDIAN, "provider": "exotel", "label": "100% Zoë_x"},
        {"phone_number": SECOND, "provider": "twilio", "is_active": False},
    ):
        crud.create(acme, draft)
    return acme


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, [FIRST, SECOND, BRITISH, INDIAN]),
    ({"provider": "twilio"}, [FIRST, SECOND]),
    ({"is_active": False}, [SECOND]),
    ({"is_active": True, "provider": "twilio"}, [FIRST]),
    ({"agent": "support"}, [FIRST, BRITISH]),
    ({"agent": "SUPPORT"}, []),
    ({"text": "supp"}, [FIRST, BRITISH]),
    ({"text": "MAIN"}, [FIRST]),
    ({"text": FIRST}, [FIRST]),
    ({"text": "(555) 123-4567"}, [FIRST]),
    ({"text": "555.123"}, [FIRST, SECOND]),
    ({"text": "4567"}, [FIRST]),
    ({"text": "%"}, [INDIAN]),
    ({"text": "_"}, [INDIAN]),
    ({"text": "zoë"}, [INDIAN]),
    ({"text": "' OR 1=1 --"}, []),
    ({"text": "²"}, []),
    ({"text": "x" * 10_000}, []),
    ({"text": "supp", "provider": "vobiz"}, [BRITISH]),
]


@pytest.mark.both_databases
def test_stream_count_and_agents_select_the_organizations_rows(four, monkeypatch, globex):
    wrong = []
    for values, numbers in FILTERS:
        filters = Filter(**values)
        streamed = [row["phone_number"] for row in listing.stream(four, filters)]
        if (streamed, listing.count(four, filters)) != (numbers, len(numbers)):
            wrong.append((values, streamed))
    assert wrong == []

    for country, written in (("GB", "020 7946 0958"), ("DE", "0044 20 7946 0958"), ("IN", "098765 43210")):
        with four.transaction():
            four.organization.country = country
        assert listing.count(four, Filter(text=written)) == 1, written
    monkeypatch.setattr(listing, "COUNT_MOST", 2)
    assert listing.count(four, Filter()) == 3

    payload = {"phone_number": "+15551230000", "provider": "twilio", "inbound_agent_name": "theirs"}
    crud.create(globex, payload)
    assert listing.agents(four) == ["support"]


def test_stream_needs_constant_memory(acme, fill):
    def peak():
        for _ in listing.stream(acme, Filter()):
            pass
        tracemalloc.start()
        for _ in listing.stream(acme, Filter()):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    fill(1000)
    few = peak()
    acme.session.execute(text("DELETE FROM endpoints"))
    fill(3000)
    assert peak() < 1.5 * few


@pytest.mark.both_databases
def test_stream_reads_from_a_cursor_at_the_server(engine, acme, fill):
    """Without one, PostgreSQL's driver holds the whole result, unseen by Python."""
    fill(1200)
    stream = listing.stream(acme, Filter())
    next(stream)
    if engine.dialect.name == "postgresql":
        assert acme.session.scalar(text("SELECT count(*) FROM pg_cursors")) == 1
    assert len(list(stream)) == 1199
