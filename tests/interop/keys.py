"""Keys and certificates of the other side, made afresh for each run."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID


def rsa_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def ec_key():
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def self_signed(key, name, ca=True):
    """A certificate for `key`, good for 127.0.0.1 and for today."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca, 0 if ca else None), critical=True)
        .sign(key, hashes.SHA256())
    )


@dataclass
class Pair:
    """A key and its certificate, in memory and as PEM files."""

    private: object
    certificate: x509.Certificate
    key: Path
    chain: Path

    def write_both(self, path):
        """Key and certificate in one file, as the broker wants its own."""
        path.write_bytes(self.key.read_bytes() + self.chain.read_bytes())
        path.chmod(0o600)

    @property
    def base64(self):
        """The certificate as it stands in metadata."""
        lines = self.chain.read_text().splitlines()
        return "".join(line for line in lines if not line.startswith("-"))


def pair(folder, name, private=None, ca=True):
    private = private or rsa_key()
    certificate = self_signed(private, name, ca)
    key, chain = Path(folder) / f"{name}.key.pem", Path(folder) / f"{name}.cert.pem"
    key.write_bytes(private_pem(private))
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Pair(private, certificate, key, chain)
