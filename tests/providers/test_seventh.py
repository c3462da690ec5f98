"""A provider is one file: a seventh one, in a copy of the project, is everywhere by itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from devtools.scopes import PASSWORD
from devtools.server import ROOT, clean_environment, flask

ACME = """
from app.provider import Count, Family, PhoneNumber, Provider, Secret, Text


class AcmeVoice(Provider):
    key = "acme"
    label = "Acme Voice"
    families = (Family.TELEPHONY,)
    summary = "Serves agent calls, in tests."

    tenant = Text("Tenant name", help="On the first page.", required=True)
    signing_key = Secret("Signing key", help="Behind Show.", required=True)
    phone_number = PhoneNumber("Phone number", group="Calls")
    lines = Count("Lines at once", default=3, group="Calls")
"""

SCRIPT = '''
import json, os, re, sys
from pathlib import Path

from app import create_app

TOKEN, SECRET = os.environ["TOKEN"], os.environ["SECRET"]
app = create_app()
client = app.test_client()
bearer = {"Authorization": f"Bearer {TOKEN}"}


def call(method, path, **sent):
    answer = client.open(path, method=method, headers=bearer, **({"json": sent} if sent else {}))
    return {"status": answer.status_code, "body": answer.get_json()}


def page():
    """The form of the provider, for a superadmin who signs in."""
    web = {"base_url": "https://localhost"}
    form = client.get("/sign-in", **web).text
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', form)[1]
    sent = {"csrf_token": token, "email": "dana@acme.example", "password": os.environ["PASSWORD"]}
    client.post("/sign-in", data=sent, headers={"Referer": "https://localhost/"}, **web)
    answer = client.get("/o/acme-support/providers/acme", **web)
    return {"status": answer.status_code, "text": answer.text}


found = {
    "before": call("GET", "/api/settings/telephony"),
    "saved": call(
        "PUT",
        "/api/settings/telephony",
        public_base_url="https://voice.example.com",
        provider="acme",
        acme_tenant="made-up-tenant",
        acme_signing_key=SECRET,
        acme_phone_number="+15551234567",
        acme_lines=4,
    ),
    "refused": call("PUT", "/api/settings/telephony", acme_signing_key="", acme_lines=0),
    "after": call("GET", "/api/settings/telephony"),
    "endpoint": call(
        "POST",
        "/api/settings/endpoints",
        phone_number="+15551234567",
        provider="acme",
        inbound_agent_name="support",
    ),
    "resolved": call("GET", "/api/settings/endpoints/resolve?phone_number=%2B15551234567"),
    "openapi": call("GET", "/api/openapi.json")["body"],
}
found["page"] = page()
files = Path(os.environ["PATCHBAY_DATA"]).glob("patchbay.db*")
found["stored"] = {path.name: SECRET.encode() in path.read_bytes() for path in files}
Path(sys.argv[1]).write_text(json.dumps(found))
'''

SECRET = "made-up-signing-key-of-acme-voice"


def _copy(folder: Path) -> Path:
    """What Python has compiled comes along, except what it is just writing."""
    for name in ("app", "migrations", "templates", "static"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    shutil.copy(ROOT / "wsgi.py", folder)
    return folder


def _environment(project: Path) -> dict[str, str]:
    data = {"PATCHBAY_DATA": str(project / "data"), "PYTHONPATH": str(project)}
    return clean_environment() | data | {"SECRET": SECRET, "PASSWORD": PASSWORD}


def _run(project: Path, *command: str, typed: str = "", **more: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env=_environment(project) | more,
        input=typed,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the copy with the seventh file answers."""
    project = _copy(tmp_path_factory.mktemp("seventh"))
    (project / "app" / "providers" / "acme.py").write_text(ACME)
    (project / "ask.py").write_text(SCRIPT)
    person = ["--email", "dana@acme.example", "--name", "Dana", "--role", "superadmin"]
    create = flask("users", "create", *person, "--organization", "Acme Support", "--password-stdin")
    _run(project, *create, typed=PASSWORD)
    token = _run(project, *flask("tokens", "create", "--email", person[1], "--scope", "secrets"))
    _run(project, sys.executable, "ask.py", "found.json", TOKEN=token)
    return json.loads((project / "found.json").read_text())


def test_its_names_are_in_the_settings_api(found):
    assert found["before"]["status"] == 200
    assert {key: value for key, value in found["before"]["body"].items() if key.startswith("acme")} == {
        "acme_tenant": None,
        "acme_signing_key": None,
        "acme_phone_number": None,
        "acme_lines": 3,
    }
    assert found["saved"]["status"] == 200, found["saved"]
    assert found["saved"]["body"].items() <= found["after"]["body"].items()
    assert found["after"]["body"]["provider"] == "acme"
    assert found["after"]["body"]["acme_signing_key"] == SECRET
    assert found["after"]["body"]["acme_lines"] == 4


def test_its_values_are_checked(found):
    assert found["refused"]["status"] == 422
    fields = {detail["field"] for detail in found["refused"]["body"]["error"]["details"]}
    assert fields == {"acme_signing_key", "acme_lines"}


def test_its_secret_is_sealed_in_the_database_and_its_log(found):
    assert "patchbay.db" in found["stored"]
    assert not any(found["stored"].values())


def test_an_endpoint_can_have_it(found):
    assert found["endpoint"]["status"] == 201, found["endpoint"]
    assert found["endpoint"]["body"]["inbound_webhook_url"] == (
        "https://voice.example.com/telephony/acme/inbound/support"
    )
    assert found["resolved"]["body"]["ready"] is True


def test_its_fields_are_in_openapi(found):
    schemas = found["openapi"]["components"]["schemas"]
    for name in ("TelephonyChanges", "Telephony"):
        assert {"acme_tenant", "acme_signing_key", "acme_lines"} <= set(schemas[name]["properties"])
    assert "acme" in json.dumps(schemas["EndpointDraft"]["properties"]["provider"])


def test_its_form_shows_its_fields_and_not_its_secret(found):
    page = found["page"]
    assert page["status"] == 200
    for label in ("Acme Voice", "Tenant name", "Signing key", "Lines at once", "made-up-tenant"):
        assert label in page["text"]
    assert SECRET not in page["text"]


BROKEN = {
    "does not load": "import no_such_module",
    "is no Python": "class",
    "declares none": "x = 1",
    "declares two": ACME + ACME.replace("AcmeVoice", "Another"),
    "has no label": ACME.replace("label =", "labl ="),
    "has another's key": ACME.replace('key = "acme"', 'key = "twilio"'),
    "shares a name with another": ACME.replace('"acme"', '"sinch"').replace("tenant", "est_key_id"),
}


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return _copy(tmp_path_factory.mktemp("broken"))


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_stops_the_boot_and_is_named(bare, content):
    (bare / "app" / "providers" / "acme.py").write_text(content)
    done = subprocess.run(
        [sys.executable, "-c", "import app.providers"],
        cwd=bare,
        env=_environment(bare) | {"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert "DeclarationError: app.providers.acme" in last or "same key" in last, done.stderr
