"""A new provider is its declaration and its simulator; in a copy of the project both are found everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from types import ModuleType

import pytest

from app import providers
from app.provider import DeclarationError
from devtools.server import ROOT, clean_environment
from tests.support.project_copy import ProjectCopy

SECRET = "sample-signing-key-of-acme-voice"
DECLARED = """
from urllib.parse import quote

from app.provider import Count, Family, Outcome, PhoneNumber, Provider, Refusal, Secret, Text
from app.provider import json_list, json_object, proven, refused, unexpected
from app.provider.answers import is_unauthorized
from app.provider.numbers import ProviderNumber, one_line, phone_number

API = "https://api.acme.example/v1"
REFUSED = refused(Outcome.BAD_CREDENTIALS, "Acme Voice does not accept this tenant and signing secret.")


class AcmeVoice(Provider):
    key = "acme"
    label = "Acme Voice"
    hosts = ("api.acme.example",)
    families = (Family.TELEPHONY,)
    summary = "For agent calls, in tests."
    webhook_steps = ("Paste the URL on the number's page.",)

    tenant = Text("Tenant name", help="On the first page.", required=True)
    signing_secret = Secret("Signing secret", help="Behind Show.", required=True)
    phone_number = PhoneNumber("Phone number", group="Calls")
    lines = Count("Line count", default=3, group="Calls")

    def verify(self, http, values):
        if missing := self.missing_credentials(values):
            return missing
        try:
            self._numbers(http, values)
        except Refusal as refusal:
            return refusal.result
        return proven("Acme Voice accepts the tenant and signing secret.")

    def numbers(self, http, values):
        self.require_credentials(values)
        for row in self._numbers(http, values):
            if number := phone_number(row.get("number")):
                yield ProviderNumber(number, webhook_url=one_line(row.get("url"), 2000))

    def observe(self, http, values, phone_number):
        results = [line for line in self.numbers(http, values) if line.phone_number == phone_number]
        return results[0] if results else None

    def point(self, http, values, line, url):
        self.require_credentials(values)
        path = f"numbers/{quote(line.phone_number, safe='')}"
        answer = self._send(http, values, "POST", path, {"url": url})
        if answer.status == 404 and json_object(answer):
            raise Refusal(refused(Outcome.NOT_FOUND, "Acme Voice does not have the number."))
        if json_object(answer).get("url") != url:
            raise Refusal(REFUSED if is_unauthorized(answer) else unexpected(answer))

    def _numbers(self, http, values):
        answer = self._send(http, values, "GET", "numbers")
        if is_unauthorized(answer):
            raise Refusal(REFUSED)
        return json_list(answer, "numbers")

    def _send(self, http, values, method, path, form=None):
        headers = {"Authorization": f"Bearer {values['signing_secret']}"}
        url = f"{API}/{quote(values['tenant'], safe='')}/{path}"
        return http.send(method, url, headers=headers, form=form)
"""
SIMULATED = f'''
from simulators.base import Reply, Simulator
from simulators.console import Action, Row, Table, setting


class AcmeVoice(Simulator):
    label = "Acme Voice"
    hosts = ("api.acme.example",)
    sample_values = {{"tenant": "sample-tenant", "signing_secret": "{SECRET}"}}

    def __init__(self, port=0):
        super().__init__(port)
        self.numbers = {{"+15551234567": "https://old.example/call"}}

    def tables(self):
        clear = Action("Remove all", setting(self, numbers={{}}))
        return [Table("Numbers", [Row(number, url, [clear]) for number, url in self.numbers.items()])]

    def add(self, phone_number):
        self.numbers[phone_number] = ""

    def answer(self, request):
        if request.headers.get("Authorization") != "Bearer " + self.values["signing_secret"]:
            return Reply(401, {{"error": "unauthorized"}})
        _, _, tenant, *path = request.path.split("/")
        if tenant != self.values["tenant"]:
            return Reply(404, {{"error": "no such tenant"}})
        if request.method == "GET":
            rows = [{{"number": number, "url": url or None}} for number, url in self.numbers.items()]
            return Reply(200, {{"numbers": rows, "page": None, "size": 9, "total": len(rows), "next": ""}})
        number = path[-1].replace("%2B", "+")
        if number not in self.numbers:
            return Reply(404, {{"error": "no such number"}})
        self.numbers[number] = request.form["url"]
        return Reply(200, {{"url": self.numbers[number]}})
'''

SCRIPT = """
import os
from pathlib import Path

from sqlalchemy import select

from app import context
from app.models import Check
from app.provider import Family
from app.providers import keys_in
from devtools import html
from simulators import SIMULATORS
from tests.support.project_copy import install, report

NUMBER = "+15551234567"
HOME = "/o/acme-support"
SECRET = SIMULATORS["acme"].sample_values["signing_secret"]

with SIMULATORS["acme"]() as simulator:
    pairs = simulator.upstreams.items()
    os.environ["PATCHBAY_UPSTREAMS"] = ",".join(f"{host}={base}" for host, base in pairs)
    here = install()

    def call(method, path, **sent):
        bearer = {"Authorization": f"Bearer {here.api.token}"}
        answer = here.app.test_client().open(path, method=method, headers=bearer, json=sent or None)
        return {"status": answer.status_code, "body": answer.get_json()}

    results = {"before": call("GET", "/api/settings/telephony")["body"]}
    form = here.portal.get(f"{HOME}/providers/acme")
    typed = {f"acme_{name}": value for name, value in simulator.values.items()}
    controls = [control["name"] for control in form.root.all("input")]
    results["form"] = sorted(name for name in controls if "acme" in name)
    form.press("Save", **typed)
    with here.app.app_context():
        checks = select(Check.ok).where(Check.provider == "acme")
        results["tested"] = list(context.session().scalars(checks))
    choice = here.portal.get(f"{HOME}/active/telephony?provider=acme").root
    (form,) = [form for form in choice.all("form") if form.get("action", "").endswith("/active/telephony")]
    here.portal.post(form["action"], html.filled(form, {}))
    results["changed"] = call(
        "PUT",
        "/api/settings/telephony",
        public_base_url="https://voice.example.com",
        acme_phone_number=NUMBER,
        acme_lines=4,
    )
    results["refused"] = call("PUT", "/api/settings/telephony", acme_signing_secret="", acme_lines=0)
    results["after"] = call("GET", "/api/settings/telephony")["body"]
    results["numbers"] = NUMBER in here.portal.get(f"{HOME}/providers/acme/numbers?list=1").source
    results["endpoint"] = call(
        "POST",
        "/api/settings/endpoints",
        phone_number=NUMBER,
        provider="acme",
        inbound_agent_name="support",
    )
    path = f"/api/settings/endpoints/{results['endpoint']['body']['id']}"
    results["pointed"] = call("POST", f"{path}/point")
    results["called"] = simulator.numbers[NUMBER]
    results["openapi"] = call("GET", "/api/openapi.json")["body"]
    page = here.portal.get(f"{HOME}/providers/acme").source
    results["page"] = {text: text in page for text in ("Acme Voice", "Line count", "sample-tenant", SECRET)}
    files = Path(os.environ["PATCHBAY_DATA"]).glob("patchbay.db*")
    results["stored"] = {file.name: SECRET.encode() in file.read_bytes() for file in files}
    results["telephony"] = keys_in(Family.TELEPHONY)
report(**results)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with the two files of a new provider."""
    project = ProjectCopy.at(tmp_path_factory.mktemp("new_provider"))
    _add_folders(project, "simulators")
    project.write("app/providers/acme.py", DECLARED)
    project.write("simulators/acme.py", SIMULATED)
    return project


def _add_folders(project, *names):
    for name in names:
        ignored = shutil.ignore_patterns("*.pyc.*", "node_modules")
        shutil.copytree(ROOT / name, project.folder / name, ignore=ignored)


@pytest.fixture(scope="module")
def results(copy, shared, shared_keys, migrate):
    return copy.run(SCRIPT, DATABASE_URL=copy.database(shared, migrate), **shared_keys)


def test_new_provider_is_in_every_api_page_and_openapi(results):
    fields = {name: value for name, value in results["before"].items() if name.startswith("acme")}
    assert fields == {
        "acme_tenant": None,
        "acme_signing_secret": None,
        "acme_phone_number": None,
        "acme_lines": 3,
    }
    assert results["changed"]["status"] == 200, results["changed"]
    changed = {"acme_signing_secret": SECRET, "acme_lines": 4}
    assert changed.items() <= results["after"].items()
    assert results["refused"]["status"] == 422
    details = results["refused"]["body"]["error"]["details"]
    assert {detail["field"] for detail in details} == {"acme_signing_secret", "acme_lines"}

    assert {"acme_tenant", "acme_signing_secret", "acme_phone_number", "acme_lines"} <= set(results["form"])
    assert results["tested"] == [True]
    assert results["page"] == {
        "Acme Voice": True,
        "Line count": True,
        "sample-tenant": True,
        SECRET: False,
    }

    assert "acme" in results["telephony"]
    assert results["after"]["provider"] == "acme"
    assert results["numbers"]

    assert results["endpoint"]["status"] == 201, results["endpoint"]
    url = "https://voice.example.com/telephony/acme/inbound/support"
    assert results["endpoint"]["body"]["inbound_webhook_url"] == url
    assert results["pointed"]["status"] == 200, results["pointed"]
    assert results["called"] == url

    schemas = results["openapi"]["components"]["schemas"]
    for name in ("TelephonyChanges", "Telephony"):
        assert {"acme_tenant", "acme_signing_secret", "acme_lines"} <= set(schemas[name]["properties"])
    assert "acme" in json.dumps(schemas["EndpointDraft"]["properties"]["provider"])
    assert "patchbay.db" in results["stored"]
    assert not any(results["stored"].values())


@pytest.mark.thorough("test_new_provider_is_in_every_api_page_and_openapi")
def test_new_provider_is_in_the_contract_tests(copy):
    """The tests of every provider, in the copy: it passes as many of them as Vobiz, which can do the same."""
    _add_folders(copy, "devtools", "tests")
    chosen = "acme or vobiz or contract"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen]
    files = [f"tests/providers/test_{name}.py" for name in ("contract", "verify", "numbers")]
    done = subprocess.run(
        [*command, "-rA", "-n", "0", *files],
        cwd=copy.folder,
        env=clean_environment() | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    passed = [line for line in done.stdout.splitlines() if line.startswith("PASSED")]
    new, existing = (
        {line.removesuffix(f"[{key}]") for line in passed if line.endswith(f"[{key}]")}
        for key in ("acme", "vobiz")
    )
    assert new == existing, done.stdout[-3000:]
    assert {line.partition("::")[0].partition(" ")[2] for line in new} == set(files[1:])


BROKEN = {
    "does not load": "import no_such_module",
    "is no Python": "class",
    "declares none": "x = 1",
    "declares two": DECLARED + DECLARED.replace("AcmeVoice", "Another"),
    "has no label": DECLARED.replace("label =", "labl ="),
    "has another's key": DECLARED.replace('key = "acme"', 'key = "other"'),
    "shares a name with another": DECLARED.replace("tenant", "b_tenant").replace('"acme"', '"other_a"'),
}
OTHER = DECLARED.replace('"acme"', '"other"').replace("tenant", "a_b_tenant")


def test_load_broken_declaration_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    wrong = []
    for place, (case, content) in enumerate(BROKEN.items()):
        package = ModuleType(f"sample_providers_{place}")
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "acme.py").write_text(content)
        (folder / "other.py").write_text(OTHER)
        package.__path__ = [str(folder)]
        monkeypatch.setitem(sys.modules, package.__name__, package)
        try:
            providers.load(package)
            wrong.append(case)
        except DeclarationError as error:
            if f"{package.__name__}.acme" not in str(error):
                wrong.append(f"{case}: {error}")
    assert wrong == []
