"""AI on a number, against the simulators."""

from __future__ import annotations

import copy
import re
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from sqlalchemy import event, update

from app.core.errors import Conflict, Invalid, NotFound, Stale
from app.core.outbound import client
from app.models import VoicePhoneNumber
from app.provider import Outcome
from app.provider.voice_ai import LABEL_PREFIX, Agent, ImportedNumber
from app.providers import PROVIDERS, sinch_est
from app.services.access import users
from app.services.connections.gateway import ProviderCallFailed
from app.services.numbers import assignments
from app.services.providers import credentials
from app.services.voice_ai import config, imported, messages, numbers
from simulators.base import CANARY, Reply, Trouble
from simulators.elevenlabs.numbers import NIGHT_SHIFT, NUMBERS, RECEPTION, Fault
from simulators.sinch_est import DOMAIN, NUMBER, TRUNK
from tests.support.accounts import connect
from tests.support.scopes import Fault as DatabaseFault
from tests.support.scopes import winners
from tests.support.voice_ai import OFF, give

OTHER = "+14165550101"


def test_enable_imports_assigns_and_stores_one_at_the_trunks_domain(here):
    row = here.on()
    (imported_id,) = here.labs.convai.numbers
    imported = here.labs.convai.numbers[imported_id]
    assert (imported["phone_number"], imported["agent_id"]) == (NUMBER, RECEPTION)
    assert imported["outbound_trunk_config"]["address"] == DOMAIN
    assert (row.ai_enabled, row.ai_agent_id, row.ai_phone_number_id) == (True, RECEPTION, imported_id)
    (entry,) = config.config(here.scope)["phoneNumbers"]
    assert (entry["aiEnabled"], entry["aiAgentId"], entry["elevenlabsPhoneNumberId"]) == (
        True,
        RECEPTION,
        imported_id,
    )
    changes = {"number": [NUMBER, NUMBER], "agent": [None, RECEPTION]}
    assert here.events() == [("number.ai_on", here.cast.mo.email, changes)]

    here.on()
    assert len(here.events()) == 1
    here.on(NIGHT_SHIFT)
    assert imported["agent_id"] == NIGHT_SHIFT
    assert here.row() == (True, NIGHT_SHIFT, imported_id)
    assert here.events()[-1][2]["agent"] == [RECEPTION, NIGHT_SHIFT]
    assert list(here.labs.convai.numbers) == [imported_id]

    here.labs.convai.numbers.clear()
    here.on()
    (again,) = here.labs.convai.numbers
    assert here.row() == (True, RECEPTION, again), "a deleted number is imported again"

    here.off()
    here.est.requests.clear()
    connect(
        here.scope, "sinch_est", here.est.values, trunk_domain="stored.example", trunk_id=TRUNK[:-1] + "x"
    )
    here.est.numbers = {NUMBER: TRUNK[:-1] + "X"}
    assert here.on().ai_enabled
    (imported,) = here.labs.convai.numbers.values()
    assert imported["outbound_trunk_config"]["address"] == "stored.example"
    assert not [request for request in here.est.requests if "/trunks/" in request.path]


def test_enable_uses_the_stored_import_then_one_of_ours_then_a_manual_one(here):
    """Ours may be there after a crash between the import and the storing; a manual one stays."""
    manual = here.labs.convai.add(NUMBER, NIGHT_SHIFT)
    here.on()
    assert here.row() == (True, RECEPTION, manual)
    assert here.events()[0][2]["agent"] == [NIGHT_SHIFT, RECEPTION]
    here.off()
    assert here.row() == OFF
    assert here.labs.convai.numbers[manual]["agent_id"] is None

    earlier_id = here.labs.convai.add(NUMBER, label=f"Patchbay {NUMBER}")
    here.on()
    assert here.row() == (True, RECEPTION, earlier_id)
    assert here.labs.convai.numbers[manual]["agent_id"] is None
    assert len(here.labs.convai.numbers) == 2

    foreign, own_number, stored = (
        ImportedNumber(number_id, None, label)
        for number_id, label in (("1", "Desk"), ("2", f"{LABEL_PREFIX}+15551234567"), ("3", "Desk"))
    )
    every = [foreign, own_number, stored]
    preferred_numbers = [
        imported.preferred(every, "3"),
        imported.preferred(every, None),
        imported.preferred([stored], None),
    ]
    assert preferred_numbers == [stored, own_number, stored]
    assert imported.preferred([], "3") is None


def test_enable_refused_imports_nothing_and_anothers_number_is_not_found(here, globex):
    other = give(here.scope, here.cast.mo, OTHER, "twilio")
    with pytest.raises(Conflict) as refused:
        here.on(number_id=other.id)
    assert refused.value.code == "NOT_A_SINCH_NUMBER"
    assert here.est.requests == []

    said, usual = [], here.est.numbers
    for trunks in ({}, {NUMBER: ""}, {NUMBER: TRUNK[:-1] + "2"}):
        here.est.numbers = trunks
        with pytest.raises(Conflict) as refused:
            here.on()
        assert refused.value.code == "NUMBER_NOT_ON_TRUNK"
        said.append(refused.value.message)
    assert len(set(said)) == 3
    assert all(sentence.endswith(messages.NOTHING_CHANGED) for sentence in said)
    assert set(here.rows().values()) == {OFF}
    assert here.labs.requests == []

    here.est.numbers = usual
    here.labs.convai.odd = [{"phone_number_id": "odd", "provider": "sip_trunk"}]
    with pytest.raises(Conflict) as refused:
        here.on()
    assert refused.value.code == "PROVIDER_REFUSED"
    assert (here.row(), here.labs.writes) == (OFF, [])

    for scope, user in ((here.scope, here.cast.dana), (globex, here.cast.gus), (globex, here.cast.mo)):
        for act in (
            lambda scope=scope, user=user: numbers.enable(scope, here.http, user, here.number_id, RECEPTION),
            lambda scope=scope, user=user: numbers.disable(scope, here.http, user, here.number_id),
        ):
            with pytest.raises(NotFound):
                act()


def test_enable_names_what_is_missing(acme, cast, est, labs, http):
    row = give(acme, cast.mo)
    number = row.id

    def refusal():
        with pytest.raises(Conflict) as refused:
            numbers.enable(acme, http, cast.mo, number, RECEPTION)
        assert refused.value.message == " ".join(numbers.lacking(acme, row))
        return refused.value.code, refused.value.message

    code, message = refusal()
    assert code == "PROVIDER_NOT_CONFIGURED"
    missing = {"sinch_est": ["Key ID", "Key secret", "Project ID", "Trunk ID"], "elevenlabs": ["API key"]}
    for key, names in missing.items():
        assert messages.not_configured(PROVIDERS[key].label, names) in message
    connect(acme, "sinch_est", est.values)
    assert "Sinch EST" not in refusal()[1]
    connect(acme, "elevenlabs", labs.values)
    assert numbers.lacking(acme, row) == []
    credentials.save(acme, PROVIDERS["elevenlabs"], {}, enabled=False)
    assert refusal()[0] == "PROVIDER_DISABLED"
    assert est.requests == labs.requests == []


SINCH_AWAY = {
    "token": (Trouble.FAULT, "/oauth2/token"),
    "number": (Trouble.FAULT, "/phoneNumbers/"),
    "number refused": (Trouble.REFUSED_IN_HTML, "/phoneNumbers/"),
    "trunk": (Trouble.FAULT, "/trunks/"),
    "trunk odd": (Trouble.ODD, "/trunks/"),
}
LIST, IMPORT, ASSIGN = ("GET", NUMBERS), ("POST", NUMBERS), ("PATCH", NUMBERS)
REFUSED = Reply(422, {"detail": [{"loc": ["body"], "msg": CANARY, "type": "x"}]})
HUNG = Reply(200, {}, {"Content-Encoding": "gzip"})
"""Cannot be read: as when the line breaks."""
NO_ID = Reply(200, {"phone_number_id": None})
LABS_AWAY = {
    "list": Fault(*LIST, times=1),
    "import refused": Fault(*IMPORT, REFUSED),
    "import failed": Fault(*IMPORT),
    "import done without a response": Fault(*IMPORT, is_late=True),
    "import done with a bad response": Fault(*IMPORT, NO_ID, is_late=True),
    "assign refused": Fault(*ASSIGN, REFUSED, times=1),
    "assign failed": Fault(*ASSIGN, times=1),
    "assign done without a response": Fault(*ASSIGN, is_late=True, times=1),
    "import hung": Fault(*IMPORT, HUNG, is_late=True),
    "assign hung": Fault(*ASSIGN, HUNG, is_late=True, times=1),
}
MORE = pytest.mark.thorough("test_enable_failing_at_any_step_is_undone")
"""Without them an import is undone, and an agent restored."""
BEFORE = [
    "nothing",
    pytest.param("manual", marks=MORE),
    pytest.param("manual, twice", marks=MORE),
    "on with another agent",
]


def _as_before(kind, here):
    """What ElevenLabs has then."""
    convai = here.labs.convai
    if kind == "manual":
        convai.add(NUMBER, NIGHT_SHIFT)
    elif kind == "manual, twice":
        convai.add(NUMBER)
        convai.add(NUMBER, NIGHT_SHIFT)
    elif kind == "on with another agent":
        here.on(NIGHT_SHIFT)
    convai.add(OTHER, NIGHT_SHIFT, label=f"Patchbay {OTHER}")
    return copy.deepcopy(convai.numbers)


@contextmanager
def _broken_updates(engine):
    def fail(_connection, _cursor, statement, *_rest):
        if statement.startswith("UPDATE voice_phone_numbers"):
            raise DatabaseFault(statement)

    event.listen(engine, "before_cursor_execute", fail)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", fail)


def _fail(here, step):
    if step in SINCH_AWAY:
        sinch_est.tokens.clear()
        here.est.trouble, here.est.trouble_at = SINCH_AWAY[step]
    else:
        here.labs.convai.faults = [copy.copy(LABS_AWAY[step])]


@pytest.mark.parametrize("before", BEFORE)
def test_enable_failing_at_any_step_is_undone(here, engine, before):
    """The steps come one after the other, for each leaves all as it was."""
    there = _as_before(before, here)
    rows, events = here.rows(), here.events()
    for step in (*SINCH_AWAY, *LABS_AWAY, "store"):
        if before != "nothing" and step.startswith(("import", "trunk")):
            continue
        if step == "store":
            with _broken_updates(engine), pytest.raises(DatabaseFault):
                here.on()
        else:
            _fail(here, step)
            with pytest.raises(Conflict) as failed:
                here.on()
            assert failed.value.code == ("PROVIDER_UNREACHABLE" if "hung" in step else "PROVIDER_REFUSED")
            assert failed.value.message.endswith(messages.NOTHING_CHANGED), step
            assert CANARY not in failed.value.message
        assert here.labs.convai.numbers == there, step
        assert (here.rows(), here.events()) == (rows, events), step
        here.est.trouble, here.labs.convai.faults = None, []
    assert here.on().ai_agent_id == RECEPTION


def test_enable_undo_has_its_own_deadline(here, monkeypatch):
    late = 0
    answer = here.labs.convai.answer

    def slow(request):
        nonlocal late
        late += 31 if request.method == "PATCH" else 0
        return answer(request)

    here.labs.convai.faults = [Fault(*ASSIGN)]
    monkeypatch.setattr(here.labs.convai, "answer", slow)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + late, sleep=time.sleep)
    monkeypatch.setattr(client, "time", clock)
    with pytest.raises(Conflict, match=messages.NOTHING_CHANGED):
        here.on()
    assert here.labs.convai.numbers == {}


def test_enable_names_what_could_not_be_undone(here, engine):
    here.labs.convai.faults = [Fault(*ASSIGN), Fault("DELETE", NUMBERS)]
    with pytest.raises(Conflict) as failed:
        here.on()
    (imported_id,) = here.labs.convai.numbers
    assert failed.value.code == "LEFT_AT_PROVIDER"
    assert f"+1 416-555-0100 ({imported_id})" in failed.value.message
    assert imported_id in failed.value.message
    assert here.row() == OFF
    here.labs.convai.faults = [Fault("DELETE", NUMBERS)]
    here.labs.convai.numbers.clear()
    with _broken_updates(engine), pytest.raises(Conflict, match=messages.NOT_STORED) as failed:
        here.on()
    assert failed.value.code == "LEFT_AT_PROVIDER"
    here.labs.convai.faults = []
    here.on()
    (imported_id,) = here.labs.convai.numbers
    assert here.row() == (True, RECEPTION, imported_id)

    here.off()
    here.labs.convai.faults = [
        Fault(*LIST, Reply(200, []), times=1),
        Fault(*IMPORT, is_late=True),
        Fault(*LIST),
    ]
    with pytest.raises(Conflict, match=r"\+1 416-555-0100 may have been imported") as failed:
        here.on()
    assert failed.value.code == "LEFT_AT_PROVIDER"
    assert here.row() == OFF

    here.labs.convai.numbers.clear()
    manual = here.labs.convai.add(NUMBER)
    here.labs.convai.takes_null = False
    for former, named in ((NIGHT_SHIFT, NIGHT_SHIFT), (None, "no agent")):
        here.labs.convai.numbers[manual]["agent_id"] = former
        here.labs.convai.faults = [Fault(*ASSIGN, is_late=True, times=1)]
        here.labs.convai.faults += [Fault(*ASSIGN)] if former else []
        with pytest.raises(Conflict) as failed:
            here.on()
        assert failed.value.code == "LEFT_AT_PROVIDER"
        assert f"Set it to {named} there" in failed.value.message
        assert here.labs.convai.numbers[manual]["agent_id"] == RECEPTION
        assert here.row() == OFF


@pytest.fixture
def meanwhile(labs, monkeypatch):
    """Does something while ElevenLabs assigns an agent."""

    def during(act):
        answer = labs.convai.answer

        def interrupted(request):
            if request.method == "PATCH":
                monkeypatch.setattr(labs.convai, "answer", answer)
                act()
            return answer(request)

        monkeypatch.setattr(labs.convai, "answer", interrupted)

    return during


def test_enable_of_a_number_changed_meanwhile_is_undone(here, scopes, meanwhile):
    def faster():
        with scopes.of("dana") as scope:
            numbers.enable(scope, here.http, users.get(scope, here.cast.mo.id), here.number_id, NIGHT_SHIFT)

    meanwhile(faster)
    with pytest.raises(Stale):
        here.on()
    ((imported_id, imported),) = here.labs.convai.numbers.items()
    assert imported["agent_id"] == NIGHT_SHIFT
    assert here.row() == (True, NIGHT_SHIFT, imported_id)
    here.off()

    def rename():
        with scopes.of("dana") as scope, scope.transaction():
            scope.get(VoicePhoneNumber, here.number_id, what="number").label = "Desk"

    def take():
        with scopes.of("dana") as scope:
            assignments.unassign(scope, here.cast.mo.id, "sinch", NUMBER)

    for act, error, expected_rows in ((rename, Stale, [OFF]), (take, NotFound, [])):
        meanwhile(act)
        with pytest.raises(error):
            here.on()
        assert here.labs.convai.numbers == {}
        assert list(here.rows().values()) == expected_rows


@pytest.mark.both_databases
def test_enable_concurrently_imports_one_number(here, scopes):
    def enable(agent):
        return lambda scope: numbers.enable(
            scope, here.http, users.get(scope, here.cast.mo.id), here.number_id, agent
        )

    answers = scopes.in_parallel(*[("dana", enable(agent)) for agent in (RECEPTION, NIGHT_SHIFT) * 2])
    assert len(winners(answers)) >= 1
    ((imported_id, imported),) = here.labs.convai.numbers.items()
    assert here.row() == (True, imported["agent_id"], imported_id)


def test_enable_and_disable_have_no_open_transaction_during_requests(here, monkeypatch):
    open_meanwhile = []
    for upstream in (here.est, here.labs):
        answer = upstream.answer

        def watched(request, answer=answer):
            open_meanwhile.append(here.scope.session.in_transaction())
            return answer(request)

        monkeypatch.setattr(upstream, "answer", watched)
    numbers.agents(here.scope, here.http, PROVIDERS["elevenlabs"])
    here.on()
    here.labs.convai.faults = [Fault(*ASSIGN, times=1)]
    with pytest.raises(Conflict):
        here.on(NIGHT_SHIFT)
    here.off()
    assert len(open_meanwhile) > 12
    assert not any(open_meanwhile)


def test_disable_removes_the_import_and_lets_the_number_be_unassigned(here):
    here.off()
    assert here.labs.requests == []
    here.on()
    others = here.labs.convai.add(OTHER, RECEPTION)
    here.off()
    assert list(here.labs.convai.numbers) == [others]
    assert here.row() == OFF
    changes = {"number": [NUMBER, NUMBER], "agent": [RECEPTION, None]}
    assert here.events()[-1] == ("number.ai_off", here.cast.mo.email, changes)
    here.off()
    assert len(here.events()) == 2

    here.labs.convai.numbers.clear()
    here.on()
    with pytest.raises(Conflict) as refused:
        assignments.unassign(here.scope, here.cast.mo.id, "sinch", NUMBER)
    assert refused.value.code == "AI_IS_ON"
    here.off()
    assignments.unassign(here.scope, here.cast.mo.id, "sinch", NUMBER)
    assert here.rows() == {}


def test_disable_of_what_is_gone_or_was_set_by_others_is_stored(here):
    """A number is gone before it is read, or after."""
    here.on()
    here.labs.convai.faults = [Fault("DELETE", NUMBERS, Reply(404, {"detail": CANARY}))]
    here.off()
    assert here.row() == OFF

    here.on()
    here.labs.convai.numbers.clear()
    here.off()
    assert here.row() == OFF

    here.labs.convai.faults = []
    manual = here.labs.convai.add(NUMBER)
    here.on()
    here.labs.convai.numbers[manual]["agent_id"] = NIGHT_SHIFT
    here.off()
    assert here.labs.convai.numbers[manual]["agent_id"] == NIGHT_SHIFT
    assert here.row() == OFF

    here.labs.convai.numbers.clear()
    with here.scope.transaction():
        here.scope.session.execute(update(VoicePhoneNumber).values(ai_enabled=True, ai_agent_id=RECEPTION))
    here.off()
    assert here.row() == OFF


def test_disable_failing_stays_on_unless_here_only(here, subtests):
    """The list, the deletion of ours, taking the agent off a manual import, or the key."""
    convai = here.labs.convai
    for fault in ("list", "delete", "null", "key"):
        with subtests.test(fault):
            convai.numbers, convai.takes_null = {}, fault != "null"
            if fault == "null":
                convai.add(NUMBER)
            here.on()
            stored = here.row()
            if fault == "key":
                credentials.save(here.scope, PROVIDERS["elevenlabs"], {"api_key": None})
            elif fault != "null":
                convai.faults = [Fault("GET" if fault == "list" else "DELETE", NUMBERS)]
            sentence = re.escape(messages.still_on("", "ElevenLabs").strip())
            with pytest.raises(Conflict, match=sentence) as failed:
                here.off()
            expected = "PROVIDER_NOT_CONFIGURED" if fault == "key" else "PROVIDER_REFUSED"
            assert failed.value.code == expected
            assert here.row() == stored
            convai.faults = []
            request = len(here.labs.requests)
            here.off(here_only=True)
            assert len(here.labs.requests) == request
            assert here.row() == OFF
            assert len(convai.numbers) == 1


def test_enable_applies_to_every_user_of_the_number(here):
    give(here.scope, here.cast.dana)
    row = here.on()
    assert [user.name for user in numbers.sharing(here.scope, row)] == ["Dana"]
    assert len(set(here.rows().values())) == 1
    assert {subject for _, subject, _ in here.events()} == {here.cast.mo.email, here.cast.dana.email}
    assignments.unassign(here.scope, here.cast.mo.id, "sinch", NUMBER)
    assert here.rows()[here.cast.dana.id][0] is True
    with pytest.raises(Conflict) as refused:
        assignments.unassign(here.scope, here.cast.dana.id, "sinch", NUMBER)
    assert refused.value.code == "AI_IS_ON"
    again = give(here.scope, here.cast.mo)
    assert here.rows()[here.cast.mo.id] == here.rows()[here.cast.dana.id]
    assert len(here.labs.convai.numbers) == 1
    assert again.ai_agent_id == RECEPTION

    give(here.scope, here.cast.dana, OTHER)
    give(here.scope, here.cast.mo, NUMBER, "twilio")
    query = here.scope.select(VoicePhoneNumber).where(VoicePhoneNumber.ai_enabled.is_(False))
    others = {(row.phone_number, row.provider) for row in here.scope.session.scalars(query)}
    assert others == {(OTHER, "sinch"), (NUMBER, "twilio")}, "they have no AI"


def test_update_follows_the_draft_and_agents_are_those_that_can_be_chosen(here):
    def update(**payload):
        return numbers.update(here.scope, here.http, here.cast.mo, here.number_id, numbers.read(payload))

    for payload in ({}, {"aiEnabled": True}, {"aiEnabled": 1}, {"aiEnabled": True, "aiAgentId": "a/b"}):
        with pytest.raises(Invalid):
            update(**payload)
    with pytest.raises(Invalid):
        update(aiEnabled=True, agent=RECEPTION)
    assert update(aiEnabled=True, aiAgentId=RECEPTION).ai_agent_id == RECEPTION
    assert update(aiEnabled=True).ai_agent_id == RECEPTION
    assert update(aiEnabled=False).ai_agent_id is None

    assert numbers.agents(here.scope, here.http, PROVIDERS["elevenlabs"]) == [
        Agent(NIGHT_SHIFT, "Night shift"),
        Agent(RECEPTION, "Reception"),
    ]
    here.labs.permissions = set()
    with pytest.raises(ProviderCallFailed) as refused:
        numbers.agents(here.scope, here.http, PROVIDERS["elevenlabs"])
    assert refused.value.result.code == Outcome.NO_PERMISSION
