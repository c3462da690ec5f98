"""What Patchbay promises about safety, row by row.

The numbers are requirements of OWASP ASVS 5.0, the Application Security Verification Standard. Each row has
at least one test in this folder, marked with its number; `make trust` runs them and prints this table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """`advanced`: of ASVS level 3."""

    promise: str
    advanced: bool = False


ROWS: dict[str, Row] = {
    # Encoding
    "1.2.1": Row("Markup stored in any text field is shown as text on every page"),
    "1.2.2": Row("Agent names are percent-encoded in URLs; javascript: and other schemes are refused"),
    "1.2.4": Row("SQL metacharacters in any input change nothing"),
    "1.2.10": Row("No CSV cell starts a formula, and every cell survives a round trip", advanced=True),
    "1.3.6": Row("Nothing but a public address is dialled, however the address is written or changes"),
    "1.3.7": Row("Template syntax in a text stays text"),
    "1.5.3": Row("JSON that two parsers may read differently is refused with 400", advanced=True),
    # Business rules
    "2.2.1": Row("A bad value is a 422 that names its field, for every field"),
    "2.2.3": Row("A provider that lacks required fields cannot be made active"),
    "2.3.3": Row("A save is all or nothing, whichever SQL statement fails"),
    "2.3.4": Row("Of 20 parallel creates of one number, one succeeds"),
    "2.4.1": Row("Over a limit the answer is 429 with Retry-After, for parallel requests too"),
    # Browser
    "3.2.1": Row("JSON of the API never renders as HTML"),
    "3.3.1": Row("The session cookie is Secure"),
    "3.3.2": Row("The session cookie has SameSite"),
    "3.3.3": Row("The session cookie has the __Host- prefix, which binds it to this host"),
    "3.3.4": Row("The session cookie is HttpOnly"),
    "3.4.1": Row("HSTS for a year is on every response, errors included"),
    "3.4.2": Row("A hostile Origin is not echoed"),
    "3.4.3": Row(
        "The CSP allows no plug-ins, no base URL, nothing unsafe; its nonce is fresh", advanced=True
    ),
    "3.4.4": Row("X-Content-Type-Options: nosniff is on every response"),
    "3.4.5": Row("Referrer-Policy: same-origin is on every response"),
    "3.4.6": Row("No other site can frame a page"),
    "3.4.8": Row("Cross-Origin-Opener-Policy is on every page", advanced=True),
    "3.5.1": Row("Every unsafe route of the portal refuses a request without its CSRF token"),
    "3.5.2": Row("The API ignores cookies, and JSON sent as another content type is 415"),
    "3.5.3": Row("No GET changes configuration"),
    "3.5.8": Row("Requests that another site makes are refused", advanced=True),
    "3.6.1": Row("No page loads anything from another host", advanced=True),
    "3.7.2": Row("After sign-in, next never leads to another site"),
    # HTTP
    "4.1.1": Row("Every response with a body names its content type and charset"),
    "4.1.3": Row("Forged X-Forwarded-For changes neither a throttle nor the audit"),
    "4.1.4": Row("Every other verb is 405; a GET of a form's address leads to its page", advanced=True),
    "4.2.1": Row(
        "With Transfer-Encoding, Content-Length is ignored, and the connection ends after the answer"
    ),
    # Sign-in
    "6.2.1": Row("A password has at least 15 characters"),
    "6.2.3": Row("Changing a password needs the current one"),
    "6.2.4": Row("The 3,000 most common passwords are refused, doubled or decorated too"),
    "6.2.8": Row("A password is compared exactly, without any change"),
    "6.2.9": Row("A password may have 64 characters and more, in any alphabet"),
    "6.3.1": Row("Ten wrong passwords throttle that account, in parallel too; other accounts are unaffected"),
    "6.3.2": Row("There is no default account"),
    "6.3.3": Row("With two-step sign-in on, the password alone reaches nothing"),
    "6.3.4": Row("Where superadmins need two-step sign-in, no page and no sign-in goes around it"),
    "6.3.8": Row("Known and unknown users get the same answer in the same time", advanced=True),
    "6.4.1": Row("A setup, invitation or password reset link works once, in parallel too"),
    "6.4.6": Row("Superadmins start a password reset, and never choose or see the password", advanced=True),
    "6.5.1": Row("A one-time code works once, in parallel too"),
    # Sessions
    "7.2.4": Row("Every sign-in starts a new session"),
    "7.3.1": Row("A session ends after 8 hours without use"),
    "7.3.2": Row("A session ends after 7 days, however busy it is"),
    "7.4.1": Row("After sign-out the old cookie is worth nothing"),
    "7.4.2": Row("Disabling or resetting a user ends sessions, half sign-ins and tokens"),
    "7.4.3": Row("A new password or second step ends the other sessions"),
    "7.4.5": Row("Superadmins see and end the sessions of each user, one or all"),
    "7.5.3": Row(
        "What outlives the session needs the password again, and no way around it exists", advanced=True
    ),
    # Access
    "8.2.1": Row("Every route of the URL map refuses the roles that may not use it"),
    "8.2.3": Row("A member sees flags, never the values behind them"),
    "8.4.1": Row("Another organization's id is the same 404 as an id that does not exist"),
    # Tokens
    "9.1.1": Row("A tampered token is refused"),
    "9.1.2": Row("A token with another algorithm is refused"),
    "9.1.3": Row("A key that the token brings is not used"),
    "9.2.1": Row("A token outside its time is refused"),
    "9.2.3": Row("A token without our audience and issuer is refused"),
    # Cryptography
    "11.2.2": Row("Keys are rotated without loss, when killed at any step too"),
    "11.3.3": Row("A sealed secret that was altered or moved does not open"),
    "11.4.2": Row("Passwords are stored as argon2id hashes"),
    "12.3.2": Row("A provider without a valid certificate is not used"),
    # Configuration
    "13.4.2": Row("No debugger is served; default, short and example keys stop the boot"),
    # Data
    "14.2.1": Row("No secret is in a URL"),
    "14.3.1": Row("Signing out clears what the browser keeps"),
    "14.3.2": Row("Nothing behind the sign-in is cached; Back after sign-out shows nothing"),
    # Code
    "15.3.2": Row("A provider's redirect is not followed"),
    "15.3.3": Row("An id, role or organization sent with a save is ignored or 422"),
    "15.3.7": Row("A repeated organizationId is 400"),
    # Logs and errors
    "16.2.5": Row("No secret is in any response, log, file, backup or traceback, in any spelling"),
    "16.3.1": Row("Sign-ins are audited, failed ones too"),
    "16.4.1": Row("No input forges a line of the log"),
    "16.5.1": Row("An unexpected failure shows an id and nothing else"),
    "16.5.2": Row("While a provider fails in any way, pages work and saves are kept"),
}
