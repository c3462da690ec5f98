from __future__ import annotations

import base64
import hashlib
import multiprocessing
import os
import stat
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from flask import Flask

from app import config, context, http
from app.config import KEY_FILES, Settings, SettingsError
from app.core.errors import Unavailable
from app.core.outbound.answer import OutboundError

STRONG = hashlib.sha256(b"a strong key").hexdigest()
OTHER = STRONG[::-1]
FERNET = base64.urlsafe_b64encode(hashlib.sha256(b"a Fernet key").digest()).decode()
KEYS = {
    "PATCHBAY_SECRET_KEY": STRONG,
    "PATCHBAY_JWT_KEYS": OTHER,
    "PATCHBAY_FERNET_KEYS": FERNET,
}


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


def _read(data, **more):
    return Settings.from_environment({"PATCHBAY_DATA": str(data)} | KEYS | more)


def test_settings_have_defaults_are_frozen_and_show_no_key(data, monkeypatch, tmp_path):
    settings = _read(data)
    assert settings.data == data
    assert settings.database_url == f"sqlite:///{data}/patchbay.db"
    assert settings.is_sqlite
    assert (settings.host, settings.port) == ("127.0.0.1", 2212)
    assert settings.workers >= 1
    assert settings.trusted_proxies == 0
    assert settings.upstreams == {}
    assert settings.check_every == timedelta(hours=1)
    assert not data.exists(), "with keys of their own, nothing is made"

    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment(KEYS).data == tmp_path / "instance"

    settings = _read(data, DATABASE_URL="postgresql://ann:sample-word@db.example/patchbay")
    assert all(key not in repr(settings) for key in [*KEYS.values(), "sample-word"])
    with pytest.raises(AttributeError):
        settings.port = 80


def test_public_url_mail_server_and_origins_are_read_or_refused_by_name(data):
    settings = _read(
        data,
        PATCHBAY_PUBLIC_URL="https://patchbay.example.com/",
        PATCHBAY_SMTP_URL="smtps://patchbay:sample-word@mail.example.com",
        PATCHBAY_MAIL_FROM="patchbay@example.com",
    )
    assert settings.public_url == "https://patchbay.example.com"
    assert settings.mailer
    assert (settings.mailer.server.port, settings.mailer.sender) == (465, "patchbay@example.com")
    assert "sample-word" not in repr(settings)
    assert (_read(data).public_url, _read(data).mailer) == (None, None)
    mail = {"PATCHBAY_MAIL_FROM": "patchbay@example.com"}
    wrong = [
        ("PATCHBAY_PUBLIC_URL", {"PATCHBAY_PUBLIC_URL": "patchbay.example.com"}),
        ("PATCHBAY_PUBLIC_URL", {"PATCHBAY_PUBLIC_URL": "http://patchbay.example.com"}),
        ("PATCHBAY_PUBLIC_URL", {"PATCHBAY_PUBLIC_URL": "https://patchbay.example.com/portal"}),
        ("PATCHBAY_SMTP_URL", mail | {"PATCHBAY_SMTP_URL": "http://a:sample-word@mail.example.com"}),
        ("PATCHBAY_MAIL_FROM", {"PATCHBAY_SMTP_URL": "smtp://mail.example.com"}),
        ("PATCHBAY_MAIL_FROM", {"PATCHBAY_SMTP_URL": "smtp://mail.example.com", "PATCHBAY_MAIL_FROM": "x"}),
    ]
    for name, environment in wrong:
        with pytest.raises(SettingsError, match=f"^{name}") as refused:
            _read(data, **environment)
        assert "sample-word" not in str(refused.value)

    text = "https://dialer.example.com, http://localhost:3000\nhttps://dialer.example.com"
    origins = _read(data, PATCHBAY_CORS_ORIGINS=text).cors_origins
    assert origins == {"https://dialer.example.com", "http://localhost:3000"}
    assert _read(data).cors_origins == frozenset()
    with pytest.raises(SettingsError, match=r"^PATCHBAY_CORS_ORIGINS: entry 2 is not an origin\..+\.$"):
        _read(data, PATCHBAY_CORS_ORIGINS="https://dialer.example.com,*")


EXAMPLES = [
    "your-secret-key-change-in-production",
    "change-me-to-a-random-secret-key-please",
    "a-string-secret-at-least-256-bits-long",
    "this-is-a-very-long-secret-key-for-dev",
    "0123456789abcdef0123456789abcdef",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "00112233445566778899aabbccddeeff",
    "aB3$aB3$aB3$aB3$aB3$aB3$aB3$aB3$",
    "k2Xq9Lw1k2Xq9Lw1k2Xq9Lw1k2Xq9Lw1",
    "qwertyuiopasdfghjklzxcvbnm1234567890",
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
]


def test_urls_binds_numbers_origins_and_lists_are_read(data, subtests, monkeypatch, tmp_path):
    for url, expected in [
        ("postgresql+psycopg://db/p", "postgresql+psycopg://db/p"),
        ("postgresql://db/p", "postgresql+psycopg://db/p"),
        ("postgres://db/p", "postgresql+psycopg://db/p"),
        ("sqlite:////srv/patchbay.db", "sqlite:////srv/patchbay.db"),
    ]:
        with subtests.test(url=url, found=expected):
            assert _read(data, DATABASE_URL=url).database_url == expected

    monkeypatch.chdir(tmp_path)
    url = _read(data, DATABASE_URL="sqlite:///here.db").database_url
    assert url == f"sqlite:///{tmp_path}/here.db"

    for bind, place in [
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104
        ("[::1]:2212", ("::1", 2212)),
        ("a.example:1", ("a.example", 1)),
    ]:
        with subtests.test(bind=bind):
            settings = _read(data, PATCHBAY_BIND=bind)
            assert (settings.host, settings.port) == place

    settings = _read(data, PATCHBAY_WORKERS="7", PATCHBAY_TRUSTED_PROXIES="2")
    assert (settings.workers, settings.trusted_proxies) == (7, 2)
    settings = _read(data, PATCHBAY_WORKERS="", PATCHBAY_TRUSTED_PROXIES="")
    assert settings.trusted_proxies == 0

    text = " API.Twilio.com = http://127.0.0.1:9001 ,\n, api.elevenlabs.io=https://[::1]/egress/,"
    assert _read(data, PATCHBAY_UPSTREAMS=text).upstreams == {
        "api.twilio.com": "http://127.0.0.1:9001",
        "api.elevenlabs.io": "https://[::1]/egress/",
    }
    assert _read(data, PATCHBAY_UPSTREAMS="").upstreams == {}

    newer = Fernet.generate_key().decode()
    settings = _read(
        data, PATCHBAY_FERNET_KEYS=f"{newer}, {FERNET}\n", PATCHBAY_JWT_KEYS=f"{STRONG}\n{OTHER}"
    )
    assert settings.fernet_keys == (newer, FERNET)
    assert settings.jwt_keys == (STRONG, OTHER)


def test_outbound_client_uses_the_upstreams(data):
    settings = _read(data, PATCHBAY_UPSTREAMS="api.twilio.com=http://127.0.0.1:1")
    app = Flask(__name__)
    http.init_app(app, settings)
    with app.app_context():
        assert context.outbound() is context.outbound()
        with pytest.raises(OutboundError, match=r"api\.twilio\.com") as refused:
            context.outbound().send("POST", "https://api.twilio.com/")
    assert refused.value.code == "connect"


def test_unusable_setting_is_named(data, subtests):
    for name, value in [
        *[("DATABASE_URL", url) for url in ["mysql://db/p", "patchbay.db", "sqlite://", "sqlite:///"]],
        ("DATABASE_URL", "sqlite:///:memory:"),
        *[("PATCHBAY_BIND", bind) for bind in ["2212", ":2212", "a:", "a:0", "a:65536", "a:b", "a:²"]],
        ("PATCHBAY_BIND", "a:" + "9" * 5000),
        *[("PATCHBAY_WORKERS", text) for text in ["0", "-1", "two", "1.5", "²", "9" * 5000]],
        *[("PATCHBAY_TRUSTED_PROXIES", text) for text in ["-1", "yes", "٢"]],
        *[("PATCHBAY_SECRET_KEY", key) for key in ["short", "dev", "a" * 64, "changeme" * 8]],
        *[("PATCHBAY_SECRET_KEY", key) for key in EXAMPLES],
        ("PATCHBAY_FERNET_KEYS", base64.urlsafe_b64encode(bytes(range(32))).decode()),
        ("PATCHBAY_FERNET_KEYS", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="),
        *[("PATCHBAY_JWT_KEYS", keys) for keys in ["short", f"{OTHER},short", ",", "secret" * 10]],
        *[("PATCHBAY_FERNET_KEYS", keys) for keys in ["short", STRONG, "A" * 44, ",", f"{FERNET} x"]],
    ]:
        with subtests.test(name=name, value=value):
            with pytest.raises(SettingsError, match=rf"^{name}\b.*\.|^{name}.* is .*") as refused:
                _read(data, **{name: value})
            is_key = name.endswith(("KEY", "KEYS"))
            assert not (is_key and len(value) > 20 and value in str(refused.value))

    for entry, sentence in [
        ("api.twilio.com", "entry 2 does not start with a host name and an equals sign"),
        ("http://127.0.0.1:9001", "entry 2 does not start"),
        ("https://api.twilio.com=http://127.0.0.1:9001", "entry 2 does not start"),
        ("localhost=http://127.0.0.1:9001", "entry 2 does not start"),
        ("127.0.0.1=http://127.0.0.1:9001", "entry 2 does not start"),
        ("api.twilio.com:443=http://127.0.0.1:9001", "entry 2 does not start"),
        ("ann:sample-word@a.example=http://127.0.0.1", "entry 2 does not start"),
        ("A.example=http://127.0.0.1:9002", "entry 2 repeats a.example"),
        *[
            (f"api.twilio.com={base}", "entry 2 has no usable base URL for api.twilio.com")
            for base in [
                *["", "127.0.0.1:9001", "ftp://127.0.0.1", "http://", "http:///a", "//127.0.0.1", "http://["],
                *["http://127.0.0.1:0", "http://127.0.0.1:x", "http://127.0.0.1:70000", "http://a b"],
                *[
                    "http://ann:sample-word@127.0.0.1",
                    "http://127.0.0.1/?sample-word",
                    "http://127.0.0.1/#a",
                ],
            ]
        ],
    ]:
        with subtests.test(entry=entry):
            with pytest.raises(SettingsError, match=rf"^PATCHBAY_UPSTREAMS: {sentence}.*\.$") as refused:
                _read(data, PATCHBAY_UPSTREAMS=f"a.example=http://127.0.0.1:9001,{entry}")
            assert "sample-word" not in str(refused.value)


def test_key_is_read_from_its_file_or_stops_and_creates_nothing(data, tmp_path, subtests):
    for name, keys in KEYS.items():
        with subtests.test(name=name):
            path = tmp_path / "key"
            path.write_text(f"  {keys}\n")
            environ = {key: value for key, value in KEYS.items() if key != name}
            read = Settings.from_environment(
                {"PATCHBAY_DATA": str(data), f"{name}_FILE": str(path)} | environ
            )
            assert read == _read(data)

    for name in KEYS:
        for content in [None, b"", b" \n", b"\xff\xfe\x00", b"short"]:
            with subtests.test(name=name, content=content):
                path = tmp_path / "key"
                path.unlink(missing_ok=True)
                if content is not None:
                    path.write_bytes(content)
                environ = {key: value for key, value in KEYS.items() if key != name}
                with pytest.raises(SettingsError, match=f"^{name}"):
                    Settings.from_environment(
                        {"PATCHBAY_DATA": str(data), f"{name}_FILE": str(path)} | environ
                    )
                assert not data.exists()


def test_generated_keys_are_created_once_with_mode_0600(data):
    environ = {"PATCHBAY_DATA": str(data)}
    settings = Settings.from_environment(environ)
    files = {path.name: path for path in data.iterdir()}
    assert set(files) == set(KEY_FILES.values())
    assert {stat.S_IMODE(path.stat().st_mode) for path in files.values()} == {0o600}
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert len({settings.secret_key, *settings.jwt_keys, *settings.fernet_keys}) == 3
    assert Settings.from_environment(environ) == settings

    before = os.umask(0)
    try:
        Settings.from_environment({"PATCHBAY_DATA": str(data)})
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in data.iterdir()} == {0o600}


@pytest.mark.both_databases
def test_no_key_is_generated_over_data_that_is_there_or_unreachable(tmp_path, database_url, subtests, data):
    for name in KEY_FILES:
        with subtests.test(name=name):
            data = tmp_path / "keys"
            environ = {"PATCHBAY_DATA": str(data), "DATABASE_URL": database_url}
            others = {key: value for key, value in KEYS.items() if key != name}
            with pytest.raises(SettingsError, match=f"^{name} is missing, and the database already has data"):
                Settings.from_environment(environ | others)
            assert not data.exists()
            assert Settings.from_environment(environ | KEYS).fernet_keys == (FERNET,)

    environ = {"PATCHBAY_DATA": str(data), "DATABASE_URL": "postgresql://127.0.0.1:1/patchbay"}
    with pytest.raises(Unavailable, match="DATABASE_URL cannot be reached"):
        Settings.from_environment(environ)
    assert not data.exists()


def test_existing_data_is_found_in_a_relative_database(sqlite_url, monkeypatch):
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    monkeypatch.chdir(path.parent)
    environ = {"PATCHBAY_DATA": "keys", "DATABASE_URL": f"sqlite:///{path.name}"}
    with pytest.raises(SettingsError, match="already has data"):
        Settings.from_environment(environ)


def _start(data, barrier, answers):
    barrier.wait(30)
    answers.put(asdict(Settings.from_environment({"PATCHBAY_DATA": str(data)})))


def test_concurrent_first_starts_use_the_same_keys(data):
    context = multiprocessing.get_context("fork")
    total = 6
    barrier, answers = context.Barrier(total), context.Queue()
    processes = [context.Process(target=_start, args=(data, barrier, answers)) for _ in range(total)]
    for process in processes:
        process.start()
    all_settings = [answers.get(timeout=30) for _ in processes]
    for process in processes:
        process.join(30)
    assert all(settings == all_settings[0] for settings in all_settings)
    assert {path.name for path in data.iterdir()} == set(KEY_FILES.values())


def test_key_generated_by_another_process_is_read(data, monkeypatch):
    """It came between our look at the folder and our look at the database, with its data."""
    looks = []

    def has_data(_url):
        looks.append(1)
        if len(looks) == 1:
            data.mkdir()
            for name, file in KEY_FILES.items():
                (data / file).write_text(KEYS[name])
        return True

    monkeypatch.setattr(config, "_has_data", has_data)
    assert Settings.from_environment({"PATCHBAY_DATA": str(data)}).secret_key == STRONG
    assert len(looks) == 1
