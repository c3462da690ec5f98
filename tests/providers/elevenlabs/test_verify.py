from __future__ import annotations

from app.provider import Outcome
from app.providers.elevenlabs import messages
from app.providers.elevenlabs.api import HOSTS
from simulators.base import CANARY, PLAIN, Reply
from simulators.elevenlabs import error

KEY = "elevenlabs"


def test_verify_reads_everything_that_is_used_at_its_host_only(upstream, verify):
    assert verify().code == Outcome.OK
    assert [request.path for request in upstream.requests] == [
        "/v1/user",
        "/v1/convai/agents",
        "/v1/convai/phone-numbers",
        "/v1/workspace/webhooks",
        "/v1/convai/settings",
    ]

    upstream.reset()
    wrong = []
    for host in HOSTS:
        upstream.region = host
        for chosen in (None, *(f"https://{host}" for host in HOSTS)):
            upstream.requests.clear()
            code = verify(api_base=chosen).code
            is_right = (chosen or f"https://{HOSTS[0]}") == f"https://{host}"
            called = {request.host for request in upstream.requests}
            if (code == Outcome.OK) is not is_right or called != {
                (chosen or HOSTS[0]).removeprefix("https://")
            }:
                wrong.append((host, chosen, code))
    assert wrong == []


def test_verify_names_a_wrong_key_and_the_rights_that_one_lacks(upstream, verify, subtests):
    wrong = []
    for permissions, code, words in [
        (
            {"user_read"},
            Outcome.NO_PERMISSION,
            [messages.READ_AGENTS, messages.READ_NUMBERS, "webhooks", "settings"],
        ),
        ({"user_read", "convai_read"}, Outcome.LIMITED, ["webhooks", "settings"]),
        ({"user_read", "workspace"}, Outcome.NO_PERMISSION, [messages.READ_AGENTS, messages.READ_NUMBERS]),
        (set(), Outcome.NO_PERMISSION, [messages.READ_AGENTS]),
        ({"convai_read", "workspace"}, Outcome.OK, ["restricted"]),
    ]:
        upstream.permissions = permissions
        result = verify()
        if result.code != code or not all(word in result.reason for word in words):
            wrong.append((permissions, result))
    assert wrong == []

    upstream.reset()
    for is_newer in [False, True]:
        with subtests.test(is_newer=is_newer):
            upstream.reset()
            upstream.is_newer = is_newer
            assert verify(api_key="sample-and-wrong").code == Outcome.BAD_CREDENTIALS
            upstream.permissions = {"convai_read", "workspace"}
            restricted = verify()
            assert restricted.code == Outcome.OK
            assert "restricted" in restricted.reason
            upstream.permissions = set()
            assert verify().code == Outcome.NO_PERMISSION


def test_verify_maps_other_refusals(upstream, verify, subtests):
    for refusal, code in [
        (error(401, "quota_exceeded"), Outcome.NO_CREDIT),
        (error(400, "quota_exceeded"), Outcome.NO_CREDIT),
        (error(401, "needs_authorization"), Outcome.BAD_CREDENTIALS),
        (error(401, "detected_unusual_activity"), Outcome.SUSPENDED),
        (Reply(401, "", PLAIN), Outcome.BAD_CREDENTIALS),
        (Reply(401, "Unauthorized", PLAIN), Outcome.BAD_CREDENTIALS),
        (Reply(402, {"detail": CANARY}), Outcome.NO_CREDIT),
        (Reply(403, {"detail": CANARY}), Outcome.NO_PERMISSION),
        (error(429, "too_many_concurrent_requests"), Outcome.RATE_LIMITED),
        (error(429, "system_busy"), Outcome.RATE_LIMITED),
        (error(401, "something_new"), Outcome.UNEXPECTED_ANSWER),
        (Reply(401, {"detail": {"type": "authentication_error"}}), Outcome.BAD_CREDENTIALS),
        (Reply(422, {"detail": [{"loc": [], "msg": CANARY, "type": "x"}]}), Outcome.UNEXPECTED_ANSWER),
        (Reply(401, {"detail": CANARY}), Outcome.BAD_CREDENTIALS),
        (Reply(200, {"detail": {"status": "invalid_api_key"}}), Outcome.UNEXPECTED_ANSWER),
    ]:
        with subtests.test(refusal=refusal, code=code):
            upstream.reset()
            upstream.refusal = refusal
            assert verify().code == code
