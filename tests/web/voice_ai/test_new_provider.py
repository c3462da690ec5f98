"""A second voice AI provider is one file: in a copy of the project, Voice AI includes it everywhere."""

from __future__ import annotations

import pytest

from tests.support.project_copy import ProjectCopy

TOKEN = "sample-token-of-acme-ai"
DECLARED = """
import hashlib
import hmac
from datetime import timedelta

from app.provider import Family, Origin, Outcome, Provider, Refusal, Secret, Text
from app.provider import json_list, json_object, proven, refused, unexpected
from app.provider.voice_ai import Agent, CallEvent, CallReport, CallWebhookSetting, CreatedWebhook
from app.provider.voice_ai import ImportedNumber, ImportedNumbers, ListedWebhooks, Webhook

API = "https://api.acme.example"
REFUSED = refused(Outcome.BAD_CREDENTIALS, "Acme AI does not accept this token.")


class AcmeAi(Provider):
    key = "acme"
    label = "Acme AI"
    hosts = ("api.acme.example",)
    families = (Family.VOICE_AI,)

    token = Secret("Token", required=True)
    tool_secret = Secret("Tool secret", origin=Origin.GENERATED)
    webhook_secret = Secret("Webhook secret", origin=Origin.PROVIDER)
    webhook_id = Text("Webhook ID", origin=Origin.PROVIDER)

    signature_header = "X-Acme-Signature"
    signature_format = "hex of HMAC-SHA256 over the body"
    signature_window = timedelta(minutes=5)
    conversation_page = ""

    def verify(self, http, values):
        try:
            self.agents(http, values)
        except Refusal as refusal:
            return refusal.result
        return proven("Acme AI accepts the token.")

    def agents(self, http, values):
        return [Agent(row["id"], row["name"]) for row in self._list(http, values, "agents")]

    def imported_numbers(self, http, values):
        rows = self._list(http, values, "numbers")
        return ImportedNumbers(
            {row["number"]: [ImportedNumber(row["id"], row["agent"], row["label"])] for row in rows}
        )

    def import_number(self, http, values, phone_number, sip_domain, label):
        sent = {"number": phone_number, "domain": sip_domain, "label": label}
        return self._send(http, values, "POST", "numbers", sent)["id"]

    def assign_agent(self, http, values, number_id, agent_id):
        self._send(http, values, "POST", f"numbers/{number_id}", {"agent": agent_id})

    def remove_number(self, http, values, number_id):
        self._send(http, values, "DELETE", f"numbers/{number_id}")

    def webhooks(self, http, values):
        rows = self._list(http, values, "webhooks")
        return ListedWebhooks(Webhook(r["id"], r["name"], r["url"], False) for r in rows)

    def create_webhook(self, http, values, name, url):
        made = self._send(http, values, "POST", "webhooks", {"name": name, "url": url})
        return CreatedWebhook(made["id"], made["secret"])

    def enable_webhook(self, http, values, webhook_id, name):
        pass

    def delete_webhook(self, http, values, webhook_id):
        self._send(http, values, "DELETE", f"webhooks/{webhook_id}")

    def call_webhook(self, http, values):
        return CallWebhookSetting(self._send(http, values, "GET", "reporting")["webhook"], True)

    def set_call_webhook(self, http, values, setting, webhook_id):
        self._send(http, values, "POST", "reporting", {"webhook": webhook_id})

    def receipt(self, secret, signature, body, now):
        expected = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
        return expected if hmac.compare_digest(expected, signature) else None

    def read_report(self, event):
        return CallReport(CallEvent.ENDED, event["call"], agent_name=event["agent"])

    def _list(self, http, values, name):
        return self._send(http, values, "GET", name)["rows"]

    def _send(self, http, values, method, path, sent=None):
        headers = {"Authorization": f"Bearer {values['token']}"}
        answer = http.send(method, f"{API}/{path}", headers=headers, json=sent)
        if answer.status != 200:
            raise Refusal(REFUSED if answer.status == 401 else unexpected(answer))
        return json_object(answer)
"""
SCRIPT = (
    f'TOKEN = "{TOKEN}"'
    + """
import hashlib
import hmac
import json
import os

from sqlalchemy import select

from app import context
from app.models import Call, Check
from devtools.scopes import PASSWORD
from simulators.base import Reply, Simulator
from simulators.sinch_est import DOMAIN, NUMBER, SinchEst
from tests.support.project_copy import install, report

PATH = "/o/acme-support/voice-ai"


class AcmeAi(Simulator):
    label = "Acme AI"
    hosts = ("api.acme.example",)
    sample_values = {"token": TOKEN}

    def __init__(self):
        super().__init__()
        self.rows = {"agents": {"a1": {"name": "Reception"}}, "numbers": {}, "webhooks": {}}
        self.reporting = None

    def answer(self, request):
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return Reply(401, {})
        name, _, row_id = request.path.strip("/").partition("/")
        if name == "reporting":
            self.reporting = request.json["webhook"] if request.method == "POST" else self.reporting
            return Reply(200, {"webhook": self.reporting})
        rows = self.rows[name]
        if request.method == "GET":
            return Reply(200, {"rows": [row | {"id": key} for key, row in rows.items()]})
        if request.method == "DELETE":
            rows.pop(row_id)
        elif row_id:
            rows[row_id] |= request.json
        else:
            row_id = f"{name}-{len(rows) + 1}"
            rows[row_id] = request.json | {"agent": None, "secret": "sample-webhook-secret-of-acme-ai"}
        return Reply(200, {"id": row_id, "secret": rows.get(row_id, {}).get("secret")})


def card(page):
    (found,) = [one for one in page.root.all("section") if one.get("data-webhook") == "acme"]
    return found


with AcmeAi() as acme, SinchEst() as est:
    pairs = {**acme.upstreams, **est.upstreams}.items()
    routes = ["api.elevenlabs.io=http://127.0.0.1:9", *(f"{host}={base}" for host, base in pairs)]
    os.environ["PATCHBAY_UPSTREAMS"] = ",".join(routes)
    here = install()
    portal, client = here.portal, here.app.test_client()

    def stored(query):
        with here.app.app_context():
            return list(context.session().scalars(query))

    portal.get("/o/acme-support/settings").press("Save", public_base_url="https://voice.acme.example")
    portal.get(PATH).press("Save", elevenlabs_api_key="sample-key-of-elevenlabs")
    portal.get(f"{PATH}?tab=acme").press("Save", acme_token=TOKEN)
    page = portal.get(f"{PATH}?tab=acme")
    found = {"webhook": card(page)["data-state"], "reporting": acme.reporting}
    (webhook,) = acme.rows["webhooks"].values()
    found["url"] = webhook["url"].replace(here.cast.acme, "<id>")
    page.press("Test connection of Acme AI")
    found["tested"] = stored(select(Check.ok).where(Check.provider == "acme"))
    portal.get(PATH).press("Save choice", provider="acme")
    confirmation = portal.get(f"{PATH}?tab=tool-secret").follow("Generate tool secret")
    confirmation.press("Generate tool secret", your_password=PASSWORD)
    trunk = {
        f"sinch_est_{name}": value for name, value in est.values.items() if name != "trunk_domain"
    } | {"sinch_est_trunk_domain": DOMAIN}
    portal.get(f"{PATH}?tab=sinch_est").press("Save", **trunk)
    path = f"/o/acme-support/people/{here.cast.mo.id}"
    bearer = {"Authorization": f"Bearer {here.api.token}"}
    sent = {"userId": here.cast.mo.id, "provider": "sinch", "phoneNumber": NUMBER}
    given = client.post(f"/api/organizations/{here.cast.acme}/phone-numbers", headers=bearer, json=sent)
    assert given.status_code == 201, given.text
    portal.get(path).follow(f"Answer with AI… {NUMBER}").press("Answer with AI", ai_agent_id="a1")
    found["numbers"] = [
        (row["number"], row["domain"], row["agent"]) for row in acme.rows["numbers"].values()
    ]
    found["config"] = client.get("/api/calls/voice-ai/config", headers=bearer).get_json()
    body = json.dumps({"call": "c1", "agent": "Reception"}).encode()
    for secret in ("sample-and-wrong", webhook["secret"]):
        signature = hmac.digest(secret.encode(), body, hashlib.sha256).hex()
        headers = {"X-Acme-Signature": signature, "Content-Type": "application/json"}
        answer = client.post(f"/api/webhook/acme/{here.cast.acme}", headers=headers, data=body)
        found.setdefault("reported", []).append(answer.status_code)
    found["calls"] = stored(select(Call.conversation_id))
    found["shown"] = bool(portal.get("/o/acme-support/calls?q=c1").root.all("table"))
    portal.get(path).follow(f"Change AI… {NUMBER}").press("Turn AI off")
    found["left"] = len(acme.rows["numbers"])
    paths = client.get("/api/openapi.json").get_json()["paths"]
    found["openapi"] = "/api/webhook/acme/{organization_id}" in paths
report(**found)
"""
)


@pytest.mark.thorough(
    "test_only_providers_name_a_vendor",
    "test_webhook_is_set_up_by_a_save_and_follows_its_settings",
    "test_enable_and_disable_from_the_users_page",
)
def test_new_voice_ai_provider_is_included_everywhere(tmp_path):
    copy = ProjectCopy.at(tmp_path / "patchbay")
    copy.write("app/providers/acme.py", DECLARED)
    results = copy.run(SCRIPT)
    assert results["tested"] == [True]
    config = results["config"]
    assert config["aiVoiceProvider"] == "acme"
    assert (config["hasAcmeCredentials"], config["hasAcmeToolSecret"]) == (True, True)
    assert (config["hasApiKey"], config["hasToolSecret"]) == (True, False)

    assert (results["webhook"], results["reporting"]) == ("working", "webhooks-1")
    assert results["url"] == "https://voice.acme.example/api/webhook/acme/<id>"
    assert results["reported"] == [401, 200]
    assert (results["calls"], results["shown"], results["openapi"]) == (["c1"], True, True)

    (entry,) = config["phoneNumbers"]
    assert (entry["aiEnabled"], entry["aiAgentId"], entry["acmePhoneNumberId"]) == (True, "a1", "numbers-1")
    ((number, _, agent),) = results["numbers"]
    assert (number, agent) == (entry["phoneNumber"], "a1")
    assert results["left"] == 0
