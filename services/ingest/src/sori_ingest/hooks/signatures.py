"""Who sent it: the signature schemes of the vendors, on the raw bytes, in constant time."""

import base64
import binascii
import datetime as dt
import hashlib
import hmac
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qs, parse_qsl, urlsplit

from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook
from twilio import request_validator as twilio  # type: ignore[import-untyped]

WINDOW_SECONDS = 300  # A signed time may be this far from ours, either way.

_Key = Callable[[str], bytes]


@dataclass(slots=True, kw_only=True)  # Frozen it would take four times as long to make.
class Delivery:
    """A request, as far as signatures go; nobody changes it."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # names in lower case
    urls: Callable[[], Sequence[str]] = tuple  # how the sender may have spelled the address, with its query
    path_secret: str = field(default="", repr=False)


class Refused(Exception):
    """The sender is not who it should be; the reason is a snake_case constant."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)  # Frozen it would take four times as long to make.
class Proof:
    """A delivery is from whom it says; nobody changes that."""

    signed: bool  # over its bytes; False: the sender only knows the secret
    once: bytes = b""  # what makes a replay of it recognised; empty: nothing in it says when it was sent


class Scheme(Protocol):
    """A way to prove who sent something."""

    def verify(self, delivery: Delivery, secrets: Collection[str], *, now: dt.datetime) -> Proof:
        """Prove it with one of the secrets, or raise Refused."""
        ...


def _utf8(secret: str) -> bytes:
    return secret.encode()


def _hex_or_utf8(secret: str) -> bytes:
    try:
        return bytes.fromhex(secret)
    except ValueError:
        return secret.encode()


def any_equal(given: Iterable[str], expected: Collection[str]) -> bool:
    """Compare each with each, in a time that does not tell which are equal, nor how much of one is right."""
    found = False
    for mine in given:
        for each in expected:
            found |= hmac.compare_digest(mine.encode(errors="surrogateescape"), each.encode(errors="surrogateescape"))
    return found


def _header(delivery: Delivery, name: str) -> str:
    value = delivery.headers.get(name, "").strip()
    if not value:
        raise Refused("signature_missing")
    return value


def _unix(text: str) -> float:
    if not text.isascii() or not text.isdecimal() or len(text) > 12:
        raise Refused("timestamp_wrong")
    return int(text)


def _rfc_3339(text: str) -> float:
    try:
        parsed = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refused("timestamp_wrong") from None
    return parsed.replace(tzinfo=parsed.tzinfo or dt.UTC).timestamp()


def _check_time(sent: float, now: dt.datetime, window: float = WINDOW_SECONDS) -> None:
    if abs(now.timestamp() - sent) > window:
        raise Refused("timestamp_old")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    """A keyed hash in a header, over the body or over a timestamp and the body."""

    header: str
    digest: str = "sha256"
    base64: bool = False  # else in hex
    prefix: str = ""  # before the hash, in the header
    timestamp: str = ""  # header with the time of sending
    read_time: Callable[[str], float] = _unix
    before: str = ""  # what is hashed ahead of the body; {time} stands for the timestamp as sent
    key: _Key = _utf8

    def verify(self, delivery: Delivery, secrets: Collection[str], *, now: dt.datetime) -> Proof:
        """Compare the hash with that of each secret."""
        given = _header(delivery, self.header)
        time = ""
        if self.timestamp:
            time = _header(delivery, self.timestamp)
            _check_time(self.read_time(time), now)
        message = self.before.replace("{time}", time).encode() + delivery.body if time else delivery.body
        expected = [self.prefix + self._spell(hmac.digest(self.key(each), message, self.digest)) for each in secrets]
        if not any_equal([given if self.base64 else given.lower()], expected):
            raise Refused("signature_wrong")
        return Proof(signed=True, once=f"{time}{given}".encode() if time else b"")

    def _spell(self, digest: bytes) -> str:
        return base64.b64encode(digest).decode() if self.base64 else digest.hex()


class Standard:
    """Standard Webhooks: id, time and body under each of the secrets' keys; several signatures may stand there."""

    def verify(self, delivery: Delivery, secrets: Collection[str], *, now: dt.datetime) -> Proof:
        """Compare the signatures with what the library makes with each secret."""
        prefix = "webhook" if "webhook-id" in delivery.headers else "svix"
        message_id, time = _header(delivery, f"{prefix}-id"), _header(delivery, f"{prefix}-timestamp")
        given = [each for each in _header(delivery, f"{prefix}-signature").split(" ") if each.startswith("v1,")]
        sent = _unix(time)
        _check_time(sent, now)
        expected = [_standard(each, message_id, sent, delivery.body) for each in secrets]
        if not any_equal(given[:16], expected):
            raise Refused("signature_wrong")
        return Proof(signed=True, once=f"{message_id}.{time}".encode())


def _standard(secret: str, message_id: str, sent: float, body: bytes) -> str:
    """Sign it as the library does; nothing where the secret is no key, as another of the source's may be one."""
    try:
        webhook = Webhook(secret)
        return webhook.sign(message_id, dt.datetime.fromtimestamp(sent, dt.UTC), body.decode())
    except (ValueError, RuntimeError, EmptyWebhookSecretError):
        return ""  # The secret is no base64, or the body no text.


class _Form(dict[str, list[str]]):
    """The fields of a form, as the library asks for them."""

    def getall(self, name: str) -> list[str]:
        return self[name]


class Twilio:
    """Twilio: the address and the sorted fields of a form, or the address with the hash of any other body in it."""

    def verify(self, delivery: Delivery, secrets: Collection[str], *, now: dt.datetime) -> Proof:
        """Compare with what the library makes of each spelling of the address, with a port and without."""
        given = _header(delivery, "x-twilio-signature")
        algorithm = twilio.get_signature_algorithm(delivery.headers.get("x-twilio-webhooks-signature-settings", ""))
        form: _Form | None = None
        if delivery.headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded"):
            form = _form(delivery.body)
        expected: list[str] = []
        for url in delivery.urls():
            hashes = _hashes(url)
            if hashes and form is None and not any_equal(hashes, [hashlib.sha256(delivery.body).hexdigest()]):
                raise Refused("signature_wrong")
            if not hashes and form is None and delivery.body:
                continue  # Nothing ties this body to the signature.
            for secret in secrets:
                expected += _twilio(secret, url, form, algorithm)
        if not any_equal([given], expected):
            raise Refused("signature_wrong")
        return Proof(signed=True)


def _hashes(url: str) -> list[str]:
    try:
        return parse_qs(urlsplit(url).query, max_num_fields=1_000).get("bodySHA256", [])
    except ValueError:
        raise Refused("signature_wrong") from None


def _form(body: bytes) -> _Form:
    form = _Form()
    try:
        for name, value in parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1_000):
            form.setdefault(name, []).append(value)
    except ValueError:
        raise Refused("signature_wrong") from None
    return form


def _twilio(secret: str, url: str, form: _Form | None, algorithm: str) -> list[str]:
    validator = twilio.RequestValidator(secret)
    try:
        parts = urlsplit(url)
        return [
            validator.compute_signature(each, form or {}, algorithm)
            for each in (twilio.remove_port(parts), twilio.add_port(parts))
        ]
    except ValueError:  # an algorithm that nobody knows, a port that is none
        raise Refused("signature_wrong") from None


class Square:
    """Square: the address as it was subscribed, then the body."""

    def verify(self, delivery: Delivery, secrets: Collection[str], *, now: dt.datetime) -> Proof:
        """Compare the hash with that of each secret and each spelling of the address."""
        given = _header(delivery, "x-square-hmacsha256-signature")
        expected = [
            base64.b64encode(hmac.digest(secret.encode(), url.encode() + delivery.body, "sha256")).decode()
            for secret in secrets
            for url in delivery.urls()
        ]
        if not any_equal([given], expected):
            raise Refused("signature_wrong")
        return Proof(signed=True)


class Shared:
    """For those who sign nothing: the secret in the path, or in a header that the sender lets one set.

    Taken are `Authorization` with any scheme (`KakaoAK`, `Bearer`, `Basic` with the secret as user or password) and
    `X-API-Key`. Who does sign after all, by Standard Webhooks, is asked for that.
    """

    def verify(self, delivery: Delivery, secrets: Collection[str], *, now: dt.datetime) -> Proof:
        """Compare with each secret."""
        if "webhook-signature" in delivery.headers:
            return STANDARD.verify(delivery, secrets, now=now)
        given = [delivery.path_secret, delivery.headers.get("x-api-key", "").strip(), *credentials(delivery.headers)]
        given = [each for each in given if each]
        if not given:
            raise Refused("secret_missing")
        if not any_equal(given, secrets):
            raise Refused("secret_wrong")
        return Proof(signed=False)


def credentials(headers: Mapping[str, str]) -> list[str]:
    """Give what a header `Authorization` may hold as a secret: the token, or user, password and both together."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    value = value.strip()
    if scheme.lower() != "basic":
        return [value]
    try:
        both = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return []
    user, _, password = both.partition(":")
    return [both, password or user, user]


STANDARD = Standard()
SHARED = Shared()
SNS = "sns"  # proven by a certificate: see `sns`

SCHEMES: Mapping[str, Scheme] = {
    "app_store": Hmac(header="x-apple-signature", prefix="hmacsha256="),
    "chatwoot": Hmac(
        header="x-chatwoot-signature", prefix="sha256=", timestamp="x-chatwoot-timestamp", before="{time}."
    ),
    "hub_sha1": Hmac(header="x-hub-signature", digest="sha1", prefix="sha1="),
    "hub_sha256": Hmac(header="x-hub-signature-256", prefix="sha256="),
    "line": Hmac(header="x-line-signature", base64=True),
    "onfleet": Hmac(header="x-onfleet-signature", digest="sha512", key=_hex_or_utf8),
    "shared": SHARED,
    "shopify": Hmac(header="x-shopify-hmac-sha256", base64=True),
    "slack": Hmac(header="x-slack-signature", prefix="v0=", timestamp="x-slack-request-timestamp", before="v0:{time}:"),
    "square": Square(),
    "standard": STANDARD,
    "twilio": Twilio(),
    "typeform": Hmac(header="typeform-signature", prefix="sha256=", base64=True),
    "x": Hmac(header="x-twitter-webhooks-signature", prefix="sha256=", base64=True),
    "zendesk": Hmac(
        header="x-zendesk-webhook-signature",
        base64=True,
        timestamp="x-zendesk-webhook-signature-timestamp",
        read_time=_rfc_3339,
        before="{time}",
    ),
}

# What an adapter's vendor signs with; all others know a shared secret. `options: {signature: …}` takes another.
_OF_ADAPTER: Mapping[str, str] = {
    "chatwoot": "chatwoot",
    "formbricks": "standard",
    "intercom": "hub_sha1",
    "line": "line",
    "meta": "hub_sha256",
    "onfleet": "onfleet",
    "ses": SNS,
    "shopify": "shopify",
    "slack": "slack",
    "square": "square",
    "twilio": "twilio",
    "typeform": "typeform",
    "x": "x",
    "zammad": "hub_sha1",
    "zendesk": "zendesk",
}


def scheme_of(adapter: str, options: Mapping[str, str]) -> str:
    """Name the scheme of a source."""
    return options.get("signature", "") or _OF_ADAPTER.get(adapter, "shared")
