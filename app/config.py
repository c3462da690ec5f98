"""Settings from the environment. A missing or unusable one stops the start with an error that names it."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet

from app.core import sealing, urls
from app.core.outbound import addresses, upstreams
from app.core.outbound.mail import Mailer, MailServer

DEFAULT_BIND = "127.0.0.1:2212"
SHORTEST_KEY = 32
FEWEST_CHARACTERS = 10
MOST_PATTERNS = 0.4
"""Largest share of a key that may be words and sequences. Random keys stay below 0.3."""
PUBLISHED = frozenset(
    {
        "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's documentation
        "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=",  # the specification of Fernet
    }
)
"""Keys that were published as examples."""
SHORTEST_METRICS_TOKEN = 20
_DIGITS = re.compile(r"[0-9]{1,6}")
KEY_FILES = {
    "PATCHBAY_SECRET_KEY": "secret.key",
    "PATCHBAY_JWT_KEYS": "jwt.keys",
    "PATCHBAY_FERNET_KEYS": "fernet.keys",
}
CONSEQUENCE_OF_LOSS = {
    "PATCHBAY_SECRET_KEY": "sign out all users",
    "PATCHBAY_JWT_KEYS": "invalidate all API tokens",
    "PATCHBAY_FERNET_KEYS": "make all stored secrets unreadable",
}


class SettingsError(Exception):
    """A setting is unusable. The message names it, what is wrong and what would be right."""


@dataclass(frozen=True)
class Settings:
    """All settings of an operator. `repr` shows no key."""

    data: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    jwt_keys: tuple[str, ...] = field(repr=False)
    fernet_keys: tuple[str, ...] = field(repr=False)
    host: str
    port: int
    workers: int
    trusted_proxies: int
    cors_origins: frozenset[str]
    upstreams: Mapping[str, str]
    check_every: timedelta
    """Time between two checks of each connection; zero for no schedule."""
    metrics_token: str | None = field(repr=False)
    public_url: str | None
    """The address at which users open the portal; for links in messages."""
    mailer: Mailer | None
    """Sends e-mail; None without a mail server."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Reads `environ`, and creates the key files of a new installation. Raises SettingsError."""
        data, database_url = location(environ)
        host, port = _bind(environ.get("PATCHBAY_BIND") or DEFAULT_BIND)
        keys = _Keys(environ, data, database_url)
        return cls(
            data=data,
            database_url=keys.database_url,
            secret_key=_strong("PATCHBAY_SECRET_KEY", keys.read("PATCHBAY_SECRET_KEY")),
            jwt_keys=_jwt_keys(key_list(keys.read("PATCHBAY_JWT_KEYS"))),
            fernet_keys=_fernet_keys(key_list(keys.read("PATCHBAY_FERNET_KEYS"))),
            host=host,
            port=port,
            workers=_number(environ, "PATCHBAY_WORKERS", default=_usual_workers(), least=1),
            trusted_proxies=_number(environ, "PATCHBAY_TRUSTED_PROXIES", default=0, least=0),
            cors_origins=_origins(environ.get("PATCHBAY_CORS_ORIGINS") or ""),
            check_every=timedelta(minutes=_number(environ, "PATCHBAY_CHECK_EVERY", default=60, least=0)),
            upstreams=_upstreams(environ.get("PATCHBAY_UPSTREAMS") or ""),
            metrics_token=_metrics_token(keys.given("PATCHBAY_METRICS_TOKEN")),
            public_url=_public_url(environ.get("PATCHBAY_PUBLIC_URL") or ""),
            mailer=_mailer(keys.given("PATCHBAY_SMTP_URL"), environ.get("PATCHBAY_MAIL_FROM") or ""),
        )

    @property
    def is_sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def sqlite_file(self) -> Path:
        """Valid only if `is_sqlite`."""
        return Path(self.database_url.removeprefix("sqlite:///"))


def _usual_workers() -> int:
    return max(1, min(os.cpu_count() or 1, 4))


def _database_url(environ: Mapping[str, str], data: Path) -> str:
    url = environ.get("DATABASE_URL") or f"sqlite:///{data / 'patchbay.db'}"
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    if not url.startswith(("sqlite:///", "postgresql+psycopg://")):
        raise SettingsError("DATABASE_URL must start with postgresql+psycopg:// or sqlite:///.")
    return _with_file(url) if url.startswith("sqlite") else url


def _with_file(url: str) -> str:
    """Returns the URL with an absolute path, the same for processes of any working directory."""
    path = url.removeprefix("sqlite:///")
    if path in ("", ":memory:"):
        raise SettingsError("DATABASE_URL has no file. Use a URL such as sqlite:////srv/patchbay.db.")
    return f"sqlite:///{Path(path).absolute()}"


def _bind(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not _DIGITS.fullmatch(port) or not 0 < int(port) < 65536:
        raise SettingsError(f"PATCHBAY_BIND is {text!r}. Use host:port, such as {DEFAULT_BIND}.")
    return host.strip("[]"), int(port)


def _number(environ: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    text = environ.get(name)
    if not text:
        return default
    if not _DIGITS.fullmatch(text) or int(text) < least:
        raise SettingsError(f"{name} is {text!r}. Use a whole number, {least} or more.")
    return int(text)


def _metrics_token(token: str | None) -> str | None:
    if token is None or (len(token) >= SHORTEST_METRICS_TOKEN and token.isascii() and token.isprintable()):
        return token
    raise SettingsError(
        f"PATCHBAY_METRICS_TOKEN is unusable. Use at least {SHORTEST_METRICS_TOKEN} printable characters."
    )


def _public_url(text: str) -> str | None:
    try:
        return urls.web_origin(text.rstrip("/")) if text else None
    except ValueError as error:
        raise SettingsError(f"PATCHBAY_PUBLIC_URL is not the portal's address. {error}") from None


def _mailer(url: str | None, sender: str) -> Mailer | None:
    """Returns the mailer; None without a URL. Errors do not contain the URL: it may have a password."""
    if url is None:
        return None
    try:
        server = MailServer.parse(url)
    except ValueError as error:
        raise SettingsError(f"PATCHBAY_SMTP_URL is unusable. {error}") from None
    if not addresses.MAIL.fullmatch(sender):
        raise SettingsError(
            "PATCHBAY_MAIL_FROM must be the address that e-mail comes from, such as patchbay@example.com."
        )
    return Mailer(server, sender)


def _origins(text: str) -> frozenset[str]:
    """Returns web origins from a list separated by commas or spaces."""
    origins: set[str] = set()
    for place, entry in enumerate(text.replace(",", " ").split(), start=1):
        try:
            origins.add(urls.web_origin(entry))
        except ValueError as error:
            raise SettingsError(f"PATCHBAY_CORS_ORIGINS: entry {place} is not an origin. {error}") from None
    return frozenset(origins)


def _upstreams(text: str) -> dict[str, str]:
    """Returns base URLs by official host. Errors do not contain a base: it may have a password."""
    bases: dict[str, str] = {}
    for place, entry in enumerate(text.split(","), start=1):
        host, equals, base = (part.strip() for part in entry.partition("="))
        if not entry.strip():
            continue
        host = host.lower()
        if not equals or not addresses.HOST.fullmatch(host):
            raise SettingsError(
                f"PATCHBAY_UPSTREAMS: entry {place} does not start with a host name and an equals sign. "
                "Use host=base, such as api.twilio.com=http://127.0.0.1:9001."
            )
        if host in bases:
            raise SettingsError(f"PATCHBAY_UPSTREAMS: entry {place} repeats {host}. List each host once.")
        try:
            upstreams.Upstream.parse(base)
        except ValueError as error:
            raise SettingsError(
                f"PATCHBAY_UPSTREAMS: entry {place} has no usable base URL for {host}. {error}"
            ) from None
        bases[host] = base
    return bases


def key_list(text: str) -> list[str]:
    """Splits a setting into keys, separated by commas, spaces or lines; newest first."""
    return text.replace(",", " ").split()


def _strong(name: str, key: str) -> str:
    if len(key) < SHORTEST_KEY or _is_guessable(key):
        raise SettingsError(
            f"{name} is too short, too simple or an example. Use at least {SHORTEST_KEY} random characters, "
            'such as the output of: python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    return key


@lru_cache
def _is_guessable(key: str) -> bool:
    """Whether the key can be guessed. Imports late, since some processes never need it."""
    from app.core import strength

    few = len(set(key)) < FEWEST_CHARACTERS or len(strength.repeated_part(key)) <= SHORTEST_KEY // 2
    return few or key in PUBLISHED or strength.share_of_patterns(key) > MOST_PATTERNS


def _jwt_keys(keys: list[str]) -> tuple[str, ...]:
    if not keys:
        raise SettingsError("PATCHBAY_JWT_KEYS contains no key.")
    return tuple(_strong("PATCHBAY_JWT_KEYS", key) for key in keys)


def _fernet_keys(keys: list[str]) -> tuple[str, ...]:
    if not keys or not all(sealing.is_fernet_key(key) and key not in PUBLISHED for key in keys):
        raise SettingsError(
            "PATCHBAY_FERNET_KEYS must be Fernet keys (32 random bytes in URL-safe base64), newest first."
        )
    return tuple(keys)


def location(environ: Mapping[str, str]) -> tuple[Path, str]:
    """Returns the data folder and the database URL. Raises SettingsError."""
    data = Path(environ.get("PATCHBAY_DATA") or "instance").absolute()
    return data, _database_url(environ, data)


def given_key(environ: Mapping[str, str], name: str) -> str | None:
    """Returns a key or list of keys from the environment or its file. Raises SettingsError."""
    return _Keys(environ, *location(environ)).given(name)


@dataclass(frozen=True)
class _Keys:
    environ: Mapping[str, str]
    data: Path
    database_url: str = field(repr=False)

    def given(self, name: str) -> str | None:
        """Returns the value of the setting, or of the file in `{name}_FILE`; None if neither is set."""
        if value := self.environ.get(name, "").strip():
            return value
        path = self.environ.get(f"{name}_FILE")
        return self._read_file(f"{name}_FILE", Path(path)) if path else None

    def read(self, name: str) -> str:
        """Returns the given value, or that of the data folder, where a missing one is created."""
        if value := self.given(name):
            return value
        path_here = self.data / KEY_FILES[name]
        if not path_here.exists():
            self._refuse_over_existing_data(name, path_here)
            _write_once(path_here, _new_key(name))
        return self._read_file(name, path_here)

    @staticmethod
    def _read_file(name: str, path: Path) -> str:
        try:
            value = path.read_text().strip()
        except OSError as error:
            raise SettingsError(f"{name}: {path} cannot be read ({error.strerror}).") from None
        except UnicodeDecodeError:
            raise SettingsError(f"{name}: {path} is not text.") from None
        if not value:
            raise SettingsError(f"{name}: {path} is empty.")
        return value

    def _refuse_over_existing_data(self, name: str, path: Path) -> None:
        if _has_data(self.database_url) and not path.exists():
            raise SettingsError(
                f"{name} is missing, and the database already has data. A new key would "
                f"{CONSEQUENCE_OF_LOSS[name]}, so none was generated. "
                f"Restore the key at {path}, or set {name} or {name}_FILE."
            )


def _has_data(database_url: str) -> bool:
    """Whether the database has Patchbay's tables. Imports late: only a new installation needs it."""
    from app.database import engine as database

    return database.has_table(database_url, "installation")


def _new_key(name: str) -> str:
    return Fernet.generate_key().decode() if name == "PATCHBAY_FERNET_KEYS" else secrets.token_urlsafe(48)


def _write_once(path: Path, value: str) -> None:
    """Writes the file unless it exists: two processes may start concurrently."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(value + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
    finally:
        draft.unlink()
