"""Amazon SNS: what its certificate signed verifies, and nothing else does."""

import base64
import datetime as dt
import json
from dataclasses import dataclass, field

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from sori_ingest.hooks.refusals import refusal_of
from sori_ingest.hooks.signatures import Refused
from sori_ingest.hooks.sns import Sns

NOON = dt.datetime(2026, 11, 2, 3, 0, tzinfo=dt.UTC)
TOPIC = "arn:aws:sns:ap-northeast-2:123456789012:mail"
CERTIFICATE = "https://sns.ap-northeast-2.amazonaws.com/SimpleNotificationService-0f.pem"
KEY = rsa.generate_private_key(65537, 2048)
# https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


def a_certificate(key: rsa.RSAPrivateKey = KEY) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(NOON - dt.timedelta(days=9)).not_valid_after(NOON.replace(year=2027))
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@dataclass
class Amazon:
    """Gives out its certificate, and remembers what it was asked for."""

    pem: bytes = field(default_factory=a_certificate)
    asked: list[str] = field(default_factory=list)
    down: bool = False

    async def get(self, url: str) -> bytes:
        self.asked.append(url)
        if self.down:
            raise OSError
        return self.pem


def a_message(kind: str = "Notification", version: str = "1", **fields: str) -> dict[str, str]:
    message = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": '{"notificationType": "Received", "text": "배송"}',
        "Timestamp": "2026-11-02T02:59:30.000Z",
        "SignatureVersion": version,
        "SigningCertURL": CERTIFICATE,
        **fields,
    }
    text = "".join(f"{name}\n{message[name]}\n" for name in SIGNED[kind] if name in message)
    algorithm = hashes.SHA1() if version == "1" else hashes.SHA256()
    message["Signature"] = base64.b64encode(KEY.sign(text.encode(), padding.PKCS1v15(), algorithm)).decode()
    return message


async def verify(message: dict[str, str], amazon: Amazon | None = None, **changes: str) -> dict[str, str]:
    body = json.dumps({**message, **changes}).encode()
    _, found = await Sns((amazon or Amazon()).get).verify(body, frozenset({TOPIC}), now=NOON)
    return found


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("fields", [{}, {"Subject": "Amazon SES Email Receipt Notification"}])
async def test_what_amazon_signed_verifies(version: str, fields: dict[str, str]) -> None:
    message = a_message(version=version, **fields)

    assert message == await verify(message)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Message": '{"notificationType": "Received", "text": "배숭"}'}, "signature_wrong"),
        ({"Subject": "added"}, "signature_wrong"),
        ({"Signature": "AAAA"}, "signature_wrong"),
        ({"Signature": "not base64"}, "signature_wrong"),
        ({"SignatureVersion": "2"}, "signature_wrong"),
        ({"SignatureVersion": "3"}, "signature_wrong"),
        ({"Type": "Other"}, "signature_wrong"),
        ({"TopicArn": "arn:aws:sns:us-east-1:666:theirs"}, "topic_unknown"),
        ({"SigningCertURL": "https://sns.ap-northeast-2.amazonaws.com.evil.com/a.pem"}, "certificate_wrong"),
        ({"SigningCertURL": "https://evil.com/sns.ap-northeast-2.amazonaws.com/a.pem"}, "certificate_wrong"),
        ({"SigningCertURL": "http://sns.ap-northeast-2.amazonaws.com/a.pem"}, "certificate_wrong"),
        ({"SigningCertURL": "https://u@sns.ap-northeast-2.amazonaws.com/a.pem"}, "certificate_wrong"),
        ({"SigningCertURL": "https://sns.ap-northeast-2.amazonaws.com:8443/a.pem"}, "certificate_wrong"),
        ({"SigningCertURL": "https://sns.ap-northeast-2.amazonaws.com/a.txt"}, "certificate_wrong"),
        ({"SigningCertURL": "https://s3.ap-northeast-2.amazonaws.com/a.pem"}, "certificate_wrong"),
        ({"SigningCertURL": "https://[::1/a.pem"}, "certificate_wrong"),
    ],
)
async def test_anything_else_does_not(changes: dict[str, str], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        await verify(a_message(), **changes)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"TopicArn": "\\ud800"}', b"[" * 100_000])
async def test_what_is_no_message_does_not(body: bytes) -> None:
    with pytest.raises(Refused):
        await Sns(Amazon().get).verify(body, frozenset({TOPIC}), now=NOON)


async def test_an_old_message_does_not() -> None:
    with pytest.raises(Refused, match="timestamp_old"):
        await verify(a_message(Timestamp="2026-11-02T01:30:00.000Z"))


async def test_anothers_certificate_does_not() -> None:
    stranger = Amazon(pem=a_certificate(rsa.generate_private_key(65537, 2048)))

    with pytest.raises(Refused, match="signature_wrong"):
        await verify(a_message(), stranger)


async def test_the_certificate_is_fetched_once() -> None:
    amazon = Amazon()
    sns = Sns(amazon.get)

    for _ in range(3):
        await sns.verify(json.dumps(a_message()).encode(), frozenset({TOPIC}), now=NOON)

    assert [CERTIFICATE] == amazon.asked


async def test_a_certificate_that_cannot_be_had_is_asked_for_again() -> None:
    amazon = Amazon(down=True)
    sns = Sns(amazon.get)
    with pytest.raises(Refused, match="certificate_unavailable") as raised:
        await sns.verify(json.dumps(a_message()).encode(), frozenset({TOPIC}), now=NOON)
    told = refusal_of(raised.value)

    amazon.down = False

    proof, _ = await sns.verify(json.dumps(a_message()).encode(), frozenset({TOPIC}), now=NOON)
    assert proof.signed
    assert (503, {"Retry-After": "5"}) == (told.status, told.headers)  # Amazon does not come again after a 401.


@pytest.mark.parametrize(
    ("url", "agreed"),
    [
        ("https://sns.ap-northeast-2.amazonaws.com/?Action=ConfirmSubscription&Token=t", True),
        ("https://sns.evil.com/?Action=ConfirmSubscription", False),
        ("http://169.254.169.254/latest/meta-data", False),
        ("", False),
    ],
)
async def test_only_amazons_subscriptions_are_confirmed(url: str, agreed: bool) -> None:
    amazon = Amazon()

    assert agreed == await Sns(amazon.get).confirm({"SubscribeURL": url})
    assert [url] * agreed == amazon.asked
