"""Certificates for test servers: valid ones of a test authority, and invalid ones."""

from __future__ import annotations

import datetime
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


NAME = "Sample authority"


class Authority:
    """A test authority. A client trusts it if SSL_CERT_FILE is its `path`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.path = folder / "authority.pem"
        own = _certificate(NAME, NAME, self._key, self._key, is_authority=True)
        self.path.write_bytes(own.public_bytes(serialization.Encoding.PEM))

    def context(self, name: str, *, days: int = 1, is_trusted: bool = True) -> ssl.SSLContext:
        """Returns the TLS context of a server with this name, whose certificate is valid for `days`.

        The certificate is signed by this authority; if not `is_trusted`, by its own key.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = (NAME, self._key) if is_trusted else (name, key)
        certificate = _certificate(name, issuer, key, signer, days=days)
        path = self._folder / f"{name}-{days}-{is_trusted}.pem"
        plain = serialization.NoEncryption()
        kind = serialization.PrivateFormat.PKCS8
        path.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(serialization.Encoding.PEM, kind, plain)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _certificate(
    name: str,
    issuer: str,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    days: int = 1,
    is_authority: bool = False,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 9 * DAY)
        .not_valid_after(now + days * DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])
