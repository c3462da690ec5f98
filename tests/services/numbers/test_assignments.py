from __future__ import annotations

import pytest

from app.core.errors import Conflict, Invalid, NotFound
from app.models import VoicePhoneNumber
from app.services.access import users
from app.services.audit import search
from app.services.numbers import assignments
from tests.support.scopes import winners

ONE, TWO, THREE = "+15551230001", "+15551230002", "+15551230003"


def _give(scope, user, number, provider="twilio", **more):
    sent = {"userId": user.id, "provider": provider, "phoneNumber": number}
    return assignments.assign(scope, sent | more)[0]


def _of(scope, user):
    scope.session.expire_all()
    return {(row.provider, row.phone_number): row.is_default for row in assignments.of_user(scope, user)}


def test_the_first_of_a_provider_is_the_default(acme, cast):
    _give(acme, cast.mo, ONE)
    _give(acme, cast.mo, TWO)
    _give(acme, cast.mo, THREE, "sinch")
    assert _of(acme, cast.mo) == {
        ("twilio", ONE): True,
        ("twilio", TWO): False,
        ("sinch", THREE): True,
    }
    assert users.number_counts(acme) == {cast.mo.id: 3}


def test_the_default_moves(acme, cast):
    _give(acme, cast.mo, ONE)
    _give(acme, cast.mo, TWO, isDefault=True)
    assert _of(acme, cast.mo) == {("twilio", ONE): False, ("twilio", TWO): True}
    one = next(row for row in assignments.of_user(acme, cast.mo) if row.phone_number == ONE)
    assignments.make_default(acme, cast.mo, one.id)
    assert _of(acme, cast.mo) == {("twilio", ONE): True, ("twilio", TWO): False}
    event = search.recent(acme)[0]
    assert event.changes == {"twilio default": [TWO, ONE]}
    assignments.make_default(acme, cast.mo, one.id)
    assert search.recent(acme)[0].id == event.id


def test_when_the_default_is_taken_the_next_becomes_it(acme, cast):
    for number in (ONE, TWO, THREE):
        _give(acme, cast.mo, number)
    assignments.unassign(acme, cast.mo.id, "twilio", ONE)
    assert _of(acme, cast.mo) == {("twilio", TWO): True, ("twilio", THREE): False}
    assignments.unassign(acme, cast.mo.id, "twilio", THREE)
    assert _of(acme, cast.mo) == {("twilio", TWO): True}
    assignments.unassign(acme, cast.mo.id, "twilio", TWO.removeprefix("+"))
    assert _of(acme, cast.mo) == {}


def test_one_provider_does_not_move_the_others_default(acme, cast):
    _give(acme, cast.mo, ONE)
    _give(acme, cast.mo, TWO, "sinch")
    assignments.unassign(acme, cast.mo.id, "twilio", ONE)
    assert _of(acme, cast.mo) == {("sinch", TWO): True}


def test_users_of_one_organization_may_share_a_number(acme, cast):
    _give(acme, cast.mo, ONE)
    _give(acme, cast.dana, ONE)
    assert [row["userName"] for row in assignments.every(acme)] == ["Dana", "Mo"]


def test_users_of_two_may_not_whatever_the_provider(acme, globex, cast):
    _give(acme, cast.mo, ONE)
    for provider in ("twilio", "sinch"):
        with pytest.raises(Conflict) as refused:
            _give(globex, cast.gus, ONE, provider)
        assert refused.value.code == "NUMBER_IN_USE"
        assert "Acme" not in refused.value.message
    assignments.unassign(acme, cast.mo.id, "twilio", ONE)
    _give(globex, cast.gus, ONE)


def test_of_parallel_claims_from_two_organizations_one_organization_wins(scopes):
    def give(scope):
        sent = {"userId": scope.actor.user_id, "provider": "twilio", "phoneNumber": ONE}
        return assignments.assign(scope, sent)

    answers = scopes.at_once(*[(who, give) for who in ("dana", "gus") * 5])
    assert len(winners(answers)) == 1
    assert {type(answer) for answer in answers} == {tuple, Conflict}


def test_parallel_first_numbers_of_one_user_leave_one_default(scopes):
    def give(number):
        return lambda scope: assignments.assign(
            scope, {"userId": scope.actor.user_id, "provider": "twilio", "phoneNumber": number}
        )

    answers = scopes.at_once(*[("dana", give(f"+1555123{n:04}")) for n in range(8)])
    assert len(winners(answers)) == 8
    with scopes.of("dana") as scope:
        rows = scope.session.scalars(scope.select(VoicePhoneNumber)).all()
        assert sum(row.is_default for row in rows) == 1


def test_a_number_is_given_to_a_person_once(acme, cast):
    _give(acme, cast.mo, ONE)
    with pytest.raises(Conflict) as refused:
        _give(acme, cast.mo, ONE)
    assert refused.value.code == "NUMBER_ALREADY_GIVEN"
    _give(acme, cast.mo, ONE, "sinch")


def test_another_organizations_person_or_number_is_not_found(acme, globex, cast):
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


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("provider", "vobiz"),
        ("phoneNumber", "junk"),
        ("phoneNumber", ""),
        ("label", "a\nb"),
        ("isDefault", 1),
        ("isInboundEnabled", None),
        ("userId", None),
        ("phone_number", ONE),
    ],
)
def test_it_refuses_a_bad_value_and_names_the_field(acme, cast, field, value):
    sent = {"userId": cast.mo.id, "provider": "twilio", "phoneNumber": ONE}
    with pytest.raises(Invalid) as refused:
        assignments.assign(acme, sent | {field: value})
    assert {problem.field for problem in refused.value.problems} == {field}


@pytest.mark.parametrize("number", ["", "junk", "+", "١٥٥٥١٢٣٠٠٠١", "555-1234", "+1555\0"])
def test_a_number_that_cannot_be_one_is_refused(acme, cast, number):
    with pytest.raises(Invalid):
        assignments.unassign(acme, cast.mo.id, "twilio", number)


@pytest.mark.parametrize("provider", ["sinch", "vobiz", ""])
def test_a_number_on_another_provider_is_not_found(acme, cast, provider):
    _give(acme, cast.mo, ONE)
    with pytest.raises(NotFound):
        assignments.unassign(acme, cast.mo.id, provider, ONE)


@pytest.mark.parametrize("user_id", ["unknown"])
def test_assign_to_unknown_user_is_not_found(acme, user_id):
    with pytest.raises(NotFound):
        assignments.unassign(acme, user_id, "twilio", ONE)
