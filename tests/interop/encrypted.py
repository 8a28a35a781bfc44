"""Encrypted assertions (XML Encryption 1.1) as products write them, by `cryptography`."""

import base64
import os
import re
import uuid
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from idp import SAML
from shapes import DSIG, ShapedIdp, in_lines

XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
KEY_BYTES = {"aes128-gcm": 16, "aes256-gcm": 32, "aes128-cbc": 16, "aes256-cbc": 32}
# RSA-OAEP: its `EncryptionMethod`, the hash, and the hash of the mask.
OAEP_SHA1 = (f'<xenc:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p"/>', hashes.SHA1(), hashes.SHA1())
# The same with the hash stated that is the default, and a namespace declared twice.
OAEP_SHA1_STATED = (
    f'<xenc:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p" xmlns:xenc="{XENC}">'
    f'<ds:DigestMethod Algorithm="{DSIG}sha1" xmlns:ds="{DSIG}"/></xenc:EncryptionMethod>',
    hashes.SHA1(),
    hashes.SHA1(),
)
OAEP_SHA256_MASK_SHA1 = (
    f'<xenc:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p">'
    f'<ds:DigestMethod Algorithm="{XENC}sha256" xmlns:ds="{DSIG}"/></xenc:EncryptionMethod>',
    hashes.SHA256(),
    hashes.SHA1(),
)
OAEP_SHA256 = (
    f'<xenc:EncryptionMethod Algorithm="{XENC11}rsa-oaep">'
    f'<ds:DigestMethod Algorithm="{XENC}sha256" xmlns:ds="{DSIG}"/>'
    f'<xenc11:MGF Algorithm="{XENC11}mgf1sha256" xmlns:xenc11="{XENC11}"/></xenc:EncryptionMethod>',
    hashes.SHA256(),
    hashes.SHA256(),
)


@dataclass(frozen=True)
class Encryption:
    """How a product encrypts."""

    algorithm: str = "aes128-gcm"
    transport: tuple = OAEP_SHA1_STATED
    # The key stands beside the data, which refers to it; otherwise within the data's KeyInfo.
    beside: bool = False
    # How the recipient's certificate is named with the key: "certificate", "serial" or "".
    names: str = "certificate"
    # Between the lines of base64.
    wrap: str = ""

    def cipher_value(self, data):
        value = in_lines(base64.b64encode(data).decode(), self.wrap)
        return f"<xenc:CipherData><xenc:CipherValue>{value}</xenc:CipherValue></xenc:CipherData>"

    def encrypted_data(self, plain, certificate, recipient):
        """`EncryptedData`, and `EncryptedKey` beside it if that is where it stands."""
        data_id, key_id = (f"_{uuid.uuid4().hex}" for _ in range(2))
        key = os.urandom(KEY_BYTES[self.algorithm])
        method, digest, mask = self.transport
        key_info = f'<ds:KeyInfo xmlns:ds="{DSIG}">{{}}</ds:KeyInfo>'
        wrapped_key = (
            f'<xenc:EncryptedKey Id="{key_id}" Recipient="{recipient}" xmlns:xenc="{XENC}">{method}'
            + (key_info.format(f"<ds:X509Data>{self.named(certificate)}</ds:X509Data>") if self.names else "")
            + self.cipher_value(certificate.public_key().encrypt(key, OAEP(MGF1(mask), digest, None)))
            + f'<xenc:ReferenceList><xenc:DataReference URI="#{data_id}"/></xenc:ReferenceList></xenc:EncryptedKey>'
        )
        retrieval = f'<ds:RetrievalMethod Type="{XENC}EncryptedKey" URI="#{key_id}"/>'
        namespace = XENC11 if self.algorithm.endswith("gcm") else XENC
        return (
            f'<xenc:EncryptedData Id="{data_id}" Type="{XENC}Element" xmlns:xenc="{XENC}">'
            f'<xenc:EncryptionMethod Algorithm="{namespace}{self.algorithm}" xmlns:xenc="{XENC}"/>'
            + key_info.format(retrieval if self.beside else wrapped_key)
            + self.cipher_value(cipher_text(self.algorithm, key, plain))
            + "</xenc:EncryptedData>"
            + (wrapped_key if self.beside else "")
        )

    def named(self, certificate):
        if self.names == "serial":
            return (
                f"<ds:X509IssuerSerial><ds:X509IssuerName>{certificate.issuer.rfc4514_string()}</ds:X509IssuerName>"
                f"<ds:X509SerialNumber>{certificate.serial_number}</ds:X509SerialNumber></ds:X509IssuerSerial>"
            )
        der = base64.b64encode(certificate.public_bytes(serialization.Encoding.DER)).decode()
        return f"<ds:X509Certificate>{in_lines(der, self.wrap)}</ds:X509Certificate>"


def cipher_text(algorithm, key, plain):
    """The initialization vector and what follows it (XML Encryption 5.2)."""
    if algorithm.endswith("gcm"):
        vector = os.urandom(12)
        return vector + AESGCM(key).encrypt(vector, plain, None)
    vector, pad = os.urandom(16), padding.ANSIX923(128).padder()
    encryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).encryptor()
    return vector + encryptor.update(pad.update(plain) + pad.finalize()) + encryptor.finalize()


class EncryptingIdp(ShapedIdp):
    """A provider that encrypts its assertions to `certificate`."""

    encryption, certificate = Encryption(), None

    def sealed(self, text):
        found = re.search(r"<((?:\w+:)?)Assertion\b.*</\1Assertion>", text, re.DOTALL)
        prefix = found[1]
        declared = f'xmlns{":" * bool(prefix)}{prefix[:-1]}="{SAML}"'
        data = self.encryption.encrypted_data(found[0].encode(), self.certificate, self.broker.entity_id(self.name))
        sealed = f"<{prefix}EncryptedAssertion {declared}>{data}</{prefix}EncryptedAssertion>"
        return text.replace(found[0], sealed)
