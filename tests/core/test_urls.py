from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest

from app.core import urls

GOOD = [
    ("https://voice.example.com", "https://voice.example.com"),
    ("  https://voice.example.com/ ", "https://voice.example.com"),
    ("HTTPS://Voice.Example.COM", "https://voice.example.com"),
    ("https://voice.example.com:443", "https://voice.example.com"),
    ("https://voice.example.com:8443/", "https://voice.example.com:8443"),
    ("https://voice.example.com/a/b/", "https://voice.example.com/a/b"),
    ("https://voice.example.com/a%20b", "https://voice.example.com/a%20b"),
    ("https://bücher.example", "https://xn--bcher-kva.example"),
    ("https://straße.example", "https://xn--strae-oqa.example"),
    ("https://XN--STRAE-OQA.example", "https://xn--strae-oqa.example"),
    ("https://ÖBB.example", "https://xn--bb-eka.example"),
    ("https://\uff36oice。example.com", "https://voice.example.com"),
    ("https://r3---sn.example.com", "https://r3---sn.example.com"),
    ("https://8.8.8.8", "https://8.8.8.8"),
]

BAD = [
    "",
    "voice.example.com",
    "http://voice.example.com",
    "ftp://voice.example.com",
    "javascript:alert(1)",
    "javascript://voice.example.com/%0aalert(1)",
    "data:text/html,x",
    "//voice.example.com",
    "https://",
    "https:///path",
    "https:voice.example.com",
    "https://voice",
    "https://localhost",
    "https://LOCALHOST:8443",
    "https://ｌocalhost",  # noqa: RUF001
    "https://api.localhost",
    "https://printer.local",
    "https://db.internal",
    "https://host.localdomain",
    "https://127.0.0.1",
    "https://127.1",
    "https://2130706433",
    "https://0x7f.0.0.1",
    "https://0177.0.0.1",
    "https://１２７.0.0.1",  # noqa: RUF001
    "https://10.1.2.3",
    "https://172.16.0.1",
    "https://192.168.1.1",
    "https://169.254.169.254",
    "https://100.64.0.1",
    "https://0.0.0.0",
    "https://224.0.0.1",
    "https://255.255.255.255",
    "https://[::1]",
    "https://[::ffff:127.0.0.1]",
    "https://[fe80::1]",
    "https://[",
    "https://voice.example.com.",
    "https://-voice.example.com",
    "https://voice..example.com",
    "https://voice_1.example.com",
    "https://user@voice.example.com",
    "https://user:word@voice.example.com",
    "https://@voice.example.com",
    "https://voice.example.com\\@evil.example",
    "https://voice.example.com\\evil",
    "https://voice.example.com?",
    "https://voice.example.com?a=b",
    "https://voice.example.com#",
    "https://voice.example.com/#part",
    "https://voice.example.com/a/../b",
    "https://voice.example.com/..",
    "https://voice.example.com/.",
    "https://voice.example.com/./a",
    "https://voice.example.com/%2e%2e/a",
    "https://voice.example.com/%2E",
    "https://voice.example.com/a%2fb",
    "https://voice.example.com/a%5cb",
    "https://voice.example.com/%252e%252e",
    "https://voice.example.com/a%00",
    "https://voice.example.com/a%0d%0ab",
    "https://voice.example.com/%zz",
    "https://voice.example.com/a b",
    "https://voice.example.com//a",
    'https://voice.example.com/"><b',
    "https://voice.example.com/ü",
    "https://voice.exam\nple.com",
    "https://☕.example",
    "https://I❤.example",
    "https://xn--zz--.example",
    "https://voi\u200dce.example",
    "https://a_b.example",
    "https://voice.example.com\t/a",
    "https://voice.example.com\0",
    "https://voice.example.com:0",
    "https://voice.example.com:65536",
    "https://voice.example.com:port",
    "https://voice.example.com:٤٤٣",
    "https://voice.example.com:-1",
    "https://voice.example.com/" + "a" * 300,
    "https://" + ".".join(["ü" * 20] * 5) + ".example/" + "a" * 150,
]


def test_public_base_url_and_callback_url_are_public_https(subtests):
    for text, url in GOOD:
        with subtests.test(text=text):
            assert urls.public_base_url(text) == url
            assert urls.public_base_url(url) == url

    for text in BAD:
        with subtests.test(text=text), pytest.raises(ValueError, match=r"^[A-Z].*[.]$"):
            urls.public_base_url(text)

    for typed in ("voice.example.com", "voice.example.com:8443/a", "localhost:5000", "voice"):
        assert urls.with_https(typed) == f"https://{typed}"
    for typed in ("", "https://voice.example.com", "http://voice.example.com", "javascript:alert(1)"):
        assert urls.with_https(typed) == typed

    for text, url in [
        *((text, url) for text, url in GOOD if not text.strip().endswith("/")),
        (" https://Dialer.example.com:443/sinch/ ", "https://dialer.example.com/sinch/"),
        ("https://dialer.example.com/a?b=c%20d&e=/f?", "https://dialer.example.com/a?b=c%20d&e=/f?"),
        ("https://dialer.example.com?a=b", "https://dialer.example.com?a=b"),
        ("https://dialer.example.com/" + "a" * 900, "https://dialer.example.com/" + "a" * 900),
    ]:
        with subtests.test(text=text):
            assert urls.callback_url(text) == url
            assert urls.callback_url(url) == url

    for text in [
        *(text for text in BAD if text not in MORE_IN_A_CALLBACK),
        "https://dialer.example.com/a?b=c d",
        "https://dialer.example.com/a?b=é",
        "https://dialer.example.com/a?b=%zz",
        'https://dialer.example.com/a?"><b',
        "https://dialer.example.com/a?b#c",
        "https://dialer.example.com/a?b=c\nd",
        "https://dialer.example.com/" + "a" * 1000,
    ]:
        with subtests.test(text=text), pytest.raises(ValueError, match=r"^[A-Z].*[.]$"):
            urls.callback_url(text)


MORE_IN_A_CALLBACK = {BAD[-2], BAD[-1], "https://voice.example.com?", "https://voice.example.com?a=b"}


def test_shown_urls_have_no_password(subtests):
    for address, shown in [
        ("https://a.example/b?c=d@e", "https://a.example/b?c=d@e"),
        ("https://ann:sample@a.example/b", "https://…@a.example/b"),
        ("https://a.example/\r\n\u202eb\0", "https://a.example/b"),
        ("x" * 2000, "x" * 1000),
        ("", ""),
    ]:
        with subtests.test(found=address):
            assert urls.sanitized(address) == shown

    for url, shown in [
        ("https://calls.example/x?y=a@b#c@d", "https://calls.example/x?y=a@b#c@d"),
        ("https://user:sample@calls.example:8443/x", "https://calls.example:8443/x"),
        ("//user@calls.example", "//calls.example"),
        ("https://one@two:three@calls.example/", "https://calls.example/"),
        ("sip:line@calls.example", "sip:line@calls.example"),
        ("", ""),
    ]:
        with subtests.test(url=url):
            assert urls.without_user(url) == shown


def test_inbound_webhook_url_needs_base_and_agent_and_encodes_it(subtests):
    for agent, segment in [
        ("support", "support"),
        ("Night shift", "Night%20shift"),
        ("a?b#c&d=e", "a%3Fb%23c%26d%3De"),
        ("50% off+", "50%25%20off%2B"),
        ('"><b>', "%22%3E%3Cb%3E"),
        ("Zoë", "Zo%C3%AB"),
        ("{{7*7}}", "%7B%7B7%2A7%7D%7D"),
        ("a.b_c~d-e", "a.b_c~d-e"),
    ]:
        with subtests.test(agent=agent):
            url = urls.inbound_webhook_url("https://voice.example.com/base", "twilio", agent)
            assert url == f"https://voice.example.com/base/telephony/twilio/inbound/{segment}"
            assert unquote(urlsplit(url).path.rsplit("/", 1)[1]) == agent

    for base, name in [(None, "support"), ("", "support"), ("https://voice.example.com", None)]:
        with subtests.test(base=base, name=name):
            assert urls.inbound_webhook_url(base, "twilio", name) is None


def test_local_path_is_a_path_of_this_site(subtests):
    for target in [
        None,
        "",
        "o/acme",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "/o\r\nSet-Cookie: a=b",
        "/o/acme\0",
        " /o/acme",
        "/o\\acme",
    ]:
        with subtests.test(target=target):
            assert urls.local_path(target) is None

    for target in ["/", "/o/acme-support/", "/o/acme?q=//evil.example#top"]:
        with subtests.test(target=target):
            assert urls.local_path(target) == target


def test_web_origin_is_what_browsers_send():
    for text in (
        "https://dialer.example.com",
        "https://dialer.example.com:8443",
        "https://dialer",
        "https://10.1.2.3",
        "https://[2001:db8::1]:8443",
        "http://localhost:3000",
        "http://127.0.0.1",
        "http://[::1]:3000",
    ):
        assert urls.web_origin(text) == text

    # Those that can be meant are answered with the right spelling.
    wrong = []
    for text, part in (
        ("https://dialer.example.com/", ": https://dialer.example.com."),
        ("https://dialer.example.com/app?a#b", ": https://dialer.example.com."),
        ("https://Dialer.example.com:443", ": https://dialer.example.com."),
        ("https://bücher.example", ": https://xn--bcher-kva.example."),
        ("https://ann:sample-word@dialer.example.com", ": https://dialer.example.com."),
        ("http://[0:0:0:0:0:0:0:1]", "Use https"),
        ("http://dialer.example.com", "Use https"),
        ("http://localhost.example.com", "Use https"),
        ("*", "wildcard"),
        ("https://*.example.com", "wildcard"),
        ("https://*", "wildcard"),
        ("null", "scheme"),
        ("dialer.example.com", "scheme"),
        ("//dialer.example.com", "scheme"),
        ("file:///srv", "scheme"),
        ("ftp://dialer.example.com", "scheme"),
        ("chrome-extension://abcdef", "scheme"),
        ("https://", "scheme"),
        ("https://[", "scheme"),
        ("https://dialer.example.com:0", "scheme"),
        ("https://dialer.example.com:99999", "scheme"),
        ("https://dialer..example.com", "scheme"),
        ("https://dialer.example.com\r\nX-A: 1", "scheme"),
    ):
        try:
            wrong.append((text, urls.web_origin(text)))
        except ValueError as error:
            if part not in str(error) or "sample-word" in str(error):
                wrong.append((text, str(error)))
    assert wrong == []
