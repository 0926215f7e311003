"""Amazon SNS: messages proven by a certificate of Amazon's, and subscriptions that have to be confirmed."""

import asyncio
import base64
import binascii
import datetime as dt
import json
import re
import urllib.error
import urllib.request
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sori_ingest.hooks.signatures import Proof, Refused

log = structlog.get_logger()

Fetch = Callable[[str], Awaitable[bytes]]

CERTIFICATE_UNAVAILABLE = "certificate_unavailable"  # for now, that is: the sender is to come again

_HOST = re.compile(r"sns\.[a-z0-9-]{3,40}\.amazonaws\.com(?:\.cn)?")
_WINDOW_SECONDS = 3_600  # The time is that of publishing, and Amazon tries for as long as this.
_MOST_CERTIFICATES = 16
_MOST_BYTES = 64 << 10
_SECONDS = 5.0
_NOTIFICATION = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_HASHES: Mapping[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


async def fetch(url: str) -> bytes:
    """Get a small document from Amazon; redirects are not followed."""

    def get() -> bytes:
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(url, timeout=_SECONDS) as response:
            found: bytes = response.read(_MOST_BYTES)
            return found

    return await asyncio.to_thread(get)


class Sns:
    """Verifies messages, with certificates that are fetched once."""

    def __init__(self, get: Fetch = fetch) -> None:
        self._get = get
        self._certificates: OrderedDict[str, x509.Certificate] = OrderedDict()

    async def verify(self, body: bytes, topics: frozenset[str], *, now: dt.datetime) -> tuple[Proof, dict[str, str]]:
        """Prove that Amazon sent it for one of our topics; gives the message too, or raises Refused."""
        message = _message(body)
        if message.get("TopicArn", "") not in topics:
            raise Refused("topic_unknown")
        signed = _SIGNED.get(message.get("Type", ""))
        algorithm = _HASHES.get(message.get("SignatureVersion", ""))
        if signed is None or algorithm is None:
            raise Refused("signature_wrong")
        text = "".join(f"{key}\n{message[key]}\n" for key in signed if key in message)
        certificate = await self._certificate(message.get("SigningCertURL", ""), now)
        key = certificate.public_key()
        try:
            signature = base64.b64decode(message.get("Signature", ""), validate=True)
            if not isinstance(key, rsa.RSAPublicKey):
                raise Refused("certificate_wrong")
            key.verify(signature, text.encode(), padding.PKCS1v15(), algorithm)
        except (InvalidSignature, binascii.Error, ValueError):
            raise Refused("signature_wrong") from None
        _check_time(message.get("Timestamp", ""), now)
        return Proof(signed=True), message  # Amazon repeats a message as it is: its id makes that add nothing.

    async def confirm(self, message: Mapping[str, str]) -> bool:
        """Confirm a subscription that `verify` has proven; says whether Amazon agreed."""
        url = message.get("SubscribeURL", "")
        if not _is_amazons(url):
            return False
        try:
            await self._get(url)
        except (OSError, urllib.error.URLError) as error:
            log.warning("sns.not_confirmed", error=type(error).__name__)
            return False
        log.info("sns.confirmed")
        return True

    async def _certificate(self, url: str, now: dt.datetime) -> x509.Certificate:
        if not _is_amazons(url) or not urlsplit(url).path.endswith(".pem"):
            raise Refused("certificate_wrong")
        found = self._certificates.get(url)
        if found is None:
            try:
                found = x509.load_pem_x509_certificate(await self._get(url))
            except (OSError, ValueError) as error:
                log.warning("sns.certificate_unavailable", error=type(error).__name__)
                raise Refused(CERTIFICATE_UNAVAILABLE) from None
            self._certificates[url] = found
            if len(self._certificates) > _MOST_CERTIFICATES:
                self._certificates.popitem(last=False)
        if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
            del self._certificates[url]
            raise Refused("certificate_wrong")
        return found


def _is_amazons(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and port in (None, 443) and bool(_HOST.fullmatch(parts.netloc))


def _message(body: bytes) -> dict[str, str]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused("signature_missing") from None
    if not isinstance(found, dict):
        raise Refused("signature_missing")
    try:
        message = {key: value for key, value in found.items() if isinstance(value, str)}
        "".join(message.values()).encode()
    except UnicodeEncodeError:
        raise Refused("signature_wrong") from None
    return message


def _check_time(text: str, now: dt.datetime) -> None:
    try:
        sent = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refused("timestamp_wrong") from None
    if abs((now - sent.replace(tzinfo=sent.tzinfo or dt.UTC)).total_seconds()) > _WINDOW_SECONDS:
        raise Refused("timestamp_old")
