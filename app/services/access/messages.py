"""Sentences about users, sign-in, passwords, sessions and tokens."""

from __future__ import annotations

from app.core.texts import bidi_isolate

WRONG_CREDENTIALS = "Incorrect email or password."
WRONG_PASSWORD = "Incorrect password."
WRONG_CODE = "Incorrect or already used code."
CODE_NEEDED = "Enter the code from your authenticator app."
ACCOUNT_CHANGED = "Your account was changed just now. Sign in again."
PASSWORD_NEEDED = (
    "Enter your password again: the last time is more than half an hour ago. "
    "With a token, sign in again and use the new one."
)
SESSION_NOT_FOUND = "Session not found. It may have ended already."

TOKEN_INVALID = "The token is invalid or has expired. Sign in again."
TOKEN_REVOKED = "The token was revoked. Sign in again."
SECRETS_IN_PORTAL = "Create tokens that read secrets in the portal, under Account, with your password."
TOKEN_NOT_FOUND = "Token not found."
NOT_YOUR_TOKEN = "Superadmins create their own tokens under Account."
USER_IS_DISABLED = "This user is disabled. Enable them first, then create the token."
TOKEN_NAME = "Name what will use the token, in at most 120 characters."
SECRETS_NEED_SUPERADMIN = "Only a superadmin's token can read secrets."

TWO_STEP_FIRST = "Turn on two-step sign-in for your own account first, under Account."
TWO_STEP_NEEDED = "Superadmins need two-step sign-in here. Turn it on in the portal, under Account."
TOTP_ON = "Two-step sign-in is already on."
TOTP_ON_TURN_OFF = "Two-step sign-in is already on. Turn it off first."
TOTP_OFF = "Turn on two-step sign-in to get recovery codes."
WRONG_FIRST_CODE = "Incorrect code. Enter the one that the app shows now."

EMAIL = "Enter an email address, such as dana@example.com."
EMAIL_HAS_SPACES = "Remove the spaces from the email address."
EMAIL_WITHOUT_AT = "The @ is missing, as in dana@example.com."
EMAIL_WITH_MANY_AT = "Use only one @, as in dana@example.com."
EMAIL_WITHOUT_NAME = "The part before the @ is missing, as in dana@example.com."
EMAIL_WITHOUT_DOMAIN = "The part after the @ is missing, as in dana@example.com."
EMAIL_WITHOUT_DOT = "The part after the @ needs a dot, as in dana@example.com."
EMAIL_WITH_EMPTY_LABEL = "Check the dots after the @: one between two names, as in dana@example.com."
NOT_YOUR_PASSWORD = "Change your own password under Account."
LINK_INVALID = "This link was used or replaced, or it has expired. Ask a superadmin for a new one."
DISABLED_NEEDS_NO_LINK = "This user is disabled. Enable them first, then create the link."
NOT_YOUR_SESSIONS = "End your own sessions under Account."
NOT_YOURSELF = "You can't disable your own account."

COMMON_PASSWORD = "it is on lists of common passwords"
REPEATED_PASSWORD = "it repeats a shorter text"
GUESSABLE_PASSWORD = "it is made of common words, names, dates or keyboard patterns"


def password_too_short(shortest: int) -> str:
    return f"Use {shortest} characters or more. A sentence is easy to remember."


def password_too_long(longest: int) -> str:
    return f"Use at most {longest} characters."


def easy_to_guess(why: str) -> str:
    return f"This is easy to guess: {why}. Use four or more words that do not belong together."


def token_days(most: int) -> str:
    return f"Use a whole number of days from 1 to {most}."


def token_scope(scopes: str) -> str:
    return f"Use {scopes}, or none."


def email_too_long(longest: int, longest_name: int) -> str:
    return f"Use at most {longest} characters, and at most {longest_name} before the @."


def email_in_use(email: str) -> str:
    return f"{email} is a user already, here or in another organization."


def last_superadmin(name: str) -> str:
    return f"{bidi_isolate(name)} is the only superadmin. Make another one first."
