"""The list of endpoints: whole, in pages, filtered."""

from __future__ import annotations

import json
import re

from flask import Flask

from app.extensions import db
from app.models import Endpoint
from tests.support.caller import Caller, fields
from tests.support.cast import Cast

PATH = "/api/settings/endpoints"


def _fill(app: Flask, cast: Cast, count: int = 150) -> list[str]:
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
    match = re.fullmatch(r'<http://localhost(/api/settings/endpoints\?[^>]+)>; rel="next"', link or "")
    return match[1] if match else None


def test_list_is_whole_in_pages_that_add_up_to_it_or_filtered(
    app: Flask, dana: Caller, gus: Caller, cast: Cast
) -> None:
    """By number; the link to the next page keeps the query."""
    for _ in range(2):
        empty = dana.get(PATH)
        assert (empty.text, "Link" in empty.headers) == ("[]", False)
    expected = _fill(app, cast)
    whole = dana.get(PATH)
    assert [row["phone_number"] for row in json.loads(whole.text)] == expected
    assert "Link" not in whole.headers
    wrong = []
    exotel = f"limit=40&provider=exotel&organizationId={cast.acme}"
    for caller, query, numbers in (
        *((dana, f"limit={limit}", expected) for limit in (1000, 150, 149, 60, 11)),
        (gus, exotel, expected[::3]),
    ):
        listed: list[str] = []
        path: str | None = f"{PATH}?{query}"
        while path is not None:
            answer = caller.get(path)
            rows = answer.get_json()
            assert 0 < len(rows) <= int(query.partition("&")[0].removeprefix("limit=")), query
            listed += [row["phone_number"] for row in rows]
            path = _next(answer.headers.get("Link"))
            assert (path is None) == ("Link" not in answer.headers), query
        if listed != numbers:
            wrong.append(query)
    assert wrong == []

    numbers = expected
    assert _numbers(dana, "provider=exotel") == numbers[::3]
    assert _numbers(dana, "is_active=false") == numbers[::5]
    assert len(_numbers(dana, "is_active=true")) == 120
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


WRONG = [
    ("limit=0", "limit"),
    ("limit=-1", "limit"),
    ("limit=1001", "limit"),
    ("limit=ten", "limit"),
    ("limit=1.0", "limit"),
    ("q=%C2%9B", "q"),
    ("limit=%D9%A1", "limit"),
    ("limit=" + "9" * 5000, "limit"),
    ("cursor=abc", "cursor"),
    ("provider=sinch", "provider"),
    ("is_active=1", "is_active"),
    ("is_active=True", "is_active"),
    ("limit=1&cursor=", "cursor"),
    ("_external=1&limit=1", "_external"),
    ("q=" + "x" * 201, "q"),
    ("q=" + "x" * 60_000, "q"),
]
UNREADABLE = [
    *(f"limit=10&cursor={it}" for it in ("abc", "!", "%FF", "é", "KzE1NTU", "A" * 5000, "Jyc7LS0", "====")),
    *(f"limit=5&{name}=a%00b" for name in ("q", "agent", "cursor", "organizationId")),
    "q=%ff%fe",
    "agent=%ed%a0%80",
]


def test_list_refuses_wrong_queries(dana: Caller) -> None:
    """What is refused of any parameter, test_wrong_parameters_are_refused_by_every_operation tries."""
    named = [(query, fields(dana.get(f"{PATH}?{query}"))) for query, _ in WRONG]
    assert named == [(query, {field}) for query, field in WRONG]
    read = [query for query in UNREADABLE if dana.get(f"{PATH}?{query}").status_code != 400]
    assert read == []


def test_list_releases_its_connection_on_disconnect_too(app: Flask, dana: Caller, cast: Cast) -> None:
    _fill(app, cast, 600)

    def checked_out() -> int:
        with app.app_context():
            return db.engine.pool.checkedout()  # type: ignore[attr-defined]

    client, headers = app.test_client(use_cookies=False), {"Authorization": f"Bearer {dana.token}"}
    for method in ("GET", "HEAD"):
        for query in ("", "?q=x", "?limit=5"):
            for _ in range(3):
                answer = client.open(PATH + query, method=method, headers=headers, buffered=True)
                assert answer.status_code == 200
            assert checked_out() == 0, (method, query)
    answer = client.get(PATH, headers=headers, buffered=False)
    assert next(iter(answer.iter_encoded())).startswith(b"[")
    answer.close()
    assert checked_out() == 0
