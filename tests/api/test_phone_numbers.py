"""Users' voice phone numbers: given, listed, taken."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from tests.support.caller import Caller, fields
from tests.support.cast import Cast
from tests.support.rows import unchanged

NUMBER = "+14165550100"


@pytest.fixture
def path(cast: Cast) -> str:
    return f"/api/organizations/{cast.acme}/phone-numbers"


def _body(cast: Cast, **more: Any) -> dict[str, Any]:
    return {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": NUMBER} | more


def test_numbers_are_assigned_the_first_as_default_and_unassigned(
    dana: Caller, cast: Cast, path: str
) -> None:
    """Another user may have the same number."""
    response = dana.post(path, _body(cast, label="Main line"))
    assert response.status_code == 201
    assert response.json is not None
    assert response.json == {
        "provider": "sinch",
        "phoneNumber": NUMBER,
        "isDefault": True,
        "isInboundEnabled": True,
        "aiEnabled": False,
        "label": "Main line",
        "userId": cast.mo.id,
        "userName": "Mo",
        "id": response.json["id"],
        "version": 1,
    }
    assert dana.get(path).json == [response.json]
    assert dana.delete(f"{path}/{cast.mo.id}/sinch/{NUMBER}").status_code == 204
    assert dana.get(path).json == []
    assert dana.delete(f"{path}/{cast.mo.id}/sinch/{NUMBER}").status_code == 404

    for written in ("+14165550100", "%2B14165550100", "14165550100"):
        dana.post(path, _body(cast))
        assert dana.delete(f"{path}/{cast.mo.id}/sinch/{written}").status_code == 204, written
    for number in ("abc", "+1", "1" * 40, "%20"):
        assert dana.delete(f"{path}/{cast.mo.id}/sinch/{number}").status_code in (404, 422), number

    for n, more in enumerate(({}, {}, {"isDefault": True})):
        dana.post(path, _body(cast, phoneNumber=f"+1416555010{n}", **more))
    assert [n["isDefault"] for n in dana.get(path).json or []] == [False, False, True]
    dana.delete(f"{path}/{cast.mo.id}/sinch/+14165550102")
    assert [n["isDefault"] for n in dana.get(path).json or []] == [True, False]
    shared = dana.post(path, _body(cast, userId=cast.dana.id))
    assert (shared.status_code, shared.get_json()["isDefault"]) == (201, True)


WRONG: list[tuple[str, Any]] = [
    ("provider", "exotel"),
    ("provider", 1),
    ("phoneNumber", "555"),
    ("phoneNumber", None),
    ("userId", None),
    ("userId", 5),
    ("label", "x" * 201),
    ("label", "two\nlines"),
    ("isDefault", "yes"),
    ("isInboundEnabled", 0),
    ("phonenumber", NUMBER),
    ("role", "superadmin"),
]


def test_assign_refuses_wrong_fields_other_users_and_taken_numbers(
    app: Flask, dana: Caller, gus: Caller, cast: Cast, path: str
) -> None:
    dana.post(path, _body(cast))
    with unchanged(app):
        wrong = [
            (field, value)
            for field, value in WRONG
            if fields(dana.post(path, _body(cast, **{field: value}))) != {field}
        ]
        assert wrong == []
        assert dana.post(path, _body(cast)).status_code == 409
        foreign = gus.post(f"/api/organizations/{cast.globex}/phone-numbers", _body(cast, userId=cast.gus.id))
        assert (foreign.status_code, foreign.get_json()["code"]) == (409, "NUMBER_IN_USE")
        assert "Acme" not in foreign.text
        elsewhere = dana.post(path, _body(cast, userId=cast.gus.id))
        nowhere = dana.post(path, _body(cast, userId="unknown"))
        assert elsewhere.status_code == nowhere.status_code == 404
        assert elsewhere.json == nowhere.json
