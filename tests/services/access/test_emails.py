"""Email addresses: each problem has its own message."""

from __future__ import annotations

from app.services.access import emails, messages

PROBLEMS = {
    "": messages.EMAIL,
    "ana": messages.EMAIL_WITHOUT_AT,
    "ana.example": messages.EMAIL_WITHOUT_AT,
    "ana@": messages.EMAIL_WITHOUT_DOMAIN,
    "@": messages.EMAIL_WITHOUT_NAME,
    "@acme.example": messages.EMAIL_WITHOUT_NAME,
    "ana lopez@acme.example": messages.EMAIL_HAS_SPACES,
    "ana@acme. example": messages.EMAIL_HAS_SPACES,
    "ana\u2003@acme.example": messages.EMAIL_HAS_SPACES,
    "ana@@acme.example": messages.EMAIL_WITH_MANY_AT,
    "ana@acme@example.com": messages.EMAIL_WITH_MANY_AT,
    "ana@acme": messages.EMAIL_WITHOUT_DOT,
    "ana@.example": messages.EMAIL_WITH_EMPTY_LABEL,
    "ana@acme..example": messages.EMAIL_WITH_EMPTY_LABEL,
    "ana@acme.example.": messages.EMAIL_WITH_EMPTY_LABEL,
    "ana\x00@acme.example": messages.EMAIL,
    "a" * 65 + "@acme.example": messages.email_too_long(254, 64),
    "ana@" + "a" * 250 + ".example": messages.email_too_long(254, 64),
}


GOOD = ("ana@acme.example", "a" * 64 + "@acme.example", "ana.b+c@mail.acme.example")


def test_problem_of_names_the_wrong_part() -> None:
    assert {email: emails.problem_of(email) for email in PROBLEMS} == PROBLEMS
    assert [email for email in GOOD if emails.problem_of(email)] == []
