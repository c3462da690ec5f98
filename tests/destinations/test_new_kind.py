"""A new kind of destination is one file; in a copy of the project it is found everywhere."""

from __future__ import annotations

import pytest

from tests.support.project_copy import ProjectCopy

SECRET = "sample-token-of-the-pager"
DECLARED = """
from app.destination import Kind, accepted_status
from app.provider.fields import Secret, Text


class Pager(Kind):
    key = "pager"
    label = "Pager"
    target = "team"

    team = Text("Team", required=True)
    token = Secret("Token", required=True)

    def send(self, post, values, message):
        body = {"team": values["team"], "token": values["token"], "text": message.title}
        return accepted_status(post.http.send("POST", "https://receiver.example.com/page", json=body))
"""
SCRIPT = """
import os
from pathlib import Path

from app.services.notifications import destinations, inbox
from app.services.notifications.delivery import Sender
from app.destination import Post
from app.services.notifications import compose
from tests.support.full_organization import scope_as
from tests.support.project_copy import install, report
from tests.support.receivers import Receiver

SECRET = "sample-token-of-the-pager"
here, results = install(), {}
with Receiver() as receiver, scope_as(here.app, here.cast.dana) as scope:
    sender = Sender(Post(receiver.client()), compose.no_link)
    row = destinations.create(scope, {"kind": "pager", "team": "On call", "token": SECRET}).row
    results["document"] = destinations.document(row)
    results["sent"] = inbox.test(scope, sender, row.id).attempts[0].ok
    results["got"] = receiver.arrived[0].json
files = Path(os.environ["PATCHBAY_DATA"]).glob("patchbay.db*")
results["stored"] = any(SECRET.encode() in file.read_bytes() for file in files)
report(**results)
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    project = ProjectCopy.at(tmp_path_factory.mktemp("new_kind"))
    project.write("app/destinations/pager.py", DECLARED)
    return project.run(SCRIPT)


@pytest.mark.thorough(
    "test_fields_accept_what_can_be_reached", "test_load_broken_declaration_is_refused_by_name"
)
def test_new_kind_is_stored_sealed_and_sends(results):
    shown = {"kind": "pager", "team": "On call", "token_hint": "ager"}
    assert shown.items() <= results["document"].items()
    assert SECRET not in str(results["document"])
    assert results["sent"]
    assert results["got"] == {"team": "On call", "token": SECRET, "text": results["got"]["text"]}
    assert not results["stored"]
