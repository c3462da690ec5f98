"""The list of endpoints: whole, in pages, filtered."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.models import Endpoint
from tests.support.caller import Caller, fields
from tests.support.cast import Cast

PATH = "/api/settings/endpoints"


def _fill(app: Flask, cast: Cast, count: int = 250) -> list[str]:
    """Numbers in order; every third is Exotel's, every fifth inactive, every tenth has an agent."""
    numbers = [f"+1555{n:07}" for n in range(count)]
    with app.app_context():
        db.session.add_all(
            Endpoint(
                organization_id=cast.acme,
                phone_number=number,
                provider="exotel" if n % 3 == 0 else "twilio",
                is_active=n % 5 != 0,
                inbound_agent_name="support-agent" if n % 10 == 0 else None,
                outbound_agent_name="sales-agent" if n % 20 == 1 else None,
                label=f"Línea {n}",
            )
            for n, number in enumerate(numbers)
        )
        db.session.add(Endpoint(organization_id=cast.globex, phone_number="+15559999999", provider="twilio"))
        db.session.commit()
    return numbers


def _numbers(caller: Caller, query: str = "") -> list[str]:
    answer = caller.get(f"{PATH}?{query}")
    assert answer.status_code == 200, answer.text
    return [row["phone_number"] for row in answer.json or []]


def _next(link: str | None) -> str | None:
    found = re.fullmatch(r'<http://localhost(/api/settings/endpoints\?[^>]+)>; rel="next"', link or "")
    return found[1] if found else None


def test_list_without_endpoints_is_an_array(dana: Caller) -> None:
    answer = dana.get(PATH)
    assert answer.text == "[]"
    assert "Link" not in answer.headers


def test_list_without_limit_returns_all_by_number(app: Flask, dana: Caller, cast: Cast) -> None:
    assert _numbers(dana) == []
    assert _numbers(dana) == []
    expected = _fill(app, cast)
    answer = dana.get(PATH)
    assert [row["phone_number"] for row in json.loads(answer.text)] == expected
    assert "Link" not in answer.headers


def test_list_pages_add_up_to_the_list(
    app: Flask, dana: Caller, cast: Cast, subtests: pytest.Subtests
) -> None:
    expected = _fill(app, cast)
    for limit in [1000, 250, 249, 100, 7]:
        with subtests.test(limit=limit):
            found: list[str] = []
            path: str | None = f"{PATH}?limit={limit}"
            while path is not None:
                answer = dana.get(path)
                assert answer.status_code == 200
                rows: list[dict[str, Any]] = answer.json or []
                assert 0 < len(rows) <= limit
                found += [row["phone_number"] for row in rows]
                path = _next(answer.headers.get("Link"))
                assert (path is None) == ("Link" not in answer.headers)
            assert found == expected


def test_list_next_link_keeps_the_query(app: Flask, dana: Caller, gus: Caller, cast: Cast) -> None:
    expected = _fill(app, cast)[::3]
    path = f"{PATH}?limit=50&provider=exotel&organizationId={cast.acme}"
    found: list[str] = []
    while path:
        answer = gus.get(path)
        found += [row["phone_number"] for row in answer.json or []]
        path = _next(answer.headers.get("Link")) or ""
    assert found == expected


def test_list_filters(app: Flask, dana: Caller, cast: Cast) -> None:
    numbers = _fill(app, cast)
    assert _numbers(dana, "provider=exotel") == numbers[::3]
    assert _numbers(dana, "is_active=false") == numbers[::5]
    assert len(_numbers(dana, "is_active=true")) == 200
    assert _numbers(dana, "agent=support-agent") == numbers[::10]
    assert _numbers(dana, "agent=sales-agent") == numbers[1::20]
    assert _numbers(dana, "agent=support") == []
    assert _numbers(dana, "q=0000123") == [numbers[123]]
    assert _numbers(dana, "q=%2B1+555+000-0123") == [numbers[123]]
    assert _numbers(dana, "q=+15550000123") == [numbers[123]]
    assert _numbers(dana, "q=nea%20123") == [numbers[123]]
    assert _numbers(dana, "q=SALES") == numbers[1::20]
    assert _numbers(dana, "q=sales&provider=exotel&is_active=true&agent=sales-agent") == [
        number for n, number in enumerate(numbers) if n % 20 == 1 and n % 3 == 0
    ]


def test_list_refuses_wrong_queries(dana: Caller, subtests: pytest.Subtests) -> None:
    for query, field in [
        ("limit=0", "limit"),
        ("limit=-1", "limit"),
        ("limit=1001", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=1.0", "limit"),
        ("q=%C2%9B", "q"),
        ("limit=%D9%A1", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("cursor=abc", "cursor"),
        ("provider=sinch", "provider"),
        ("provider=", "provider"),
        ("is_active=1", "is_active"),
        ("is_active=True", "is_active"),
        ("is_active=", "is_active"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("agent=", "agent"),
        ("limit=1&cursor=", "cursor"),
        ("is_activ=false", "is_activ"),
        ("_external=1&limit=1", "_external"),
        ("q=" + "x" * 201, "q"),
        ("q=" + "x" * 60_000, "q"),
    ]:
        with subtests.test(query=query):
            assert fields(dana.get(f"{PATH}?{query}")) == {field}

    for cursor in ["abc", "!", "%FF", "é", "KzE1NTU", "A" * 5000, "Jyc7LS0", "===="]:
        with subtests.test(cursor=cursor):
            assert dana.get(f"{PATH}?limit=10&cursor={cursor}").status_code == 400

    for name in ["limit", "cursor", "q", "provider", "is_active", "agent"]:
        with subtests.test(name=name):
            query = "limit=10&provider=twilio&is_active=true"
            assert dana.get(f"{PATH}?{query}&{name}=1&{name}=2").status_code == 400

    for name in ["q", "agent", "cursor", "organizationId"]:
        with subtests.test(name=name):
            assert dana.get(f"{PATH}?limit=5&{name}=a%00b").status_code == 400


def test_list_query_outside_utf8_is_400(dana: Caller) -> None:
    for query in ("q=%ff%fe", "agent=%ed%a0%80"):
        assert dana.get(f"{PATH}?{query}").status_code == 400


def test_list_releases_its_connection(
    app: Flask, dana: Caller, cast: Cast, subtests: pytest.Subtests
) -> None:
    _fill(app, cast, 600)
    for method in ["GET", "HEAD"]:
        for query in ["", "?q=x", "?limit=5"]:
            with subtests.test(method=method, query=query):
                for _ in range(3):
                    assert dana.call(method, PATH + query).status_code == 200
                with app.app_context():
                    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_list_releases_its_connection_on_disconnect(app: Flask, dana: Caller, cast: Cast) -> None:
    _fill(app, cast, 600)
    client = app.test_client(use_cookies=False)
    answer = client.get(PATH, headers={"Authorization": f"Bearer {dana.token}"}, buffered=False)
    pieces = iter(answer.iter_encoded())
    assert next(pieces).startswith(b"[")
    answer.close()
    with app.app_context():
        assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]
