"""Sentences about checks of numbers."""

from __future__ import annotations

from collections.abc import Iterable

from app.provider.numbers import Reason

CHECK_BROKEN = "The check failed. See the log."
IN_SYNC = "{provider} calls the right URL for this number."
OF_REASON = {
    Reason.NUMBER_GONE: "The {provider} account does not have this number.",
    Reason.OF_SUBACCOUNT: "This number belongs to a subaccount at {provider}.",
    Reason.OTHER_REGION: "{provider} answers this number in another region than the connection's.",
    Reason.BLOCKED: "{provider} has blocked or suspended this number.",
    Reason.NO_VOICE: "This number takes no voice calls at {provider}.",
    Reason.OTHER_VOICE_MODE: "{provider} takes no voice calls on this number: it is set to something else.",
    Reason.OFF_THE_TRUNK: "An agent should answer this number, and it is not on the SIP trunk at {provider}.",
    Reason.TRUNK_LEADS_ELSEWHERE: "The SIP trunk at {provider} does not send every call to the agent.",
    Reason.OTHER_AGENT: "Another agent answers this number than the one in Patchbay, or none.",
    Reason.TRUNK_OVERRIDES: "A SIP trunk at {provider} takes precedence over the number's webhook.",
    Reason.APPLICATION_OVERRIDES: "An application at {provider} takes precedence over the number's webhook.",
    Reason.APPLICATION_DISABLED: "The number's application at {provider} is disabled.",
    Reason.NO_WEBHOOK: "No webhook is set for this number at {provider}.",
    Reason.KNOWN_TAKER: "Another service answers this number at {provider}.",
    Reason.DIFFERENT_URL: "{provider} is configured with a different webhook URL.",
    Reason.DIFFERENT_METHOD: "{provider} calls the right URL, but not with POST.",
    Reason.DIFFERENT_FALLBACK: "{provider} calls an unexpected URL if the webhook fails.",
    Reason.DIFFERENT_STATUS_CALLBACK: "{provider} reports calls to an unexpected URL.",
    Reason.REGION_UNKNOWN: "{provider} does not say in which region it answers this number.",
    Reason.NOT_SHOWN: "{provider} does not return what this number calls: compare it there manually.",
    Reason.CREDENTIALS_REFUSED: "{provider} does not accept the stored credentials, or their account.",
    Reason.NO_CREDIT: "{provider} refuses because the account has no credit.",
    Reason.SECONDARY_TOKEN: (
        "{provider} calls the right URL, but signs with another auth token than the stored one: signatures "
        "will not verify."
    ),
    Reason.NOTHING_EXPECTED: "The number has no inbound webhook in Patchbay.",
    Reason.PROVIDER_NOT_CONFIGURED: "{provider} is not connected, or is disabled.",
    Reason.BUSY: "{provider} was not called: too many requests are in progress.",
    Reason.PROVIDER_UNREACHABLE: "{provider} returned an unexpected response.",
}


def verdict(label: str, reason: Reason | None) -> str:
    """Returns the sentence whether a number is in sync at the provider, and if not, why."""
    return (OF_REASON[reason] if reason else IN_SYNC).format(provider=label)


def report(checked: int, drifted: int, sentences: Iterable[str]) -> str:
    counts = f"{checked:,} checked, {drifted:,} drifted"
    return ". ".join([counts, " ".join(filter(None, sentences))]).removesuffix(". ")


ALREADY_RUNNING = "is being checked by another run"
