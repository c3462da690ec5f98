"""Sentences about webhook tests. They never repeat text of a runtime's response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core import texts
from app.services.webhook_tests.verdicts import WebhookVerdict as Verdict

NO_BASE_URL = "No webhook URL to test: the organization has no public base URL."
NO_AGENT = "No webhook URL to test: the endpoint has no inbound agent."
NO_CALLBACK = "No callback URL to test: none was set from Patchbay."
NO_NUMBER = "No number to test with: assign one to a user, or enter the default phone number."
RUNNING = "A test of this webhook is running. Try again when it has ended."
NOT_TESTED = "Not tested yet."
TESTING = "Testing webhooks"
WAITING = "Waiting for the rate limit of tests"
SIGNED = "Also as the provider calls it: starts an agent, unless the runtime knows the mark."
REFUSES_ONLY = "Whether it answers real calls was not tested."


def cannot_test(label: str) -> str:
    return f"Webhooks of {label} cannot be tested."


def response(status: int | None, latency_ms: int) -> str:
    return f"HTTP {status} in {latency_ms:,} ms" if status else "No response"


@dataclass(frozen=True)
class Facts:
    """The values in the sentence about a response."""

    label: str
    limit_ms: int
    most_bytes: int
    status: int | None
    latency_ms: int
    root: str
    verbs: Sequence[str]

    @property
    def status_text(self) -> str:
        return f"HTTP {self.status}" if self.status else "no status"

    @property
    def document(self) -> str:
        return f"{self.root}: {', '.join(self.verbs)}" if self.verbs else self.root

    @property
    def how(self) -> str:
        return f"{self.status_text}, {self.document}" if self.root else self.status_text

    @property
    def seconds(self) -> str:
        return texts.count_of(self.limit_ms // 1000, "second")


_SENTENCES = {
    Verdict.REFUSED: "Refused, as it should be ({0.how}).",
    Verdict.CONNECTS: "Answers in {0.latency_ms:,} ms with {0.document}.",
    Verdict.CONNECTS_SLOWLY: (
        "Answers with {0.document}, but takes {0.latency_ms:,} of the {0.limit_ms:,} ms that {0.label} waits."
    ),
    Verdict.RESPONDS: (
        "Responds in {0.latency_ms:,} ms. {0.label} signs no requests, so anyone can send the same one."
    ),
    Verdict.OPEN: (
        "Anyone can start this agent: the runtime answers with {0.document}, although {0.label} did not sign "
        "the request. Make it verify the signature, and refuse others with HTTP 403."
    ),
    Verdict.NOT_REFUSED: (
        "Accepts a request that {0.label} did not sign ({0.how}), although it connects no call. Make it "
        "verify the signature, and refuse others with HTTP 403."
    ),
    Verdict.SIGNATURE_REFUSED: (
        "Refuses the right signature ({0.status_text}). Compare the credentials that the runtime verifies "
        "with. The URL that it verifies has to be the webhook URL, byte for byte."
    ),
    Verdict.HTTPS_UNSEEN: (
        "Refuses the right signature ({0.status_text}): the runtime takes its own URL for http://. Behind a "
        "proxy, it has to read X-Forwarded-Proto, or to verify with its public URL."
    ),
    Verdict.ENCODING_MISREAD: (
        "Refuses the right signature ({0.status_text}): the runtime decodes its URL first. {0.label} signs "
        "the agent's name percent-encoded, as it is in the webhook URL."
    ),
    Verdict.FORBIDDEN: (
        "Refuses the request ({0.status_text}). {0.label} sends no signature and no password, so the runtime "
        "must not require any."
    ),
    Verdict.NOT_FOUND: (
        "The runtime has nothing at this URL ({0.status_text}). Check the URL, and the agent's name if it "
        "ends with one."
    ),
    Verdict.WRONG_METHOD: "The runtime does not accept {0.label}'s method ({0.status_text}).",
    Verdict.RATE_LIMITED: "The runtime limits requests ({0.status_text}): calls fail while it does.",
    Verdict.SERVER_ERROR: "The runtime fails ({0.status_text}). See its log.",
    Verdict.UNEXPECTED_STATUS: "The runtime responds with {0.status_text}: {0.label} would drop the call.",
    Verdict.EMPTY: "The response is empty ({0.status_text}), so {0.label} would drop the call.",
    Verdict.HTML: (
        "The response is a web page, not instructions for a call: something other than the runtime has this "
        "URL."
    ),
    Verdict.WRONG_CONTENT_TYPE: (
        "The response has a Content-Type that {0.label} does not read as instructions for a call."
    ),
    Verdict.UNREADABLE: "{0.label} could not parse the response.",
    Verdict.OTHER_ROOT: "The response's root element is {0.root}, which {0.label} does not accept.",
    Verdict.REJECTS: "Rejects the call ({0.document}), in {0.latency_ms:,} ms.",
    Verdict.DOES_NOT_CONNECT: (
        "Answers in {0.latency_ms:,} ms with {0.document}, which connects no agent: the call would end."
    ),
    Verdict.BAD_STREAM: (
        "Answers with {0.document}, but {0.label} cannot open the stream's URL: it has to begin with wss://. "
        "If {0.label} drops queries, pass parameters instead."
    ),
    Verdict.TOO_SLOW: "Takes longer than the {0.seconds} that {0.label} waits: callers would hear nothing.",
    Verdict.TOO_LARGE: "The response is larger than the {0.most_bytes:,} bytes that {0.label} accepts.",
    Verdict.REDIRECTS: (
        "Redirects the request. {0.label} follows, a test does not. Make the runtime respond at this URL."
    ),
    Verdict.CERTIFICATE: (
        "TLS failed: {0.label} would not trust the certificate. It has to be valid, for this host, by a "
        "public authority, and sent with its intermediates."
    ),
    Verdict.PRIVATE_ADDRESS: (
        "The host has a private address here, so it was not called. If {0.label} sees a public one, set "
        "PATCHBAY_UPSTREAMS for the test."
    ),
    Verdict.UNKNOWN_HOST: "The host has no address: its name could not be resolved.",
    Verdict.NO_CONNECTION: "The host does not accept connections, or closed this one.",
}


def sentence(verdict: Verdict, facts: Facts) -> str:
    return _SENTENCES[verdict].format(facts)
