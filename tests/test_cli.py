"""The command line. What depends on the process itself runs in one of its own, the rest in this one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from flask import Flask
from sqlalchemy import Executable, delete, func, select, update

from app import create_app
from app.config import Settings
from app.core import clock
from app.core.outbound.client import Outbound
from app.extensions import db
from app.models import ApiToken, AuditEvent, CheckRun, Organization, Secret, User
from app.services import messages as shared_messages
from app.services.access import messages as access_messages
from app.services.drift import messages as drift_messages
from app.services.drift import runs
from app.services.installation import messages as installation_messages
from app.services.installation.keys import KeyMismatch
from app.services.organizations import messages as organization_messages
from app.services.scope import Scope
from devtools.scopes import PASSWORD
from devtools.server import clean_environment
from simulators.base import Trouble
from simulators.twilio import Twilio
from tests.support import cli
from tests.support.caller import Caller
from tests.support.cast import Cast, assemble, issue
from tests.support.commands import Commands, Done
from tests.support.full_organization import Furnished, Written, put_in_place
from tests.support.pages import Portal

Run = Callable[..., Done]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def cast(app: Flask) -> Cast:
    return assemble(app)


@pytest.fixture
def furnished(app: Flask, written: Written) -> Furnished:
    return put_in_place(app, written)


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    return Commands(tmp_path_factory.mktemp("commands"))


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Runs a command on the test's own installation, in this process."""

    def run(*arguments: str, typed: str = "", **settings: str) -> Done:
        return cli.run(environment | settings, *arguments, typed=typed)

    return run


@pytest.fixture
def run_alone(commands: Commands, environment: dict[str, str]) -> Run:
    """Runs a command on the test's own installation, in a process of its own as a shell starts it."""

    def run(*arguments: str, typed: str = "", **settings: str) -> Done:
        return commands.run(*arguments, environment=clean_environment() | environment | settings, typed=typed)

    return run


NEW_PASSWORD = "an owl on the chimney at dusk"


def create(run: Run, typed: str = PASSWORD, **changed: str) -> Done:
    options = {"email": "Ines@Acme.example", "name": "Ines", "role": "superadmin", "organization": "Acme"}
    arguments = [part for name, value in (options | changed).items() for part in (f"--{name}", value)]
    return run("users", "create", *arguments, "--password-stdin", typed=f"{typed}\n")


def sentence(done: Done) -> str:
    """A refusal: nothing on the way out, one readable sentence, no traceback."""
    assert done.code != 0
    assert done.out == ""
    assert "Traceback" not in done.err
    return done.err.strip()


def test_create_user_prints_the_id_only(app: Flask, run: Run, run_alone: Run) -> None:
    done = create(run_alone)
    assert (done.code, done.err) == (0, "")
    assert UUID.fullmatch(done.out)
    with app.app_context():
        user = db.session.get_one(User, done.out.strip())
        assert (user.email, user.name, user.role) == ("ines@acme.example", "Ines", "superadmin")
    again = create(run, email="mo@acme.example", role="member")
    assert again.code == 0
    with app.app_context():
        assert db.session.get_one(User, again.out.strip()).organization_id == user.organization_id
    used = create(run, email="mo@acme.example")
    assert sentence(used).endswith(access_messages.email_in_use("mo@acme.example"))


def test_create_user_rejects_invalid_values(app: Flask, run: Run, subtests: pytest.Subtests) -> None:
    for changed, typed, said in [
        ({"email": "ines"}, PASSWORD, f"email: {access_messages.EMAIL_WITHOUT_AT}"),
        ({"name": " "}, PASSWORD, f"name: {shared_messages.REQUIRED}"),
        ({}, "too short", "password: Use 15 characters or more."),
        ({"organization": "x" * 121}, PASSWORD, f"organization: {shared_messages.name_too_long(120)}"),
        ({"organization": " "}, PASSWORD, f"organization: {shared_messages.REQUIRED}"),
    ]:
        with subtests.test(changed=changed, typed=typed, said=said):
            assert said in sentence(create(run, typed, **changed))
            with app.app_context():
                assert db.session.scalars(select(User)).all() == []

    with app.app_context():
        db.session.add_all([Organization(name="Acme", slug="acme"), Organization(name="Acme", slug="acme-2")])
        db.session.commit()
    assert organization_messages.two_of_name("Acme") in sentence(create(run))


def test_create_token_prints_a_working_token_only(
    app: Flask, run: Run, run_alone: Run, furnished: Furnished
) -> None:
    cast = furnished.cast
    done = run_alone("tokens", "create", "--email", "DANA@acme.example")
    assert (done.code, done.err) == (0, "")
    assert re.fullmatch(r"[\w-]+\.[\w-]+\.[\w-]+\n", done.out)
    careful = Caller(app, done.out.strip()).get("/api/calls/providers/config")
    assert "twilioAuthToken" not in careful.text
    done = run("tokens", "create", "--email", cast.dana.email, "--scope", "secrets", "--expires-days", "3")
    full = Caller(app, done.out.strip()).get("/api/calls/providers/config")
    assert "twilioAuthToken" in full.text
    with app.app_context():
        lives = [(row.expires_at - row.created_at).days for row in db.session.scalars(select(ApiToken))]
    assert 3 in lives


def test_create_token_rejects_invalid_options(run: Run, cast: Cast, subtests: pytest.Subtests) -> None:
    for arguments, said in [
        (["--email", "unknown@acme.example"], "User unknown@acme.example not found."),
        (["--email", "mo@acme.example", "--scope", "secrets"], "superadmin"),
        (["--email", "dana@acme.example", "--expires-days", "0"], "days"),
        (["--email", "dana@acme.example", "--scope", "everything"], "everything"),
    ]:
        with subtests.test(arguments=arguments):
            assert said in sentence(run("tokens", "create", *arguments))


def test_rotate_keys_frees_the_old_key_unless_a_secret_is_unreadable(
    app: Flask, run: Run, furnished: Furnished, shared_keys: dict[str, str], environment: dict[str, str]
) -> None:
    cast = furnished.cast
    old, new = shared_keys["PATCHBAY_FERNET_KEYS"], Fernet.generate_key().decode()
    done = run("keys", "rotate", PATCHBAY_FERNET_KEYS=f"{new},{old}")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("Everything is encrypted with the newest key. The older keys can be removed.\n")
    with app.app_context():
        count = len(db.session.scalars(select(Secret)).all())
    assert f"{count} of {count} re-encrypted" in done.out
    again = run("keys", "rotate", PATCHBAY_FERNET_KEYS=f"{new},{old}")
    assert "re-encrypted" not in again.out
    fresh = create_app(Settings.from_environment(environment | {"PATCHBAY_FERNET_KEYS": new}))
    token = run(
        "tokens", "create", "--email", cast.dana.email, "--scope", "secrets", PATCHBAY_FERNET_KEYS=new
    )
    raw = Caller(fresh, token.out.strip()).get("/api/calls/providers/config")
    assert furnished.secrets["twilio.auth_token"] in raw.text
    with app.app_context():
        db.session.execute(update(Secret).where(Secret.field == "auth_token").values(sealed="gAAAA-broken"))
        db.session.commit()
    newer = Fernet.generate_key().decode()
    done = run("keys", "rotate", PATCHBAY_FERNET_KEYS=f"{newer},{new}")
    assert done.code != 0
    assert re.search(r"No key decrypts [0-9]+ secret", done.err)
    assert "Keep the old key." in done.err


def test_no_command_runs_with_another_key_or_makes_one_over_existing_data(
    run_alone: Run, environment: dict[str, str], cast: Cast, tmp_path: Path
) -> None:
    """Each makes the app first."""
    other = {"PATCHBAY_FERNET_KEYS": Fernet.generate_key().decode()}
    with pytest.raises(KeyMismatch):
        create_app(Settings.from_environment(environment | other))
    assert installation_messages.KEY_MISMATCH in sentence(run_alone("serve", **other))

    environment.pop("PATCHBAY_FERNET_KEYS")
    said = sentence(run_alone("serve"))
    assert "PATCHBAY_FERNET_KEYS is missing, and the database already has data." in said
    assert not (tmp_path / "fernet.keys").exists()


def test_reset_user_revokes_tokens_and_sets_a_password(app: Flask, run: Run, furnished: Furnished) -> None:
    cast = furnished.cast
    old = run("tokens", "create", "--email", cast.dana.email).out.strip()
    done = run("users", "reset", "--email", cast.dana.email, "--password-stdin", typed=f"{NEW_PASSWORD}\n")
    assert (done.code, done.err, done.out.strip()) == (0, "", cast.dana.id)
    assert Caller(app, old).get("/api/calls/providers").status_code == 401
    body = {"email": cast.dana.email, "password": NEW_PASSWORD}
    assert Caller(app).post("/api/auth/login", body).status_code == 200
    reset = ("users", "reset", "--password-stdin", "--email")
    assert "not found" in sentence(run(*reset, "unknown@acme.example", typed=f"{NEW_PASSWORD}\n"))
    assert "15 characters" in sentence(run(*reset, cast.mo.email, typed="short\n"))


def test_users_commands_without_a_password_print_a_link(app: Flask, run: Run, cast: Cast) -> None:
    options = ("--email", "ines@acme.example", "--name", "Ines", "--role", "member", "--organization", "Acme")
    invited = run("users", "create", *options).out.splitlines()
    (reset,) = run("users", "reset", "--email", cast.mo.email).out.splitlines()
    for link in (invited[1], reset):
        address, token = link.split("#")
        assert address == "http://127.0.0.1:2212/choose-password"
        page = Portal(app).get("/choose-password").press("Continue", key=token)
        page = page.press("Set password and sign in", new_password=NEW_PASSWORD)
        assert page.title == "Your account"


@pytest.fixture
def twilio() -> Iterator[Twilio]:
    with Twilio() as upstream:
        yield upstream


def _two_with_a_number(app: Flask, cast: Cast, twilio: Twilio) -> None:
    """Acme's number calls an old address, and Globex's the right one."""
    account = {f"twilio_{name}": twilio.values[name] for name in ("account_sid", "auth_token")}
    for person, number in ((cast.dana, "+15551234567"), (cast.gus, "+15551234568")):
        caller = Caller(app, issue(app, person).jwt)
        caller.put("/api/settings/telephony", {"public_base_url": "https://voice.acme.example"} | account)
        payload = {"phone_number": number, "provider": "twilio", "inbound_agent_name": "support"}
        url = caller.post("/api/settings/endpoints", payload).get_json()["inbound_webhook_url"]
        twilio.numbers[number].voice_url = url if person is cast.gus else "https://old.example/x"


def test_check_reports_drift_by_exit_code(app: Flask, run: Run, cast: Cast, twilio: Twilio) -> None:
    _two_with_a_number(app, cast, twilio)
    there = {"PATCHBAY_UPSTREAMS": ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())}
    done = run("check", **there)
    assert (done.code, done.out) == (
        2,
        f"Acme Support: {drift_messages.report(1, 1, [])}\nGlobex: {drift_messages.report(1, 0, [])}\n",
    )
    done = run("check", "--organization", "Globex", **there)
    assert (done.code, done.out) == (0, f"Globex: {drift_messages.report(1, 0, [])}\n")
    assert "Initech not found" in sentence(run("check", "--organization", "Initech", **there))
    twilio.refuses_credentials = True
    done = run("check", "--organization", "Globex", "--json", **there)
    (document,) = json.loads(done.out)["organizations"]
    assert (done.code, len(document["problems"]), document["failure"]) == (2, 1, None)
    twilio.refuses_credentials, twilio.trouble = False, Trouble.FAULT
    done = run("check", **there)
    assert (done.code, done.out) == (1, "")
    assert "is having problems" in done.err


def test_check_json_reports_a_running_check(app: Flask, run: Run, cast: Cast, twilio: Twilio) -> None:
    _two_with_a_number(app, cast, twilio)
    there = {"PATCHBAY_UPSTREAMS": ",".join(f"{host}={base}" for host, base in twilio.upstreams.items())}
    with app.app_context():
        until = clock.now() + runs.LEASE
        db.session.add(CheckRun(organization_id=cast.acme, provider="twilio", leased_until=until))
        db.session.commit()
    done = run("check", "--json", **there)
    assert done.code == 75
    assert json.loads(done.out) == {
        "exit_code": 75,
        "organizations": [
            {
                "id": cast.acme,
                "name": "Acme Support",
                "checked": 0,
                "drifted": 0,
                "problems": [],
                "failure": None,
                "already_running": True,
            },
            {
                "id": cast.globex,
                "name": "Globex",
                "checked": 1,
                "drifted": 0,
                "problems": [],
                "failure": None,
                "already_running": False,
            },
        ],
    }
    twilio.trouble = Trouble.FAULT
    done = run("check", "--json", **there)
    assert (done.code, json.loads(done.out)["exit_code"]) == (1, 1)


def test_check_continues_after_a_failed_organization(
    app: Flask, cast: Cast, twilio: Twilio, monkeypatch: pytest.MonkeyPatch
) -> None:
    _two_with_a_number(app, cast, twilio)
    app.extensions["patchbay_outbound"] = Outbound(twilio.upstreams)
    run = runs.run

    def fails_for_acme(scope: Scope, *arguments: Any, **more: Any) -> Any:
        if scope.organization.name.startswith("Acme"):
            raise RuntimeError("broken")
        return run(scope, *arguments, **more)

    monkeypatch.setattr(runs, "run", fails_for_acme)
    with app.app_context():
        done = app.test_cli_runner().invoke(args=["check"])
    assert done.exit_code == 1
    assert "Acme Support: 0 checked, 0 drifted. The check failed (RuntimeError)" in done.output
    assert f"Globex: {drift_messages.report(1, 0, [])}" in done.output


def test_verify_audit_finds_changed_removed_and_missing_events(
    run: Run, app: Flask, furnished: Furnished, tmp_path: Path
) -> None:
    cast = furnished.cast
    done = run("audit", "verify")
    assert done.code == 0, done.err
    assert re.search(
        rf"^Acme Support: [0-9]+ events hold\. Head {cast.acme}:[0-9]+:[0-9a-f]{{64}}$", done.out, re.M
    )
    assert "Globex: 0 events hold.\n" in done.out
    noted = tmp_path / "noted"
    noted.write_text(done.out)
    assert run("audit", "verify", "--noted", str(noted)).code == 0

    last = select(func.max(AuditEvent.id)).where(AuditEvent.organization_id == cast.acme).scalar_subquery()
    _tamper(app, delete(AuditEvent).where(AuditEvent.id == last))
    for arguments in ([], ["--noted", str(noted)]):
        done = run("audit", "verify", *arguments)
        assert (done.code, "removed from the end" in done.err) == (1, True)

    _tamper(app, update(AuditEvent).where(AuditEvent.id == last).values(subject="x"))
    done = run("audit", "verify", "--organization", "Acme Support")
    assert done.code == 1
    assert re.search(r"Acme Support: [0-9]+ events hold\. Event [0-9]+ was changed", done.err)
    assert run("audit", "verify", "--organization", "Globex").code == 0
    assert "Umbrella not found" in run("audit", "verify", "--organization", "Umbrella").err

    noted = tmp_path / "noted"
    noted.write_text(f"Head 00000000-0000-0000-0000-000000000000:3:{'a' * 64}\n")
    done = run("audit", "verify", "--noted", str(noted))
    assert (done.code, "00000000-0000-0000-0000-000000000000" in done.err) == (1, True)


def _tamper(app: Flask, statement: Executable) -> None:
    with app.app_context():
        db.session.execute(statement, execution_options={"synchronize_session": False})
        db.session.commit()
