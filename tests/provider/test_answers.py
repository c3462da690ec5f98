"""What is said of an answer that cannot be used."""

from __future__ import annotations

from requests.structures import CaseInsensitiveDict

from app.core.outbound.answer import Answer
from app.provider import Outcome, answers, unexpected

HTML = {"Content-Type": "text/html; charset=utf-8"}


def _answer(status, body=b"", headers=None):
    return Answer(status, CaseInsensitiveDict(headers or {}), body, "api.example.com")


def test_unexpected_describes_the_response(subtests):
    for status, body, headers, said in [
        (200, b"<p>Hello", HTML, "answered with a web page instead of data (status 200)."),
        (401, b"\n <!DOCTYPE html>", {}, "answered with a web page instead of data (status 401)."),
        (404, b"<HTML>", {}, "answered with a web page instead of data (status 404)."),
        (200, b" ", HTML, "answered with nothing (status 200)."),
        (200, b"<?xml", {}, "answered with something that cannot be read (status 200)."),
        (200, b"[]", {}, "answered with other data than was asked for (status 200)."),
        (418, b"{}", {}, "answered with an error that Patchbay does not know (status 418)."),
    ]:
        with subtests.test(status=status, body=body, headers=headers, said=said):
            result = unexpected(_answer(status, body, headers))
            assert result.code == Outcome.UNEXPECTED_ANSWER
            assert result.reason == f"api.example.com {said} If this lasts, look at its status page."


def test_unexpected_says_when_to_retry(subtests):
    for after, limited, faulty in [
        ("", "in a minute", "later"),
        ("60", "in a minute", "later"),
        ("61", "in about 2 minutes", "in about 2 minutes"),
        ("3600", "in about 60 minutes", "in about 60 minutes"),
        ("9" * 400, "in a minute", "later"),
        ("soon", "in a minute", "later"),
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
