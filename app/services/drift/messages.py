"""The sentences of checks."""

from __future__ import annotations

from app.provider.numbers import Reason

CHECK_BROKEN = "The check failed. See the log."
IN_SYNC = "{provider} calls the right URL for this number."
OF_REASON = {
    Reason.DIFFERENT_URL: "{provider} is configured with a different webhook URL.",
    Reason.DIFFERENT_METHOD: "{provider} calls the right URL, but not with POST.",
    Reason.NO_WEBHOOK: "No webhook is set for this number at {provider}.",
    Reason.APPLICATION_IN_THE_WAY: "An application at {provider} takes precedence over the number's webhook.",
    Reason.TRUNK_IN_THE_WAY: "A SIP trunk at {provider} takes precedence over the number's webhook.",
    Reason.NUMBER_GONE: "The {provider} account does not have this number.",
    Reason.CREDENTIALS_REFUSED: "{provider} refused the stored credentials.",
    Reason.NOT_SHOWN: "{provider} does not return what the number's flow calls: compare it there manually.",
    Reason.NOTHING_EXPECTED: "The number has no inbound webhook in Patchbay.",
    Reason.PROVIDER_NOT_CONFIGURED: "{provider} is not connected, or is disabled.",
    Reason.PROVIDER_UNREACHABLE: "{provider} returned an unexpected response.",
}


def verdict(label: str, reason: Reason | None) -> str:
    """Whether a number is in sync at the provider, and if not, why."""
    return (OF_REASON[reason] if reason else IN_SYNC).format(provider=label)


def report(checked: int, drifted: int, failure: str | None) -> str:
    counts = f"{checked:,} checked, {drifted:,} drifted"
    return f"{counts}. {failure}" if failure else counts


ALREADY_RUNNING = "is being checked by another run"
