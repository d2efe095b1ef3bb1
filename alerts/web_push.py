"""Web Push: a message to a browser, sealed so that only that browser reads it (RFC 8291), with the site's signature (VAPID, RFC 8292).

Between us and the telephone stands the browser maker's push service: it sees that something is sent, to whom and when, and not what.
"""

import json
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from urllib.parse import urlsplit

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SCHEME = "push:"
"""Addresses of recipients that are browsers begin so."""
GONE = "subscription gone"
"""What is kept of a push service's 404 or 410; such a recipient is not tried again (``recipients_of_homes``)."""
RECORD_BYTES = 4096
"""One record, as RFC 8291 asks; push services take no more (RFC 8030, 7.2)."""
TOLD_WITHIN_S = 300
"""How long the push service keeps it for a telephone that is off, s. Chosen: as long as a P1 is tried; an alarm that comes hours later misleads."""
SIGNED_FOR_S = 12 * 3600
"""Life of the signature, s; at most a day (RFC 8292)."""


class Subscription(msgspec.Struct, frozen=True):
    """What the browser gave: where to send, its public key, and a secret that it shares with us."""

    endpoint: str
    p256dh: str
    """Uncompressed point on P-256, base64url."""
    auth: str
    """16 bytes, base64url."""

    def address(self) -> str:
        """As it stands in ``recipients.url``."""
        return SCHEME + _text(msgspec.json.encode(self))

    @classmethod
    def of_address(cls, address: str) -> "Subscription":
        """Raises ValueError."""
        return msgspec.json.decode(_bytes(address.removeprefix(SCHEME)), type=cls)

    def checked(self) -> "Subscription":
        """Raises ValueError where nothing could be sealed for it."""
        _point(self.p256dh)
        if len(_bytes(self.auth)) != 16:
            raise ValueError("auth is not 16 bytes")
        return self


def private_key(text: str) -> ec.EllipticCurvePrivateKey:
    """The site's key from 32 bytes in base64url (SHOUWANG_ALERTS_PUSH_KEY). Raises ValueError."""
    return ec.derive_private_key(int.from_bytes(_bytes(text)), ec.SECP256R1())


def public_key(key: ec.EllipticCurvePrivateKey) -> str:
    """As a browser wants it: the uncompressed point, base64url."""
    return _text(_raw(key.public_key()))


def sealed(
    message: bytes, to: Subscription, *, ours: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The message for this browser alone: aes128gcm in one record. ``ours`` and ``salt`` are fresh for each; given only to compare with the RFC's example."""
    ours = ours or ec.generate_private_key(ec.SECP256R1())
    salt = salt or os.urandom(16)
    theirs = _point(to.p256dh)
    mine = _raw(ours.public_key())
    shared = ours.exchange(ec.ECDH(), theirs)
    secret = _derived(shared, _bytes(to.auth), b"WebPush: info\0" + _raw(theirs) + mine, 32)
    key = _derived(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(secret, salt, b"Content-Encoding: nonce\0", 12)
    # The 2 says: the last record.
    body = AESGCM(key).encrypt(nonce, message + b"\x02", None)
    return salt + RECORD_BYTES.to_bytes(4) + bytes([len(mine)]) + mine + body


def signature(endpoint: str, key: ec.EllipticCurvePrivateKey, contact: str, now_s: float) -> str:
    """The header ``Authorization``: who sends, to whom the push service may complain, until when."""
    where = urlsplit(endpoint)
    claims = {"aud": f"{where.scheme}://{where.netloc}", "exp": int(now_s) + SIGNED_FOR_S, "sub": contact}
    return f"vapid t={jwt.encode(claims, key, algorithm='ES256')}, k={public_key(key)}"


def send(address: str, title: str, body: str, *, key: str, contact: str, limit_s: float) -> tuple[bool, str]:
    """One message to one browser; whether its push service took it, and its answer. Raises what the network raises, and ValueError."""
    to, signer = Subscription.of_address(address), private_key(key)
    message = json.dumps({"title": title, "body": body}, ensure_ascii=False).encode()
    answer = httpx.post(
        to.endpoint, content=sealed(message, to), timeout=limit_s,
        headers={"Content-Encoding": "aes128gcm", "Content-Type": "application/octet-stream", "TTL": str(TOLD_WITHIN_S), "Urgency": "high",
                 "Authorization": signature(to.endpoint, signer, contact, time.time())},
    )  # fmt: skip
    if answer.status_code in (404, 410):
        return False, GONE
    return answer.is_success, f"the push service answered {answer.status_code}"


def _derived(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _point(text: str) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _bytes(text))


def _raw(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
