"""Real sockets on this machine. Where an official host is called, the name lookup says something
public and the last wire alone is moved, so that every guard stays on."""

from __future__ import annotations

import base64
import datetime
import gzip
import ipaddress
import json
import logging
import socket
import ssl
import threading
import time
from contextlib import ExitStack, suppress
from email.utils import format_datetime

import pytest
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.core.outbound import addresses, sockets, turns
from app.core.outbound import client as outbound_client
from app.core.outbound.answer import Answer, OutboundError
from app.core.outbound.client import Outbound
from app.core.outbound.turns import Limits

HOST = "api.provider.example"
URL = f"https://{HOST}/v1/account?token=hidden-in-query"
PUBLIC = "93.184.216.34"
SECRET = "hidden-in-header"


def answer(body=b"{}", status="200 OK", *headers):
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Server:
    """Answers each connection with the next of `answers`, the last one again and again.

    An answer is bytes, or a function that gets the socket. `requests` is what came, in order.
    """

    def __init__(self, answers, tls=None):
        self.answers, self.tls = list(answers), tls
        self.requests = []
        self.connections = 0
        self.over = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with suppress(OSError), peer:
            if self.tls:
                peer = self.tls.wrap_socket(peer, server_side=True)
            with peer:
                self.requests.append(self._read(peer))
                place = min(len(self.requests), len(self.answers)) - 1
                chosen = self.answers[place]
                if callable(chosen):
                    chosen(peer)
                else:
                    peer.sendall(chosen)

    @staticmethod
    def _read(peer):
        got = b""
        while b"\r\n\r\n" not in got:
            got += peer.recv(65536) or b"\r\n\r\n"
        head, _, body = got.partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += peer.recv(65536)
        return head + b"\r\n\r\n" + body

    def hang(self, _peer=None):
        self.over.wait(10)

    def drip(self, text):
        def send(peer):
            for byte in text:
                peer.sendall(bytes([byte]))
                if self.over.wait(0.02):
                    return

        return send

    def close(self):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


@pytest.fixture
def serve():
    servers = []

    def start(*answers, tls=None):
        servers.append(Server(answers or [answer()], tls))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(outbound_client, "FIRST_PAUSE", 0.001)


def to(server, **options):
    return Outbound({HOST: server.base}, **({"deadline": 5.0} | options))


def refused(client, url=URL, method="GET", **more):
    with pytest.raises(OutboundError) as error:
        client.send(method, url, headers={"X-Key": SECRET}, **more)
    message = error.value.message
    assert message == str(error.value)
    assert message.endswith(".")
    assert "?" not in message
    assert "hidden" not in message
    return error.value.code


@pytest.fixture
def resolver(monkeypatch):
    """`resolver(["1.2.3.4"], ["127.0.0.1"])`: what successive lookups say; the last one again and again."""
    looked_up: list[str] = []

    def says(*rounds):
        looked_up.clear()

        def getaddrinfo(host, port, *_args, **_kwargs):
            looked_up.append(host)
            ips = rounds[min(len(looked_up), len(rounds)) - 1]
            return [
                (socket.AF_INET6 if ":" in ip else socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port))
                for ip in ips
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        return looked_up

    return says


@pytest.fixture
def wire(monkeypatch):
    """Moves what is dialled to a local server, and returns the dialled addresses."""
    dialled = []

    def lead(server):
        def connect(self, address):
            dialled.append(address)
            return socket.socket.connect(self, ("127.0.0.1", server.port))

        monkeypatch.setattr(sockets._Socket, "connect", connect, raising=False)
        return dialled

    return lead


@pytest.fixture
def official(resolver, wire):
    """Puts a local server where the official host is."""

    def place(server):
        resolver([PUBLIC])
        return wire(server)

    return place


@pytest.fixture
def no_dialling(monkeypatch):
    def connect(_self, address):
        raise AssertionError(f"dialled {address}")

    monkeypatch.setattr(sockets._Socket, "connect", connect, raising=False)


# What is sent and what comes back


def test_send_adds_headers_and_a_body_and_reads_gzip_chunks(serve):
    server = serve(answer(b'{"sid": "AC1"}', "200 OK", "X-One: 1"))
    client = Outbound({HOST: f"{server.base}/egress/"})
    response = client.send(
        "post",
        f"https://{HOST}/v1/a%20b?x=1",
        headers={"X-Key": "ключ", "host": "evil.example"},
        query={"y": "a b", "none": None},
        form={"VoiceUrl": "https://voice.example/?a=b"},
        auth=("ann", "pässword"),
    )
    assert (response.status, response.json(), response.headers["x-one"]) == (200, {"sid": "AC1"}, "1")
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /egress/v1/a%20b?x=1&y=a+b HTTP/1.1\r\n")
    assert [line for line in head.split(b"\r\n") if line.lower().startswith(b"host:")] == [
        f"Host: {HOST}".encode()
    ]
    assert f"X-Key: {'ключ'}".encode() in head
    assert base64.b64encode("ann:pässword".encode()) in head
    assert body == b"VoiceUrl=https%3A%2F%2Fvoice.example%2F%3Fa%3Db"

    packed = gzip.compress(b'{"a": 1}')
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"
    chunked += b"%x\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (5, packed[:5], len(packed) - 5, packed[5:])
    server = serve(chunked)
    assert to(server).send("PUT", URL, json={"b": 2}).json() == {"a": 1}
    assert b"Content-Type: application/json" in server.requests[0]
    assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {"b": 2}

    server = serve()
    to(server).send("POST", URL, body=b'{"b":\xff}', headers={"Content-Type": "application/json"})
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"b":\xff}'
    assert head.count(b"Content-Type: application/json") == 1

    assert "hidden" not in repr(Answer(200, {"X": "hidden"}, b"hidden"))


def test_send_rejects_header_injection(serve, subtests):
    for header in [{"X": "a\r\nY: b"}, {"X": "a\nb"}, {"X\r\nY": "a"}, {"X": "\0"}, {"": "a"}]:
        with subtests.test(header=header):
            server = serve()
            with pytest.raises(ValueError, match="cannot be sent") as error:
                to(server).send("GET", URL, headers=header)
            assert "Y: b" not in str(error.value)
            assert server.connections == 0


# Where a call may go

PRIVATE = [
    *["127.0.0.1", "127.255.255.254", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255"],
    *["192.168.0.1", "192.168.255.255", "169.254.169.254", "100.64.0.1", "100.127.255.255", "0.0.0.0"],  # noqa: S104
    *["0.1.2.3", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1"],
    *["203.0.113.1", "192.88.99.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"],
    *["168.63.129.16", "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "::8.8.8.8"],
    *["fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1", "64:ff9b::a9fe:a9fe"],
    *["64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:0:7f00:1::"],
    *["2001:2::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"],
]
OPEN = ["8.8.8.8", PUBLIC, "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1", "168.63.129.17"]
OPEN_V6 = ["2606:4700:4700::1111", "2a00:1450:4001:800::200e", "2001:4860:4860::8888"]


def test_send_dials_no_private_address_and_nothing_without_time_left(resolver, no_dialling, subtests):
    for address in PRIVATE:
        for among in [[], [PUBLIC]]:
            with subtests.test(address=address, among=among):
                for ips in ([address, *among], [*among, address]):
                    resolver(ips)
                    assert refused(Outbound()) == "refused_address"

    for address in PRIVATE:
        with subtests.test(address=address):
            looked_up = resolver([PUBLIC])
            host = f"[{address}]" if ":" in address else address
            assert refused(Outbound(), f"https://{host}/") == "refused_address"
            assert looked_up == []

    for address in OPEN + OPEN_V6:
        with subtests.test(address=address):
            assert addresses.is_public(ipaddress.ip_address(address))

    looked_up = resolver([PUBLIC])
    assert refused(Outbound().within(0)) == "timeout"
    assert refused(Outbound().within(0).within(60)) == "timeout"
    assert looked_up == []


def test_send_rejects_obscure_urls_before_lookup(resolver, no_dialling, subtests):
    for url in [
        *[
            "https://2130706433/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://127.1/",
            "https://0/",
        ],
        *["https://0x7f.0.0.1/", "https://0177.0.0.1/", "https://127.0.0.01/", "https://127.0.0.0x1/"],
        *[
            "https://127.0.0.1./",
            f"https://{HOST}./",
            "https://localhost/",
            "https://localhost./",
            "https://x/",
        ],
        *[
            f"https://user@{HOST}/",
            f"https://user:hidden@{HOST}/",
            f"https://{HOST}@127.0.0.1/",
            f"https://@{HOST}",
        ],
        *[f"https://{HOST}\\@127.0.0.1/", f"https://{HOST}\t.evil.example/", f"https://{HOST}\n/", f" {URL}"],
        *[
            f"http://{HOST}/",
            f"ftp://{HOST}/",
            "file:///etc/passwd",
            f"//{HOST}/",
            HOST,
            "",
            "https://",
            "https:///a",
        ],
        *[f"https://{HOST}:0/", f"https://{HOST}:99999/", f"https://{HOST}:x/", "https://[", "https://[::1/"],
        *[
            "https://\uff11\uff12\uff17.0.0.1/",
            "https://ⓔxample.com/",
            "https://[fe80::1%25eth0]/",
            "https://[2606:4700::1%25lo]/",
        ],
        *[
            "https://a..example/",
            "https://-a.example/",
            f"https://{'a' * 64}.example/",
            "https://%61.example/",
        ],
    ]:
        with subtests.test(url=url):
            looked_up = resolver([PUBLIC])
            assert refused(Outbound(), url) == "refused_address"
            assert looked_up == []


def test_send_dials_the_address_that_it_checks_for_every_call(resolver, wire, serve, trusted, quick):
    looked_up = resolver([PUBLIC], ["127.0.0.1"])
    server = serve(answer(status="503 Busy"), answer(), tls=trusted)
    dialled = wire(server)
    assert Outbound().send("GET", URL).status == 200
    assert looked_up == [HOST]
    assert dialled == [(PUBLIC, 443)] * 2
    assert f"Host: {HOST}\r\n".encode() in server.requests[0]

    resolver([PUBLIC], ["127.0.0.1"])
    wire(serve(tls=trusted))
    client = Outbound()
    assert client.send("GET", URL).status == 200
    assert refused(client) == "refused_address"


def test_send_without_a_resolved_name_is_a_dns_error_or_timeout(monkeypatch, resolver):
    resolver([])
    assert refused(Outbound()) == "dns"

    def unknown(*_args, **_kwargs):
        raise socket.gaierror(socket.EAI_NONAME, "hidden")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert refused(Outbound()) == "dns"

    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: over.wait(10))
    assert refused(Outbound(deadline=0.2)) == "timeout"
    over.set()


def test_send_ignores_proxies_and_netrc(serve, official, trusted, monkeypatch, tmp_path):
    proxy = serve()
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.base)
        monkeypatch.setenv(name.lower(), proxy.base)
    monkeypatch.setenv("NO_PROXY", "")
    netrc = tmp_path / ".netrc"
    netrc.write_text(f"machine {HOST} login ann password from-netrc\ndefault login ann password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(netrc))
    plain, secure = serve(), serve(tls=trusted)
    to(plain).send("GET", URL)
    official(secure)
    Outbound().send("GET", URL)
    assert proxy.connections == 0
    for server in (plain, secure):
        assert len(server.requests) == 1
        assert b"authorization" not in server.requests[0].lower()


# Certificates


def _certificate(tmp_path, name, days=1):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "server.pem"
    plain = serialization.NoEncryption()
    kind = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, kind, plain)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, path


@pytest.fixture
def trusted(tmp_path, monkeypatch):
    """A certificate for HOST that the system trusts."""
    context, path = _certificate(tmp_path, HOST)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return context


CERTIFICATES = {
    "unknown issuer": (HOST, 1, False),
    "another host": ("other.example", 1, True),
    "expired": (HOST, -1, True),
    "the address alone": (PUBLIC, 1, True),
}


def test_send_rejects_bad_certificates_and_plain_http(tmp_path, monkeypatch, official, serve):
    """Nothing is sent before; of the official host and of an upstream alike."""
    for case, (name, days, is_trusted) in CERTIFICATES.items():
        context, path = _certificate(tmp_path, name, days)
        if is_trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(path))
        server = serve(tls=context)
        official(server)
        assert (refused(Outbound()), server.requests) == ("tls", []), case

    plain = serve(answer())
    plain._read = lambda peer: peer.recv(65536)
    official(plain)
    assert refused(Outbound(deadline=5.0)) == "tls"
    assert len(plain.requests) == 1
    assert all(SECRET.encode() not in request for request in plain.requests)


def test_send_checks_certificates_of_upstreams(serve, trusted):
    server = serve(tls=trusted)
    assert refused(Outbound({HOST: f"https://127.0.0.1:{server.port}"})) == "tls"


# What providers do wrong


def test_send_times_out_however_the_provider_hangs(serve, official, trusted, subtests):
    server = serve()
    server.answers = [server.hang]
    assert refused(to(server, deadline=0.1)) == "timeout"
    assert server.connections == 1

    server = serve()
    server._read = lambda _peer: server.hang()
    assert refused(to(server, deadline=0.3), method="POST", json="x" * 20_000_000) == "timeout"

    dripping = {
        "body": answer(b"x" * 500),
        "headers": b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200,
        "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 200,
        "continue": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    }
    for tls in (None, trusted):
        for name, text in dripping.items():
            with subtests.test(name, tls=bool(tls)):
                server = serve(tls=tls)
                server.answers = [server.drip(text)]
                if tls:
                    official(server)
                client = Outbound(deadline=0.1) if tls else to(server, deadline=0.1)
                assert refused(client) == "timeout"

    over = threading.Event()

    class Never:
        def wrap_socket(self, peer, **_options):
            over.wait(10)
            raise OSError

    official(serve(tls=Never()))
    assert refused(Outbound(deadline=0.1)) == "timeout"
    over.set()


def _endless(peer):
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while True:
        peer.sendall(b"x" * 65536)


BOMB = gzip.compress(bytes(50_000_000), 9)


def test_send_reads_responses_up_to_a_limit(serve, subtests):
    for response in [
        answer(b"x" * 10_001),
        _endless,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 40_000,
        b"HTTP/1.1 200 OK\r\n" + b"X-A: " + b"b" * 60_000 + b"\r\nX-B: " + b"b" * 60_000 + b"\r\n\r\n",
        answer(BOMB, "200 OK", "Content-Encoding: gzip"),
        answer(gzip.compress(b"x" * 10_001), "200 OK", "Content-Encoding: x-GZIP"),
        answer(gzip.compress(b"") * 10_000, "200 OK", "Content-Encoding: gzip"),
    ]:
        with subtests.test(sent=response):
            server = serve(response)
            most = 60_000 if response.__class__ is bytes and BOMB in response else 10_000
            assert refused(to(server, most_bytes=most)) == "too_large"
            assert server.connections == 1

    body = b"x" * 10_000
    server = serve(answer(body), answer(gzip.compress(body), "200 OK", "Content-Encoding: gzip"))
    client = to(server, most_bytes=10_000)
    assert [client.send("GET", URL).body for _ in range(2)] == [body, body]


def test_json_is_the_body_of_a_4xx_too_and_nothing_else(serve, subtests):
    for status in [400, 401, 403, 404, 422]:
        with subtests.test(status=status):
            server = serve(answer(b'{"message": "no"}', f"{status} No"))
            response = to(server).send("GET", URL)
            assert (response.status, response.json()) == (status, {"message": "no"})
            assert server.connections == 1

    for body in [
        b"<html>hidden</html>",
        b'{"hidden": ',
        b"",
        b"\xff",
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"[" * 5000,
    ]:
        with subtests.test(body=body):
            response = to(serve(answer(body))).send("GET", URL)
            with pytest.raises(OutboundError, match=HOST) as error:
                response.json()
            assert error.value.code == "not_json"
            assert error.value.__cause__ is None


def test_send_retries_a_get_twice_and_returns_the_first_success(serve, quick, subtests):
    for broken in [
        b"",
        b"hello\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        answer(b"not gzip", "200 OK", "Content-Encoding: gzip"),
        answer(gzip.compress(b"{}", mtime=0)[:-9], "200 OK", "Content-Encoding: gzip"),
    ]:
        with subtests.test(broken=broken):
            server = serve(broken)
            assert refused(to(server)) == "connect"
            assert server.connections == 3

    for status in [429, 500, 502, 503, 504]:
        with subtests.test(status=status):
            server = serve(answer(b"no", f"{status} Busy"))
            assert to(server).send("GET", URL).status == status
            assert server.connections == 3

    server = serve(b"", answer(status="500 Oops"), answer(b"[1]"))
    assert to(server).send("get", URL).json() == [1]
    assert server.connections == 3

    server = serve(answer(status="503 Busy"))
    server.answers.append(server.hang)
    assert to(server, deadline=0.4).send("GET", URL).status == 503
    assert server.connections == 2

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert refused(Outbound({HOST: f"http://127.0.0.1:{port}"})) == "connect"


# Trying again


def test_send_repeats_no_write_and_follows_no_redirect(serve, quick, subtests):
    for method in ["POST", "PUT", "PATCH", "DELETE"]:
        for first in [b"", answer(status="429 Wait", body=b""), answer(status="503 Busy")]:
            with subtests.test(method=method, first=first):
                server = serve(first, answer())
                if first:
                    assert to(server).send(method, URL, json={}).status in (429, 503)
                else:
                    assert refused(to(server), method=method, json={}) == "connect"
                assert server.connections == 1

    for status in [301, 302, 303, 307, 308]:
        with subtests.test(status=status):
            target = serve()
            elsewhere = f"Location: {target.base}/latest?hidden=1"
            server = serve(answer(b"x" * 100, f"{status} Moved", elsewhere))
            assert refused(to(server, most_bytes=10)) == "redirect"
            assert (server.connections, target.connections) == (1, 0)


def _date(seconds):
    return format_datetime(
        datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds), usegmt=True
    )


def test_retry_after_delays_the_retry_within_the_deadline(serve, quick, subtests, monkeypatch):
    for after in ["0", "-5", "soon", "", "٣", _date(-100), "Mon, 99 Foo 2020", "1e9"]:
        with subtests.test(after=after):
            server = serve(
                answer(b"", "429 Wait", f"Retry-After: {after}".encode().decode("latin-1")), answer()
            )
            assert to(server).send("GET", URL).status == 200
            assert server.connections == 2

    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    server = serve(
        answer(b"", "429 Wait", "Retry-After: 7"), answer(b"", "503 No", f"Retry-After: {_date(8)}")
    )
    server.answers.append(answer())
    assert to(server, deadline=30).send("GET", URL).status == 200
    assert waited[0] == 7
    assert 5 < waited[1] <= 8

    for after in ["60", "999999999", "9" * 50, _date(3600)]:
        with subtests.test(after=after):
            monkeypatch.setattr(
                time, "sleep", lambda seconds: pytest.fail(f"would sleep for {seconds} seconds")
            )
            server = serve(answer(b"", "429 Wait", f"Retry-After: {after}"))
            response = to(server, deadline=0.2).send("GET", URL)
            assert (response.status, response.headers["retry-after"]) == (429, after)
            assert server.connections == 1


# Time that calls share


@pytest.fixture
def pass_time(monkeypatch):
    """`pass_time(3)`: three seconds later than it was."""
    ahead: list[float] = []
    monotonic = time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + sum(ahead))
    return ahead.append


def test_within_shares_one_deadline_and_never_extends_it(serve, pass_time):
    server = serve()
    client = to(server)
    together = client.within(60)
    for _ in range(2):
        together.send("GET", URL)
        pass_time(20)
    together.send("GET", URL)
    pass_time(20)
    assert refused(together) == "timeout"
    assert len(server.requests) == 3
    client.send("GET", URL)

    server = serve()
    server.answers = [server.hang]
    assert refused(to(server, deadline=0.1).within(60)) == "timeout"


# What is logged


def test_log_has_method_host_status_and_duration_only(serve, quick, caplog, monkeypatch):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(
        outbound_client, "log", structlog.get_logger()
    )  # one that was used keeps its processors
    good = answer(b'{"a": "hidden-in-body"}', "200 OK", "X-Hidden: hidden-in-header")
    unreadable = answer(b"hidden-in-body", "200 OK", "hidden-in-header", " : hidden")
    server = serve(good, unreadable, answer(b"", "401 No"), b"")
    with structlog.testing.capture_logs() as logs:
        client = to(server)
        for _ in range(3):
            client.send("GET", URL, headers={"X-Key": SECRET}, auth=("ann", "hidden"))
        refused(client, method="POST", form={"a": "hidden-in-form"})
    assert [set(line) for line in logs] == [{"event", "log_level", "method", "host", "status", "ms"}] * 4
    assert [line["status"] for line in logs] == [200, 200, 401, "connect"]
    assert all(line["host"] == HOST for line in logs)
    assert "hidden" not in repr(logs) + caplog.text
    assert "/v1" not in repr(logs) + caplog.text


def test_busy_call_is_refused_beyond_each_limit_and_writes_nothing(serve, monkeypatch):
    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.0)
    client = to(serve(), limits=Limits(total=4, host=3, organization=3, shared=2))
    cases = [
        ("total", [(f"{n}.example.com", f"{n}") for n in range(4)]),
        ("host", [(HOST, f"{n}") for n in range(3)]),
        ("organization", [(f"{n}.example.com", "acme") for n in range(3)]),
        ("shared", [(HOST, "acme")] * 2),
    ]
    acme, wrong = client.for_organization("acme"), []
    for name, slots in cases:
        with ExitStack() as stack:
            for host, owner in slots:
                stack.enter_context(client._turns.taken(host, owner))
            results = refused(acme), refused(acme.within(5))
        if results != ("busy", "busy") or acme.send("GET", URL).status != 200:
            wrong.append((name, results))
    assert wrong == []

    monkeypatch.setattr(turns, "WAIT_SECONDS", 0.0)
    begun: list[str] = []
    client = to(serve(), limits=Limits(total=1)).calling(before_write=lambda: begun.append("begun"))
    with client._turns.taken(HOST, "acme"):
        assert refused(client, method="POST") == "busy"
    assert begun == []


def test_as_provider_sends_a_url_once_and_trusts_no_root_of_this_system(serve, quick, official, trusted):
    server = serve(answer(status="503 Busy"))
    url = f"https://{HOST}/a%7Eb/caf%c3%a9?x=%2f"
    assert to(server).as_provider(5, 1000).send("GET", url).status == 503
    assert [request.split(b"\r\n")[0] for request in server.requests] == [
        b"GET /a%7Eb/caf%c3%a9?x=%2f HTTP/1.1"
    ]
    large = serve(answer(b"x" * 1001))
    assert refused(to(large).as_provider(5, 1000), method="POST") == "too_large"

    server = serve(answer(), tls=trusted)
    official(server)
    http = Outbound()
    assert http.send("GET", URL).status == 200
    assert refused(http.as_provider(5, 1000)) == "tls"
