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


def test_assign_list_and_unassign(dana: Caller, cast: Cast, path: str) -> None:
    given = dana.post(path, _body(cast, label="Main line"))
    assert given.status_code == 201
    assert given.json is not None
    assert given.json == {
        "provider": "sinch",
        "phoneNumber": NUMBER,
        "isDefault": True,
        "isInboundEnabled": True,
        "aiEnabled": False,
        "label": "Main line",
        "userId": cast.mo.id,
        "userName": "Mo",
        "id": given.json["id"],
        "version": 1,
    }
    assert dana.get(path).json == [given.json]
    assert dana.delete(f"{path}/{cast.mo.id}/sinch/{NUMBER}").status_code == 204
    assert dana.get(path).json == []
    assert dana.delete(f"{path}/{cast.mo.id}/sinch/{NUMBER}").status_code == 404


def test_unassign_accepts_a_number_without_plus(
    dana: Caller, cast: Cast, path: str, subtests: pytest.Subtests
) -> None:
    for written in ["+14165550100", "%2B14165550100", "14165550100"]:
        with subtests.test(written=written):
            dana.post(path, _body(cast))
            assert dana.delete(f"{path}/{cast.mo.id}/sinch/{written}").status_code == 204


def test_assign_makes_the_first_number_the_default(dana: Caller, cast: Cast, path: str) -> None:
    for n, more in enumerate(({}, {}, {"isDefault": True})):
        dana.post(path, _body(cast, phoneNumber=f"+1416555010{n}", **more))
    assert [n["isDefault"] for n in dana.get(path).json or []] == [False, False, True]
    dana.delete(f"{path}/{cast.mo.id}/sinch/+14165550102")
    assert [n["isDefault"] for n in dana.get(path).json or []] == [True, False]


def test_assign_shares_a_number_within_an_organization(dana: Caller, cast: Cast, path: str) -> None:
    assert dana.post(path, _body(cast)).status_code == 201
    assert dana.post(path, _body(cast, userId=cast.dana.id)).status_code == 201


def test_assign_of_another_organizations_number_is_409(
    app: Flask, dana: Caller, gus: Caller, cast: Cast, path: str
) -> None:
    dana.post(path, _body(cast))
    with unchanged(app):
        answer = gus.post(f"/api/organizations/{cast.globex}/phone-numbers", _body(cast, userId=cast.gus.id))
    assert answer.status_code == 409
    assert answer.json["code"] == "NUMBER_IN_USE"  # type: ignore[index]
    assert "Acme" not in answer.text


def test_assign_twice_is_409(app: Flask, dana: Caller, cast: Cast, path: str) -> None:
    dana.post(path, _body(cast))
    with unchanged(app):
        assert dana.post(path, _body(cast)).status_code == 409


def test_assign_invalid_field_is_named(
    app: Flask, dana: Caller, cast: Cast, path: str, subtests: pytest.Subtests
) -> None:
    for field, value in [
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
    ]:
        with subtests.test(field=field, value=value), unchanged(app):
            assert fields(dana.post(path, _body(cast, **{field: value}))) == {field}


def test_assign_to_another_organizations_user_is_404(app: Flask, dana: Caller, cast: Cast, path: str) -> None:
    with unchanged(app):
        elsewhere = dana.post(path, _body(cast, userId=cast.gus.id))
        nowhere = dana.post(path, _body(cast, userId="unknown"))
    assert elsewhere.status_code == nowhere.status_code == 404
    assert elsewhere.json == nowhere.json


def test_unassign_of_an_invalid_number_fails(
    dana: Caller, cast: Cast, path: str, subtests: pytest.Subtests
) -> None:
    for number in ["abc", "+1", "1" * 40, "%20"]:
        with subtests.test(number=number):
            assert dana.delete(f"{path}/{cast.mo.id}/sinch/{number}").status_code in (404, 422)
