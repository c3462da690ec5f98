"""What each kind of destination sends, read by what others use to read it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app import destinations
from app.core.outbound.mail import Mailer, MailServer
from app.destination import Message, NotSent, Post, Tone
from app.destinations import KINDS
from app.provider import DeclarationError
from simulators.mail import MailCatcher
from simulators.site import Reply
from tests.support.receivers import URL, Receiver

HOSTILE = "Line one\r\nBcc: everybody@example.com <!channel> <https://evil.example|here> & *bold* <b>x</b>"
SLACK = "https://hooks.slack.com/services/T0SAMPLE/B0SAMPLE/sampleSampleSampleSample"
AT = datetime.fromisoformat("2026-03-18T10:00")
MESSAGE = Message(
    id="00000000-0000-4000-8000-000000000001",
    event="number.unhealthy",
    tone=Tone.PROBLEM,
    at=AT,
    title="400 numbers at Twilio are unhealthy.",
    details=("Twilio is configured with a different webhook URL.",),
    organization=("o-1", "Acme Support"),
    subjects=tuple(f"+1555123{number:04}" for number in range(400)),
    count=400,
    reason="different_url",
    since=AT,
    url="https://patchbay.example.com/o/acme/endpoints",
)


def test_webhook_is_verified_by_the_reference_library():
    kind = KINDS["webhook"]
    new, old = kind.generate(), kind.generate()
    values = {"url": URL, "signing_secret": new, "previous_signing_secret": old}
    with Receiver() as receiver:
        assert kind.send(Post(receiver.client()), values, MESSAGE) == 204
        (got,) = receiver.arrived
    assert (got.path, got.query) == ("/hooks", {"team": "1"})
    assert got.headers["webhook-id"] == MESSAGE.id
    for secret in (new, old):
        assert Webhook(secret).verify(got.body, dict(got.headers)) == MESSAGE.document()
    for secret, body in ((kind.generate(), got.body), (new, got.body.replace(b"400", b"401"))):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, dict(got.headers))
    assert got.json["data"]["organization"] == {"id": "o-1", "name": "Acme Support"}
    assert (got.json["data"]["count"], len(got.json["data"]["subjects"])) == (400, 400)
    assert got.json["data"]["since"] == "2026-03-18T10:00:00Z"

    kind = KINDS["webhook"]
    with Receiver() as receiver:
        kind.send(Post(receiver.client()), {"url": URL, "signing_secret": kind.generate()}, MESSAGE)
        assert len(receiver.arrived[0].headers["webhook-signature"].split(" ")) == 1


def test_slack_text_has_no_mention_and_a_refusal_says_why_and_when():
    hostile = replace(MESSAGE, title=HOSTILE, details=(HOSTILE,), organization=("o-1", HOSTILE))
    with Receiver() as receiver:
        receiver.status, receiver.text = 200, "ok"
        client = receiver.client("hooks.slack.com")
        assert KINDS["slack"].send(Post(client), {"url": SLACK}, hostile) == 200
        payload = receiver.arrived[0].json
    texts = [payload["text"]]
    for block in payload["blocks"]:
        texts += [part["text"] for part in block.get("elements", [block.get("text")])]
    links = [text for text in texts if "<" in text]
    assert links == ["<https://patchbay.example.com/o/acme/endpoints|Open in Patchbay>"]
    assert all("&lt;!channel&gt;" in text for text in texts if text not in links)
    assert "\n" not in payload["text"]

    with Receiver() as receiver:
        receiver.status, receiver.text = 404, "channel_not_found"
        with pytest.raises(NotSent) as refused:
            KINDS["slack"].send(Post(receiver.client("hooks.slack.com")), {"url": SLACK}, MESSAGE)
    assert refused.value.status == 404
    assert "channel_not_found" in refused.value.message

    with Receiver() as receiver:
        receiver.answers = lambda _request: Reply(429, "rate_limited", {"Retry-After": "30"})
        with pytest.raises(NotSent) as refused:
            KINDS["slack"].send(Post(receiver.client("hooks.slack.com")), {"url": SLACK}, MESSAGE)
    assert (refused.value.status, refused.value.retry_after) == (429, 30)
    assert "rate_limited" in refused.value.message


def test_mail_is_plain_and_html_and_takes_no_header():
    hostile = replace(MESSAGE, title=HOSTILE, organization=("o-1", HOSTILE))
    with Receiver() as receiver, MailCatcher() as catcher:
        mailer = Mailer(MailServer("127.0.0.1", catcher.smtp_port, False, "", ""), "patchbay@example.com")
        for message in (MESSAGE, hostile):
            KINDS["email"].send(Post(receiver.client(), mailer), {"address": "team@example.com"}, message)
        mails = catcher.wait_for(2)
    plain, attacked = (mail.message for mail in mails)
    assert plain["Subject"] == "Acme Support: 400 numbers at Twilio are unhealthy."
    assert plain["Message-ID"] == f"<{MESSAGE.id}@example.com>"
    assert (plain["To"], plain["Auto-Submitted"]) == ("team@example.com", "auto-generated")
    parts: list[Any] = list(plain.walk())
    kinds = [part.get_content_type() for part in parts]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    assert all(MESSAGE.url in part.get_content() for part in parts[1:])
    assert attacked.keys() == plain.keys()
    assert "Bcc: everybody" in attacked["Subject"]
    attacked_parts: list[Any] = list(attacked.walk())
    html = attacked_parts[2].get_content()
    assert "<b>" not in html
    assert "&lt;b&gt;" in html
    assert [mail.envelope.recipients for mail in mails] == [("team@example.com",)] * 2

    with Receiver() as receiver, pytest.raises(NotSent) as refused:
        KINDS["email"].send(Post(receiver.client()), {"address": "team@example.com"}, MESSAGE)
    assert "PATCHBAY_SMTP_URL" in refused.value.message


def test_digest_and_other_messages_are_json():
    items = (replace(MESSAGE, title="One."), replace(MESSAGE, title="Two."))
    digest = replace(MESSAGE, event="notification.digest", title="2 messages.", items=items, subjects=())
    assert [item["type"] for item in digest.document()["data"]["items"]] == ["number.unhealthy"] * 2
    assert digest.lines[:2] == ["One.", "Two."]
    of_installation = replace(digest, organization=None)
    assert of_installation.lines[:2] == ["Acme Support: One.", "Acme Support: Two."]

    assert json.loads(json.dumps(MESSAGE.document())) == MESSAGE.document()


FIELDS = {
    "webhook": ("url", {
        "https://hooks.example.com/a?b=1": True,
        "http://hooks.example.com/": False,
        "https://10.0.0.1/": False,
        "https://127.0.0.1/": False,
        "https://[::1]/": False,
        "https://169.254.169.254/latest": False,
        "https://localhost/": False,
        "https://printer.local/": False,
        "https://user:word@hooks.example.com/": False,
        "https://hooks.example.com/a\r\nX: y": False,
        "hooks.example.com": False,
        "": False,
    }),
    "slack": ("url", {
        SLACK: True,
        "https://hooks.slack.com.evil.example/services/T0/B0/x": False,
        "https://slack.com/services/T0/B0/x": False,
        "http://hooks.slack.com/services/T0/B0/x": False,
        "https://hooks.slack.com/services/T0/B0/••••": False,
        "": False,
    }),
    "email": ("address", {
        "team@example.com": True,
        "a.b+c@mail.example.co.uk": True,
        "team": False,
        "team@localhost": False,
        "a@example.com, b@example.com": False,
        "Team <team@example.com>": False,
        "team@example.com\r\nBcc: x@example.com": False,
        '"a b"@example.com': False,
        "": False,
    }),
}  # fmt: skip


def test_fields_accept_what_can_be_reached():
    wrong = []
    for key, (name, cases) in FIELDS.items():
        (field,) = [field for field in KINDS[key].fields if field.name == name]
        for value, is_right in cases.items():
            try:
                field.check(value, None)
                refusal = ""
            except ValueError as error:
                refusal = str(error)
            if bool(refusal) is is_right or (refusal and not refusal.endswith(".")):
                wrong.append((key, value))
    assert wrong == []


FOURTH = """
from app.destination import Kind, accepted_status
from app.provider.fields import Secret


class Pager(Kind):
    key = "pager"
    label = "Pager"

    token = Secret("Token", required=True)

    def send(self, post, values, message):
        response = post.http.send("POST", "https://pager.example.com/", json={"text": message.title})
        return accepted_status(response)
"""
BROKEN = {
    "does not load": "import no_such_module",
    "declares none": "x = 1",
    "has no label": FOURTH.replace("label =", "labl ="),
    "has another's key": FOURTH.replace('key = "pager"', 'key = "other"'),
}


def test_load_broken_declaration_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    wrong = []
    for place, (case, content) in enumerate(BROKEN.items()):
        package = ModuleType(f"sample_destinations_{place}")
        folder = tmp_path / package.__name__
        folder.mkdir()
        (folder / "pager.py").write_text(content)
        (folder / "other.py").write_text(FOURTH.replace('"pager"', '"other"'))
        package.__path__ = [str(folder)]
        monkeypatch.setitem(sys.modules, package.__name__, package)
        try:
            destinations.load(package)
            wrong.append(case)
        except DeclarationError as error:
            if f"{package.__name__}.pager" not in str(error):
                wrong.append(f"{case}: {error}")
    assert wrong == []
