"""Tags: what was read need not be sent again, and what is stale is not overwritten."""

from __future__ import annotations

from typing import Any

from flask import Flask

from tests.support import contract
from tests.support.caller import Caller
from tests.support.cast import Cast
from tests.support.rows import unchanged

TELEPHONY = "/api/settings/telephony"
ENDPOINTS = "/api/settings/endpoints"
CONFIG = "/api/calls/providers/config"
VOICE_AI = "/api/calls/voice-ai/config"
READS = [
    "/api/calls/providers",
    CONFIG,
    VOICE_AI,
    TELEPHONY,
    ENDPOINTS,
    f"{ENDPOINTS}?limit=10",
    f"{ENDPOINTS}/resolve?phone_number=%2B919876543210",
    "/api/organizations",
    "/api/organizations/{acme}",
    "/api/organizations/{acme}/users",
    "/api/organizations/{acme}/users/{mo}",
    "/api/organizations/{acme}/phone-numbers",
    "/api/organizations/{acme}/audit",
    "/api/openapi.json",
]


def _change_everything(dana: Caller, cast: Cast) -> None:
    dana.put(TELEPHONY, contract.TELEPHONY_EXAMPLES["exotel"])
    dana.post(CONFIG, contract.VOICE_CONFIG_EXAMPLE)
    dana.post("/api/calls/providers/active", {"provider": "sinch"})
    dana.post(VOICE_AI, contract.VOICE_AI_EXAMPLE)
    dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE)
    body = {"userId": cast.mo.id, "provider": "sinch", "phoneNumber": "+14165550100"}
    dana.post(f"/api/organizations/{cast.acme}/phone-numbers", body)
    dana.put(f"/api/organizations/{cast.acme}", {"name": "Acme Support Ltd"})


def test_get_with_current_etag_is_304_until_a_change(dana: Caller, cast: Cast, thorough: bool) -> None:
    """A list has a tag for each query. `Caller` checks that both headers of a 304 are declared.

    Every way to send a tag is tried at a document and at a list; thorough, at each.
    """
    paths = [path.format(acme=cast.acme, mo=cast.mo.id) for path in READS]
    tags = {path: dana.get(path).headers["ETag"] for path in paths}
    wrong = []
    for path, tag in tags.items():
        is_whole = thorough or path in (TELEPHONY, ENDPOINTS)
        for condition in (tag, f'"other", {tag}', f"W/{tag}", "*")[: 4 if is_whole else 1]:
            answer = dana.get(path, headers={"If-None-Match": condition})
            head = dana.call("HEAD", path, headers={"If-None-Match": condition})
            if (answer.status_code, answer.headers["ETag"], head.status_code) != (304, tag, 304):
                wrong.append((path, condition))
        for header in ({"If-None-Match": '"other"'}, {"If-Match": '"stale"'}) if is_whole else ():
            if dana.get(path, headers=header).status_code != 200:
                wrong.append((path, str(header)))
    _change_everything(dana, cast)
    del tags["/api/openapi.json"]
    for path, tag in tags.items():
        answer = dana.get(path, headers={"If-None-Match": tag})
        if answer.status_code != 200 or answer.headers["ETag"] == tag:
            wrong.append((path, "after a change"))
    assert wrong == []

    for query in ("", "?q=x", "?provider=exotel", "?limit=10"):
        tag = dana.get(ENDPOINTS + query).headers["ETag"]
        other = dana.get(f"{ENDPOINTS}?q=unknown", headers={"If-None-Match": tag})
        assert (other.status_code, other.json) == (200, []), query
    path = f"/api/organizations/{cast.acme}/users?limit=1"
    page = dana.get(path)
    again = dana.get(path, headers={"If-None-Match": page.headers["ETag"]})
    assert (again.status_code, again.headers["Link"]) == (304, page.headers["Link"])


SAVES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("PUT", TELEPHONY, contract.TELEPHONY_EXAMPLES["twilio"], {"twilio_max_concurrent": 11}),
    ("POST", CONFIG, contract.VOICE_CONFIG_EXAMPLE, {"provider": "sinch", "isEnabled": False}),
    ("POST", VOICE_AI, contract.VOICE_AI_EXAMPLE, {"sinchEstTrunkId": "another"}),
]


def test_save_with_stale_etag_is_412(app: Flask, dana: Caller) -> None:
    """A save returns the tag of the next read."""
    for method, path, first, second in SAVES:
        stale = dana.get(path).headers["ETag"]
        saved = dana.call(method, path, json=first, headers={"If-Match": stale})
        assert saved.status_code == 200, path
        fresh = dana.get(path).headers["ETag"]
        assert saved.headers.get("ETag", fresh) == fresh, path
        with unchanged(app):
            for tag in (stale, '"nonsense"', '"' + "9" * 5000 + '"', "W/" + stale):
                answer = dana.call(method, path, json=second, headers={"If-Match": tag})
                assert (answer.status_code, answer.get_json()["code"]) == (412, "STALE"), (path, tag)
        assert dana.call(method, path, json=second, headers={"If-Match": fresh}).status_code == 200, path
    assert "ETag" in dana.put(TELEPHONY, {}).headers

    for place, (method, path, body) in enumerate(
        (
            ("POST", "/api/calls/providers/active", {"provider": "sinch"}),
            ("DELETE", f"{CONFIG}/sinch", None),
        )
    ):
        conditions = {"If-Match": dana.get(CONFIG).headers["ETag"]}
        dana.post(CONFIG, contract.VOICE_CONFIG_EXAMPLE | {"phoneNumber": f"+1416555010{place}"})
        with unchanged(app):
            assert dana.call(method, path, json=body, headers=conditions).status_code == 412, path
        conditions = {"If-Match": dana.get(CONFIG).headers["ETag"]}
        assert dana.call(method, path, json=body, headers=conditions).status_code == 200, path


CONDITIONS = [
    ("If-Match", '"9"', 412),
    ("If-Match", '""', 412),
    ("If-Match", "", 412),
    ("If-Match", ",", 412),
    ("If-Match", '"*"', 412),
    ("If-Match", "W/{tag}", 412),
    ("If-Match", '"9", W/{tag}', 412),
    ("If-Match", '"9", "8"', 412),
    ("If-Match", "{tag}", 200),
    ("If-Match", '"9", {tag}', 200),
    ("If-Match", '{tag}, "9"', 200),
    ("If-Match", 'W/"9",{tag} ,', 200),
    ("If-Match", "*", 200),
    ("If-Match", ", {tag}, ,", 200),
    ("If-Match", "{bare}", 400),
    ("If-Match", '"9", {bare}', 400),
    ("If-Match", "W/{bare}", 400),
    ("If-Match", '"{bare}', 400),
    ("If-Match", "{tag} {tag}", 400),
    ("If-Match", "{tag}, *", 400),
    ("If-Match", "*, *", 400),
    ("If-None-Match", "*", 412),
    ("If-None-Match", "W/{tag}", 412),
    ("If-None-Match", '"9", {tag}', 412),
    ("If-None-Match", '"9"', 200),
    ("If-None-Match", '""', 200),
]


def test_conditions_are_those_of_rfc_9110(app: Flask, dana: Caller, *, thorough: bool) -> None:
    """For a document, whose tag is a digest; some, thorough all, for a row, whose tag is a version too."""
    endpoint = f"{ENDPOINTS}/{dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE).get_json()['id']}"
    dana.put(TELEPHONY, contract.TELEPHONY_EXAMPLES["twilio"])
    few = [CONDITIONS[place] for place in (0, 8, 12, 14, 21, 23)]
    wrong = []
    for method, path, read, body, conditions in [
        ("PUT", TELEPHONY, TELEPHONY, {}, CONDITIONS),
        ("PUT", endpoint, None, {}, CONDITIONS if thorough else CONDITIONS[::2]),
        ("POST", CONFIG, CONFIG, {"provider": "sinch"}, few),
        ("POST", "/api/calls/providers/active", CONFIG, {"provider": None}, few),
        ("POST", VOICE_AI, VOICE_AI, {}, few),
    ]:
        for header, value, status in conditions:
            tag = (dana.get(read) if read else dana.put(endpoint, {})).headers["ETag"]
            answer = dana.call(
                method, path, json=body, headers={header: value.format(tag=tag, bare=tag.strip('"'))}
            )
            if answer.status_code != status:
                wrong.append((path, header, value, answer.status_code))
    assert wrong == []


def test_endpoint_with_stale_etag_is_412_as_after_a_change_of_its_url(app: Flask, dana: Caller) -> None:
    """The webhook URL is made of the organization's base URL, and the version is of the row alone."""
    for method in ("DELETE", "PUT"):
        response = dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE)
        path = f"{ENDPOINTS}/{response.get_json()['id']}"
        stale = response.headers["ETag"]
        changed = dana.put(path, {"label": "new"}, headers={"If-Match": stale})
        assert changed.status_code == 200
        fresh = changed.headers["ETag"]
        assert fresh != stale
        with unchanged(app):
            for tag in (stale, '"0"', '"-1"', '"x"', '"' + "9" * 5000 + '"', '"٣"', '"1.0"'):
                answer = dana.call(method, path, json={"label": "x"}, headers={"If-Match": tag})
                assert answer.status_code == 412, (method, tag)
        done = dana.call(method, path, json={"label": "x"}, headers={"If-Match": fresh})
        assert done.status_code in (200, 204)

    dana.delete(path)
    response = dana.post(ENDPOINTS, contract.ENDPOINT_EXAMPLE)
    path = f"{ENDPOINTS}/{response.get_json()['id']}"
    old = dana.get(path).headers["ETag"]
    assert old == response.headers["ETag"]
    dana.put(TELEPHONY, {"public_base_url": "https://voice.example.com"})
    answer = dana.get(path, headers={"If-None-Match": old})
    assert (answer.status_code, answer.get_json()["version"]) == (200, 1)
    for tag in (old, '"1"'):
        is_first = tag == old
        headers = {"If-Match": tag if is_first else f'"{dana.get(path).get_json()["version"]}"'}
        assert dana.put(path, {"label": tag}, headers=headers).status_code == 200
    with unchanged(app):
        for tag in (old, '"1"', '"1-000000000000"'):
            assert dana.put(path, {"label": "x"}, headers={"If-Match": tag}).status_code == 412
