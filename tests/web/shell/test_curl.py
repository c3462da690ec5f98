"""Copy as curl: the commands that pages offer, as a shell reads them."""

from __future__ import annotations

import shlex

from flask import Flask

from tests.support.caller import Caller
from tests.support.cast import Cast, issue
from tests.support.full_organization import Furnished
from tests.support.pages import Portal


def test_commands_request_what_the_page_shows(app: Flask, cast: Cast, here: Furnished, dana: Portal) -> None:
    """Gus's token is of another organization, so the command has to name this one."""
    caller = Caller(app, issue(app, cast.gus).jwt)
    endpoint = f"/o/acme-support/endpoints/{here.ids['endpoint_id']}"
    methods = {}
    trace = "/o/acme-support/trace?number=%2B15551234567"
    for path in (endpoint, "/o/acme-support/providers/twilio", trace):
        for button in dana.get(path).root.all("button"):
            if button.get("data-copy", "").startswith("curl "):
                words = shlex.split(button["data-copy"])
                assert words[words.index("-H") + 1] == "Authorization: Bearer $TOKEN"
                methods[words[-1]] = words[words.index("-X") + 1] if "-X" in words else "GET"
    statuses = {
        url.partition("?")[0].rpartition("/")[2]: caller.call(method, url.removeprefix("https://localhost"))
        for url, method in methods.items()
    }
    assert statuses.keys() == {here.ids["endpoint_id"], "observe", "verify", "resolve"}
    assert {answer.status_code for answer in statuses.values()} <= {200, 409, 502, 503}
    assert statuses["resolve"].status_code == 200
    assert statuses[here.ids["endpoint_id"]].get_json()["id"] == here.ids["endpoint_id"]
