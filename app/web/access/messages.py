"""The messages of this package's pages after an action."""

from __future__ import annotations

from datetime import datetime

from app.core.texts import bidi_isolate

WELCOME = "Welcome! A few steps to your first answered call."
SIGN_IN_EXPIRED = "Your sign-in expired or was changed. Enter your email and password again."
TWO_STEP_ON = "Two-step sign-in is on. Your other sessions have been signed out."
TWO_STEP_OFF = "Two-step sign-in is off. Your other sessions have been signed out."
CODES_RENEWED = "New recovery codes generated. The old ones no longer work."
CODES_REPLACED = "These recovery codes are not yours or have been replaced."
TWO_STEP_REQUIRED = "Superadmins now need two-step sign-in."
TWO_STEP_OPTIONAL = "Two-step sign-in is optional for superadmins again."
PASSWORD_CHOSEN = "Your password is set."
LINK_CANCELLED = "Link cancelled. It no longer works."
INVITED = "You are invited to Patchbay."
RESET_LINK = "Choose a new password for Patchbay."
OTHERS_SIGNED_OUT = "Your other sessions have been signed out."


def password_changed() -> str:
    return "Password changed. Your other sessions have been signed out."


def recovery_code_used(remaining: int, *, few: bool) -> str:
    more = " Generate new ones under Account." if few else ""
    return f"Recovery code used. {remaining} left.{more}"


def password_set_by(name: str) -> str:
    return f"Your password was set by {name}. Choose a new one under Account."


def link_mail(name: str, sender: str, expires_at: datetime, *, is_invitation: bool) -> tuple[str, ...]:
    act = "invited you" if is_invitation else "created this link for you"
    return (
        f"Hello {name}, {sender} {act}. Open the link and choose your password.",
        f"It works once, until {expires_at:%d %B %Y, %H:%M} UTC. If you did not expect it, ignore this mail.",
    )


def token_revoked(name: str) -> str:
    return f"Token “{bidi_isolate(name)}” revoked."


def session_ended(browser: str) -> str:
    return f"{browser} signed out."


def user_saved(name: str, *, revoked: bool) -> str:
    done = f"{bidi_isolate(name)} saved."
    return f"{done} The new role revoked their API tokens." if revoked else done


def user_disabled(name: str) -> str:
    return f"{bidi_isolate(name)} disabled. They have been signed out and their API tokens revoked."


def user_enabled(name: str) -> str:
    return f"{bidi_isolate(name)} enabled. They can sign in again."


def signed_out_everywhere(name: str) -> str:
    return f"{bidi_isolate(name)} signed out everywhere."


def session_of_other_ended(name: str, browser: str) -> str:
    return f"{bidi_isolate(name)} signed out of {browser}."


def number_assigned(number: str, name: str) -> str:
    return f"{number} assigned to {bidi_isolate(name)}."


def number_unassigned(number: str, name: str) -> str:
    return f"{number} unassigned from {bidi_isolate(name)}."


def default_set(number: str) -> str:
    return f"{number} is now the default."
