"""What is said of an answer that cannot be used."""

from __future__ import annotations

from requests.structures import CaseInsensitiveDict

from app.core.outbound.answer import Answer
from app.provider import Outcome, answers, messages, unexpected

HTML = {"Content-Type": "text/html; charset=utf-8"}


def _answer(status, body=b"", headers=None):
    return Answer(status, CaseInsensitiveDict(headers or {}), body, "api.example.com")


def test_unexpected_describes_the_response_and_when_to_retry(subtests):
    for status, body, headers, said in [
        (200, b"<p>Hello", HTML, "returned a web page instead of data (HTTP 200)."),
        (401, b"\n <!DOCTYPE html>", {}, "returned a web page instead of data (HTTP 401)."),
        (404, b"<HTML>", {}, "returned a web page instead of data (HTTP 404)."),
        (200, b" ", HTML, "returned an empty response (HTTP 200)."),
        (200, b"<?xml", {}, "returned an unreadable response (HTTP 200)."),
        (200, b"[]", {}, "returned unexpected data (HTTP 200)."),
        (418, b"{}", {}, "returned an unknown error (HTTP 418)."),
    ]:
        with subtests.test(status=status, body=body, headers=headers, said=said):
            result = unexpected(_answer(status, body, headers))
            assert result.code == Outcome.UNEXPECTED_ANSWER
            assert result.reason == f"api.example.com {said} If this continues, check its status page."

    for after, limited, faulty in [
        ("", messages.IN_A_MINUTE, messages.LATER),
        ("60", messages.IN_A_MINUTE, messages.LATER),
        ("61", messages.in_about(2), messages.in_about(2)),
        ("3600", messages.in_about(60), messages.in_about(60)),
        ("9" * 400, messages.IN_A_MINUTE, messages.LATER),
        ("soon", messages.IN_A_MINUTE, messages.LATER),
    ]:
        with subtests.test(after=after, limited=limited, faulty=faulty):
            headers = {"retry-after": after}
            assert unexpected(_answer(429, headers=headers)).reason.endswith(f"Try again {limited}.")
            assert unexpected(_answer(503, headers=headers)).reason.endswith(f"Try again {faulty}.")


def test_is_unauthorized_ignores_web_pages(subtests):
    for status, body, refuses in [
        (401, b"", True),
        (401, b"no", True),
        (401, b"<html>", False),
        (403, b"", False),
    ]:
        with subtests.test(status=status, body=body, refuses=refuses):
            assert answers.is_unauthorized(_answer(status, body)) is refuses
