"""The verdict on a response to a webhook test."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.core.outbound.answer import Answer, OutboundError
from app.provider import CallsWebhooks
from app.provider.webhooks import Effect, Instructions, Signing, Unreadable, WebhookRules

SLOW_FROM = 1 / 3
"""The fraction of the provider's limit from which a response is slow: it works, but may not under load."""

REFUSALS = (400, 401, 403)


class WebhookVerdict(StrEnum):
    """The verdicts. Each line gives the code, and whether the webhook is ok."""

    is_ok: bool

    def __new__(cls, value: str, is_ok: bool = False) -> WebhookVerdict:
        self = str.__new__(cls, value)
        self._value_, self.is_ok = value, is_ok
        return self

    REFUSED = "refused", True
    CONNECTS = "connects", True
    CONNECTS_SLOWLY = "connects_slowly", True
    RESPONDS = "responds", True
    """The runtime responds. Nothing more can be tested if the provider does not sign."""
    OPEN = "open"
    NOT_REFUSED = "not_refused"
    SIGNATURE_REFUSED = "signature_refused"
    HTTPS_UNSEEN = "https_unseen"
    ENCODING_MISREAD = "encoding_misread"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    WRONG_METHOD = "wrong_method"
    RATE_LIMITED = "rate_limited"
    SERVER_ERROR = "server_error"
    UNEXPECTED_STATUS = "unexpected_status"
    EMPTY = "empty"
    HTML = "html"
    WRONG_CONTENT_TYPE = "wrong_content_type"
    UNREADABLE = "unreadable"
    OTHER_ROOT = "other_root"
    REJECTS = "rejects"
    DOES_NOT_CONNECT = "does_not_connect"
    BAD_STREAM = "bad_stream"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    REDIRECTS = "redirects"
    CERTIFICATE = "certificate"
    PRIVATE_ADDRESS = "private_address"
    UNKNOWN_HOST = "unknown_host"
    NO_CONNECTION = "no_connection"

    @property
    def is_unreached(self) -> bool:
        """Whether a request with another signature would end in the same way."""
        return self in UNREACHED


UNREACHED = frozenset(
    {
        WebhookVerdict.CERTIFICATE,
        WebhookVerdict.PRIVATE_ADDRESS,
        WebhookVerdict.UNKNOWN_HOST,
        WebhookVerdict.NO_CONNECTION,
        WebhookVerdict.TOO_SLOW,
    }
)
_OF_ERRORS = {
    "timeout": WebhookVerdict.TOO_SLOW,
    "too_large": WebhookVerdict.TOO_LARGE,
    "redirect": WebhookVerdict.REDIRECTS,
    "tls": WebhookVerdict.CERTIFICATE,
    "dns": WebhookVerdict.UNKNOWN_HOST,
    "refused_address": WebhookVerdict.PRIVATE_ADDRESS,
    "connect": WebhookVerdict.NO_CONNECTION,
}
_OF_STATUSES = {
    404: WebhookVerdict.NOT_FOUND,
    405: WebhookVerdict.WRONG_METHOD,
    410: WebhookVerdict.NOT_FOUND,
    429: WebhookVerdict.RATE_LIMITED,
}


@dataclass(frozen=True)
class Received:
    """The response to one request, or the error, and how long it took."""

    outcome: Answer | OutboundError = field(repr=False)
    latency_ms: int

    @property
    def status(self) -> int | None:
        return self.outcome.status if isinstance(self.outcome, Answer) else None

    @property
    def media(self) -> str:
        """The content type of a response, without parameters."""
        if not isinstance(self.outcome, Answer):
            return ""
        return self.outcome.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def body(self) -> bytes:
        return self.outcome.body if isinstance(self.outcome, Answer) else b""


@dataclass(frozen=True)
class ResponseVerdict:
    """The verdict, and the names of the response's root and first verbs, if it could be read."""

    verdict: WebhookVerdict
    root: str = ""
    verbs: tuple[str, ...] = ()


def judge(
    provider: CallsWebhooks, signing: Signing, received: Received, *, has_ended: bool
) -> ResponseVerdict:
    """Returns the verdict on one response. `has_ended`: the request was about a call that is over."""
    rules = provider.webhook_rules
    failure = _failure(rules, received)
    if failure:
        return ResponseVerdict(failure)
    if rules.is_signed and signing is not Signing.SIGNED:
        return _judge_unwanted(provider, received)
    if (verdict := _status(rules, received.status)) or not (rules.is_signed or not has_ended):
        return ResponseVerdict(verdict or WebhookVerdict.RESPONDS)
    return _judge_call(provider, received)


def _failure(rules: WebhookRules, received: Received) -> WebhookVerdict | None:
    if not isinstance(received.outcome, OutboundError):
        return None
    if received.outcome.code == "redirect" and rules.takes_redirects:
        return WebhookVerdict.RESPONDS
    return _OF_ERRORS[received.outcome.code]


def _status(rules: WebhookRules, status: int | None) -> WebhookVerdict | None:
    """Returns the verdict on a status; None if the status is ok."""
    if status is None or 200 <= status < 300:
        return None
    if status in (401, 403):
        return WebhookVerdict.SIGNATURE_REFUSED if rules.is_signed else WebhookVerdict.FORBIDDEN
    if status >= 500:
        return WebhookVerdict.SERVER_ERROR
    return _OF_STATUSES.get(status, WebhookVerdict.UNEXPECTED_STATUS)


def _judge_unwanted(provider: CallsWebhooks, received: Received) -> ResponseVerdict:
    """Returns the verdict on the response to a request that the provider cannot have sent."""
    if received.status in REFUSALS:
        return ResponseVerdict(WebhookVerdict.REFUSED)
    if verdict := _status(provider.webhook_rules, received.status):
        return ResponseVerdict(verdict)
    if _is_web_page(received):
        return ResponseVerdict(WebhookVerdict.HTML)
    instructions = _read(provider, received)
    if isinstance(instructions, ResponseVerdict):
        return ResponseVerdict(WebhookVerdict.NOT_REFUSED, instructions.root)
    verdicts = {Effect.CONNECTS: WebhookVerdict.OPEN, Effect.REJECTS: WebhookVerdict.REFUSED}
    return ResponseVerdict(
        verdicts.get(instructions.effect, WebhookVerdict.NOT_REFUSED), instructions.root, instructions.verbs
    )


def _judge_call(provider: CallsWebhooks, received: Received) -> ResponseVerdict:
    """Returns the verdict on the response to a request as the provider sends it."""
    rules = provider.webhook_rules
    if _is_web_page(received):
        return ResponseVerdict(WebhookVerdict.HTML)
    if rules.media and not received.body.strip():
        return ResponseVerdict(WebhookVerdict.EMPTY)
    if rules.media and received.media not in rules.media:
        return ResponseVerdict(WebhookVerdict.WRONG_CONTENT_TYPE)
    instructions = _read(provider, received)
    if isinstance(instructions, ResponseVerdict):
        return instructions if rules.media else ResponseVerdict(WebhookVerdict.RESPONDS)
    return ResponseVerdict(_effect(rules, instructions, received), instructions.root, instructions.verbs)


def _effect(rules: WebhookRules, instructions: Instructions, received: Received) -> WebhookVerdict:
    if received.latency_ms > rules.limit_seconds * 1000:
        return WebhookVerdict.TOO_SLOW
    if instructions.effect is not Effect.CONNECTS:
        is_rejection = instructions.effect is Effect.REJECTS
        return WebhookVerdict.REJECTS if is_rejection else WebhookVerdict.DOES_NOT_CONNECT
    if instructions.has_bad_stream:
        return WebhookVerdict.BAD_STREAM
    is_slow = received.latency_ms > rules.limit_seconds * 1000 * SLOW_FROM
    return WebhookVerdict.CONNECTS_SLOWLY if is_slow else WebhookVerdict.CONNECTS


def _read(provider: CallsWebhooks, received: Received) -> Instructions | ResponseVerdict:
    try:
        return provider.instructions(received.body)
    except Unreadable as error:
        verdict = WebhookVerdict.OTHER_ROOT if error.root else WebhookVerdict.UNREADABLE
        return ResponseVerdict(verdict, error.root)


def _is_web_page(received: Received) -> bool:
    """Whether the body is an HTML page.

    The content type is not used: instructions for a call may have the same one.
    """
    start = received.body.lstrip()[:14].lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))
