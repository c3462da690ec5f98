from __future__ import annotations

import pytest

from app.core.errors import Conflict, Invalid, NotFound, Stale
from app.models import VoicePhoneNumber
from app.services.access import users
from app.services.audit import search
from app.services.numbers import assignments
from tests.support.scopes import winners

ONE, TWO, THREE = "+15551230001", "+15551230002", "+15551230003"


def _give(scope, user, number, provider="twilio", **more):
    payload = {"userId": user.id, "provider": provider, "phoneNumber": number}
    return assignments.assign(scope, payload | more)[0]


def _of(scope, user):
    scope.session.expire_all()
    return {(row.provider, row.phone_number): row.is_default for row in assignments.of_user(scope, user)}


def test_first_of_a_provider_is_the_default_until_it_changes_or_goes(acme, cast):
    _give(acme, cast.mo, ONE)
    _give(acme, cast.mo, TWO)
    _give(acme, cast.mo, THREE, "sinch")
    assert _of(acme, cast.mo) == {
        ("twilio", ONE): True,
        ("twilio", TWO): False,
        ("sinch", THREE): True,
    }
    assert users.number_counts(acme) == {cast.mo.id: 3}

    assignments.unassign(acme, cast.mo.id, "sinch", THREE)
    assignments.unassign(acme, cast.mo.id, "twilio", TWO)
    _give(acme, cast.mo, TWO, isDefault=True)
    assert _of(acme, cast.mo) == {("twilio", ONE): False, ("twilio", TWO): True}
    one = next(row for row in assignments.of_user(acme, cast.mo) if row.phone_number == ONE)
    assignments.make_default(acme, cast.mo, one.id)
    assert _of(acme, cast.mo) == {("twilio", ONE): True, ("twilio", TWO): False}
    event = search.recent(acme)[0]
    assert event.changes == {"twilio default": [TWO, ONE]}
    assignments.make_default(acme, cast.mo, one.id)
    assert search.recent(acme)[0].id == event.id

    _give(acme, cast.mo, THREE)
    assignments.unassign(acme, cast.mo.id, "twilio", ONE)
    assert _of(acme, cast.mo) == {("twilio", TWO): True, ("twilio", THREE): False}
    assignments.unassign(acme, cast.mo.id, "twilio", THREE)
    assert _of(acme, cast.mo) == {("twilio", TWO): True}
    assignments.unassign(acme, cast.mo.id, "twilio", TWO.removeprefix("+"))
    assert _of(acme, cast.mo) == {}

    _give(acme, cast.mo, TWO, "sinch")
    _give(acme, cast.mo, THREE, "sinch", isDefault=True)
    _give(acme, cast.mo, ONE)
    assignments.unassign(acme, cast.mo.id, "twilio", ONE)
    assert _of(acme, cast.mo) == {("sinch", TWO): False, ("sinch", THREE): True}


def _change(scope, user, number, provider="twilio", **changes):
    return assignments.update(scope, user.id, provider, number, changes)


def test_update_sets_label_inbound_and_default_and_refuses_the_rest(acme, cast):
    row, own = _give(acme, cast.mo, ONE), _give(acme, cast.dana, ONE)
    _change(acme, cast.mo, ONE, label="theirs")
    with pytest.raises(Stale):
        assignments.update(acme, cast.mo.id, "twilio", ONE, {"label": "mine"}, version=1)
    with pytest.raises(Invalid) as no_default:
        _change(acme, cast.mo, ONE, isDefault=False, label="x")
    assert [problem.field for problem in no_default.value.problems] == ["isDefault"]
    with pytest.raises(NotFound):
        _change(acme, cast.mo, ONE, userId=cast.gus.id)
    with pytest.raises(Conflict) as refused:
        _change(acme, cast.mo, ONE, userId=cast.dana.id)
    assert (refused.value.code, refused.value.existing_id) == ("NUMBER_ALREADY_GIVEN", own.id)
    assert (row.label, _of(acme, cast.mo)) == ("theirs", {("twilio", ONE): True})

    _give(acme, cast.mo, TWO)
    row, user = _change(acme, cast.mo, TWO, label="Desk", isInboundEnabled=False, isDefault=True)
    assert (row.label, row.is_inbound_enabled, user.id) == ("Desk", False, cast.mo.id)
    assert _of(acme, cast.mo) == {("twilio", ONE): False, ("twilio", TWO): True}
    events = search.recent(acme)
    assert [event.action for event in events[:2]] == ["number.saved", "number.default"]
    assert events[0].changes["label"] == [None, "Desk"]
    _change(acme, cast.mo, TWO, label="Desk", isInboundEnabled=False, isDefault=True)
    assert search.recent(acme)[0].id == events[0].id
    assert _change(acme, cast.mo, TWO, label=None)[0].label is None


@pytest.mark.both_databases
def test_update_reassigns_a_number_with_its_label_and_defaults(acme, cast):
    for number in (ONE, TWO):
        _give(acme, cast.mo, number, label=number)
    _change(acme, cast.mo, ONE, userId=cast.dana.id)
    assert _of(acme, cast.mo) == {("twilio", TWO): True}
    assert _of(acme, cast.dana) == {("twilio", ONE): True}
    assert assignments.of_user(acme, cast.dana)[0].label == ONE
    _change(acme, cast.mo, TWO, userId=cast.dana.id)
    assert _of(acme, cast.dana) == {("twilio", ONE): True, ("twilio", TWO): False}
    actions = [event.action for event in search.recent(acme)[:2]]
    assert actions == ["number.given", "number.taken"]


def test_assign_shares_a_number_between_users_of_one_organization_once(acme, globex, cast):
    own = _give(acme, cast.mo, ONE)
    _give(acme, cast.dana, ONE)
    assert [row["userName"] for row in assignments.every(acme)] == ["Dana", "Mo"]
    with pytest.raises(Conflict) as refused:
        _give(acme, cast.mo, ONE)
    assert (refused.value.code, refused.value.existing_id) == ("NUMBER_ALREADY_GIVEN", own.id)
    _give(acme, cast.mo, ONE, "sinch")

    for provider in ("twilio", "sinch"):
        with pytest.raises(Conflict) as refused:
            _give(globex, cast.gus, ONE, provider)
        assert refused.value.code == "NUMBER_IN_USE"
        assert "Acme" not in refused.value.message
    for row in assignments.every(acme):
        assignments.unassign(acme, row["userId"], row["provider"], ONE)
    _give(globex, cast.gus, ONE)


@pytest.mark.both_databases
def test_assign_concurrently_one_organization_and_one_default_win(scopes):
    def give(scope):
        payload = {"userId": scope.actor.user_id, "provider": "twilio", "phoneNumber": ONE}
        return assignments.assign(scope, payload)

    answers = scopes.in_parallel(*[(who, give) for who in ("dana", "gus") * 5])
    assert len(winners(answers)) == 1
    assert {type(answer) for answer in answers} == {tuple, Conflict}

    def give_to_dana(number):
        return lambda scope: assignments.assign(
            scope, {"userId": scope.actor.user_id, "provider": "twilio", "phoneNumber": number}
        )

    answers = scopes.in_parallel(*[("dana", give_to_dana(f"+1555124{n:04}")) for n in range(8)])
    assert len(winners(answers)) == 8
    with scopes.of("dana") as scope:
        rows = scope.session.scalars(scope.select(VoicePhoneNumber)).all()
        assert sum(row.is_default for row in rows) == 1


def test_unknown_and_foreign_numbers_and_bad_values_are_refused(acme, globex, cast):
    row = _give(acme, cast.mo, ONE)
    for act in (
        lambda: _give(globex, cast.mo, TWO),
        lambda: assignments.unassign(globex, cast.mo.id, "twilio", ONE),
        lambda: assignments.unassign(globex, cast.gus.id, "twilio", ONE),
        lambda: assignments.make_default(globex, cast.gus, row.id),
        lambda: assignments.make_default(acme, cast.dana, row.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert _of(acme, cast.mo) == {("twilio", ONE): True}

    for number in ("", "junk", "+", "١٥٥٥١٢٣٠٠٠١", "555-1234", "+1555\0"):
        with pytest.raises(Invalid):
            assignments.unassign(acme, cast.mo.id, "twilio", number)
    for user_id, provider in (
        (cast.mo.id, "sinch"),
        (cast.mo.id, "vobiz"),
        (cast.mo.id, ""),
        ("x", "twilio"),
    ):
        with pytest.raises(NotFound):
            assignments.unassign(acme, user_id, provider, ONE)

    payload = {"userId": cast.mo.id, "provider": "twilio", "phoneNumber": ONE}
    wrong = []
    for field, value in (
        ("provider", "vobiz"),
        ("phoneNumber", "junk"),
        ("phoneNumber", ""),
        ("label", "a\nb"),
        ("isDefault", 1),
        ("isInboundEnabled", None),
        ("userId", None),
        ("phone_number", ONE),
    ):
        with pytest.raises(Invalid) as refused:
            assignments.assign(acme, payload | {field: value})
        if {problem.field for problem in refused.value.problems} != {field}:
            wrong.append((field, value))
    assert wrong == []
