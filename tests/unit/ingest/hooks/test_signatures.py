"""Signatures: what vendors publish verifies; a flipped bit, an old time and another's secret do not."""

import base64
import datetime as dt
import functools
import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from linebot.v3.webhook import SignatureValidator
from slack_sdk.signature import Clock, SignatureVerifier
from square.utils.webhooks_helper import verify_signature
from standardwebhooks import Webhook
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from sori_ingest.hooks import signatures
from sori_ingest.hooks.replays import Replays
from sori_ingest.hooks.signatures import SCHEMES, Delivery, Refused


def at(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


NOON = at(1_793_588_400)
BODY = '{"text": "배송이 늦어요 😡", "id": 7}'.encode()
KEY = base64.b64encode(b"0123456789abcdef01234567").decode()
SLACK_BODY = (
    b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V"
    b"&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text="
    b"&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
    b"&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
)
TWILIO_FORM = b"CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Vector:
    """A signed delivery."""

    scheme: str
    secret: str
    delivery: Delivery
    now: dt.datetime = NOON
    signature: str = ""  # header that holds it; empty: the first of the delivery's
    timestamp: str = ""  # header with the time

    def verify(self, **changes: object) -> signatures.Proof:
        delivery = replace(self.delivery, **changes)  # type: ignore[arg-type]
        return SCHEMES[self.scheme].verify(delivery, [self.secret], now=self.now)


# What vendors print in their documents: the page is named beside each.
PUBLISHED = {
    # https://docs.slack.dev/authentication/verifying-requests-from-slack
    "slack": Vector(
        "slack",
        "8f742231b10e8888abcd99yyyzzz85a5",
        Delivery(
            body=SLACK_BODY,
            headers={
                "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
                "x-slack-request-timestamp": "1531420618",
            },
        ),
        now=at(1_531_420_618 + 299),
        timestamp="x-slack-request-timestamp",
    ),
    # https://github.com/standard-webhooks/standard-webhooks (the specification's example)
    "standard": Vector(
        "standard",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        Delivery(
            body=b'{"test": 2432232314}',
            headers={
                "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
                "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
                "webhook-timestamp": "1614265330",
            },
        ),
        now=at(1_614_265_330),
        timestamp="webhook-timestamp",
    ),
    # https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries (the scheme that Meta has too)
    "hub_sha256": Vector(
        "hub_sha256",
        "It's a Secret to Everybody",
        Delivery(
            body=b"Hello, World!",
            headers={"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        ),
    ),
    # https://www.twilio.com/docs/usage/security (test vectors of its libraries)
    "twilio": Vector(
        "twilio",
        "12345",
        Delivery(
            body=TWILIO_FORM,
            headers={"x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8=", "content-type": FORM},
            urls=lambda: ["https://mycompany.com/myapp.php?foo=1&bar=2"],
        ),
    ),
}


def _hex(digest: str, message: bytes, prefix: str = "", key: bytes = b"secret") -> str:
    return prefix + hmac.new(key, message, digest).hexdigest()


def _base64(message: bytes, prefix: str = "", key: bytes = b"secret") -> str:
    return prefix + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()


def _made(scheme: str, headers: Mapping[str, str], timestamp: str = "", secret: str = "secret") -> Vector:
    return Vector(scheme, secret, Delivery(body=BODY, headers=headers), timestamp=timestamp)


_NOW = str(int(NOON.timestamp()))
_ISO = NOON.isoformat().replace("+00:00", "Z")
# What the vendors' documents say, spelled out once more.
MADE = {
    "intercom, zammad": _made("hub_sha1", {"x-hub-signature": _hex("sha1", BODY, "sha1=")}),
    "shopify": _made("shopify", {"x-shopify-hmac-sha256": _base64(BODY)}),
    "line": _made("line", {"x-line-signature": _base64(BODY)}),
    "typeform": _made("typeform", {"typeform-signature": _base64(BODY, "sha256=")}),
    "x": _made("x", {"x-twitter-webhooks-signature": _base64(BODY, "sha256=")}),
    "app_store": _made("app_store", {"x-apple-signature": _hex("sha256", BODY, "hmacsha256=")}),
    "onfleet": _made(
        "onfleet", {"x-onfleet-signature": _hex("sha512", BODY, key=bytes.fromhex("c0ffee"))}, secret="c0ffee"
    ),
    "zendesk": _made(
        "zendesk",
        {
            "x-zendesk-webhook-signature": _base64(_ISO.encode() + BODY),
            "x-zendesk-webhook-signature-timestamp": _ISO,
        },
        "x-zendesk-webhook-signature-timestamp",
    ),
    "chatwoot": _made(
        "chatwoot",
        {
            "x-chatwoot-signature": _hex("sha256", f"{_NOW}.".encode() + BODY, "sha256="),
            "x-chatwoot-timestamp": _NOW,
        },
        "x-chatwoot-timestamp",
    ),
    "square": Vector(
        "square",
        "secret",
        Delivery(
            body=BODY,
            headers={"x-square-hmacsha256-signature": _base64(b"https://hooks.example.kr/hooks/pos" + BODY)},
            urls=lambda: ["http://inside/hooks/pos", "https://hooks.example.kr/hooks/pos"],
        ),
    ),
}
VECTORS = {**PUBLISHED, **MADE}
every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
timed_vector = pytest.mark.parametrize(
    "vector", [each for each in VECTORS.values() if each.timestamp], ids=lambda each: each.scheme
)


@every_vector
def test_what_the_vendor_signed_verifies(vector: Vector) -> None:
    assert vector.verify().signed


@every_vector
def test_one_flipped_bit_of_the_body_does_not(vector: Vector) -> None:
    body = vector.delivery.body
    for place in (0, len(body) // 2, len(body) - 1):
        flipped = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]

        with pytest.raises(Refused, match="signature_wrong"):
            vector.verify(body=flipped)


@every_vector
def test_another_signature_does_not(vector: Vector) -> None:
    [name] = [each for each in vector.delivery.headers if "signature" in each or "hmac" in each if "time" not in each]
    good = vector.delivery.headers[name]
    for wrong in (good[:-3] + ("A" if good[-3] != "A" else "B") + good[-2:], good[:-1], good + "x", "v1", "ü", "v1,"):
        with pytest.raises(Refused, match="signature_wrong"):
            vector.verify(headers={**vector.delivery.headers, name: wrong})


@every_vector
def test_another_secret_does_not(vector: Vector) -> None:
    with pytest.raises(Refused):
        replace(vector, secret=KEY + "AAAA").verify()


@every_vector
def test_one_of_several_secrets_is_enough(vector: Vector) -> None:
    proof = SCHEMES[vector.scheme].verify(vector.delivery, [KEY, vector.secret], now=vector.now)

    assert proof.signed


@every_vector
def test_without_headers_nothing_is_proven(vector: Vector) -> None:
    with pytest.raises(Refused, match="signature_missing"):
        vector.verify(headers={})


@timed_vector
@pytest.mark.parametrize("seconds", [-1_000, 1_000])
def test_an_old_time_does_not(vector: Vector, seconds: int) -> None:
    with pytest.raises(Refused, match="timestamp_old"):
        replace(vector, now=vector.now + dt.timedelta(seconds=seconds)).verify()


@timed_vector
@pytest.mark.parametrize("value", ["", "now", "1e9", "-5", "١٢٣", "9" * 40, "2026-13-01T00:00:00Z"])
def test_a_time_that_is_none_does_not(vector: Vector, value: str) -> None:
    with pytest.raises(Refused):
        vector.verify(headers={**vector.delivery.headers, vector.timestamp: value})


@timed_vector
def test_a_replay_is_recognised_for_as_long_as_its_time_is_good(vector: Vector) -> None:
    replays, now = Replays(), vector.now.timestamp()
    once = vector.verify().once

    before = replays.knows("a", once, now)
    replays.remember("a", once, now)

    assert not before
    assert replays.knows("a", once, now + 2 * signatures.WINDOW_SECONDS - 1)
    assert not replays.knows("b", once, now)


def test_memory_of_replays_is_bounded_and_the_oldest_goes_first() -> None:
    replays = Replays(slots=4)

    for number in range(1_000):
        replays.remember("a", str(number).encode(), number / 1_000)

    known = [number for number in range(1_000) if replays.knows("a", str(number).encode(), 1.0)]
    assert [996, 997, 998, 999] == known


@given(st.lists(st.binary(min_size=1, max_size=8), unique=True, max_size=200))
def test_what_was_taken_is_known_and_nothing_else(taken: list[bytes]) -> None:
    replays = Replays()

    for each in taken[::2]:
        replays.remember("a", each, 0.0)

    assert taken[::2] == [each for each in taken if replays.knows("a", each, 1.0)]


def test_what_has_no_time_is_no_replay() -> None:
    replays = Replays()
    replays.remember("a", b"", 0.0)

    assert not replays.knows("a", b"", 0.0)


@given(body=st.binary(max_size=200), secret=st.text("abcdef0123456789", min_size=8, max_size=40))
def test_we_agree_with_the_libraries_of_the_vendors(body: bytes, secret: str) -> None:
    text = body.decode("utf-8", "replace")
    now = int(NOON.timestamp())

    class Fixed(Clock):
        def now(self) -> float:
            return now

    slack = SignatureVerifier(secret, Fixed())
    signed = slack.generate_signature(timestamp=str(now), body=text)
    delivery = Delivery(
        body=text.encode(), headers={"x-slack-signature": signed or "", "x-slack-request-timestamp": str(now)}
    )
    assert SCHEMES["slack"].verify(delivery, [secret], now=NOON).signed

    line = _base64(text.encode(), key=secret.encode())
    assert SignatureValidator(secret).validate(text, line)
    assert SCHEMES["line"].verify(Delivery(body=text.encode(), headers={"x-line-signature": line}), [secret], now=NOON)

    if text:
        url = "https://hooks.example.kr/hooks/pos"
        square = _base64(url.encode() + text.encode(), key=secret.encode())
        assert verify_signature(request_body=text, signature_header=square, signature_key=secret, notification_url=url)
        delivery = Delivery(
            body=text.encode(), headers={"x-square-hmacsha256-signature": square}, urls=lambda: ["http://x/", url]
        )
        assert SCHEMES["square"].verify(delivery, [secret], now=NOON).signed


def test_standard_webhooks_agree_with_the_library() -> None:
    now = dt.datetime.now(dt.UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1a,x v1,AAAA {Webhook(KEY).sign('msg_1', now, BODY.decode())}",
    }

    Webhook(KEY).verify(BODY, headers | {"webhook-signature": headers["webhook-signature"].split(" ")[2]})
    proof = SCHEMES["standard"].verify(Delivery(body=BODY, headers=headers), [f"whsec_{KEY}"], now=now)

    assert proof.once


@pytest.mark.parametrize("other", ["abcde", "whsec_", "열쇠"])
def test_a_secret_that_is_no_key_of_standard_webhooks_leaves_the_others_valid(other: str) -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    delivery = Delivery(body=b'{"test": 2432232314}', headers=headers)
    then = dt.datetime.fromtimestamp(1614265330, dt.UTC)
    key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

    assert SCHEMES["standard"].verify(delivery, [other, key], now=then).signed
    with pytest.raises(Refused, match="signature_wrong"):
        SCHEMES["standard"].verify(delivery, [other], now=then)


@pytest.mark.parametrize("port", ["", ":443", ":8443"])
def test_twilio_with_a_port_and_without(port: str) -> None:
    validator = RequestValidator("token")
    params = {"Body": "환불해 주세요", "From": "+821012345678", "Empty": ""}
    url = f"https://hooks.example.kr{port}/hooks/sms?a=b"
    body = b"Body=%ED%99%98%EB%B6%88%ED%95%B4+%EC%A3%BC%EC%84%B8%EC%9A%94&From=%2B821012345678&Empty="
    headers = {"x-twilio-signature": validator.compute_signature(url, params), "content-type": FORM}

    for seen in {url, url.replace(":443", "") if port == ":443" else url}:
        delivery = Delivery(body=body, headers=headers, urls=functools.partial(list, [seen]))
        assert SCHEMES["twilio"].verify(delivery, ["token"], now=NOON).signed


_TWILIO_JSON = b'{"property": "value", "boolean": true}'
_TWILIO_TWICE = b"Sid=CA123&SidAccount=AC123&Digits=5678&Digits=1234&Digits=1234"
_TWILIO_HASH = "bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"


@pytest.mark.parametrize(
    ("query", "body", "content_type", "signature"),
    [
        (f"foo=1&bar=2&{_TWILIO_HASH}", _TWILIO_JSON, "application/json", "a9nBmqA0ju/hNViExpshrM61xv4="),
        (_TWILIO_HASH, _TWILIO_JSON, "application/json", "y77kIzt2vzLz71DgmJGsen2scGs="),
        ("foo=1&bar=2", _TWILIO_TWICE, FORM, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        ("foo=1&bar=2", TWILIO_FORM, "Application/X-WWW-Form-Urlencoded", "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    ],
)
def test_vectors_of_twilios_libraries_verify(query: str, body: bytes, content_type: str, signature: str) -> None:
    delivery = Delivery(
        body=body,
        headers={"x-twilio-signature": signature, "content-type": content_type},
        urls=lambda: [f"https://mycompany.com/myapp.php?{query}"],
    )

    assert SCHEMES["twilio"].verify(delivery, ["12345"], now=NOON).signed


def test_vector_of_squares_libraries_verifies() -> None:
    delivery = Delivery(
        body=b'{"hello":"world"}',
        headers={"x-square-hmacsha256-signature": "2kRE5qRU2tR+tBGlDwMEw2avJ7QM4ikPYD/PJ3bd9Og="},
        urls=lambda: ["https://example.com/webhook"],
    )

    assert SCHEMES["square"].verify(delivery, ["asdf1234"], now=NOON).signed


def test_twilio_signs_the_hash_of_json_in_the_address() -> None:
    digest = hashlib.sha256(BODY).hexdigest()
    url = f"https://hooks.example.kr/hooks/sms?bodySHA256={digest}"
    headers = {
        "x-twilio-signature": RequestValidator("token").compute_signature(url, {}),
        "content-type": "application/json",
    }
    delivery = Delivery(body=BODY, headers=headers, urls=lambda: [url])

    assert SCHEMES["twilio"].verify(delivery, ["token"], now=NOON).signed
    with pytest.raises(Refused, match="signature_wrong"):
        SCHEMES["twilio"].verify(replace(delivery, body=BODY + b" "), ["token"], now=NOON)


def test_twilio_json_without_a_hash_proves_nothing() -> None:
    url = "https://hooks.example.kr/hooks/sms"
    headers = {
        "x-twilio-signature": RequestValidator("token").compute_signature(url, {}),
        "content-type": "application/json",
    }

    with pytest.raises(Refused, match="signature_wrong"):
        SCHEMES["twilio"].verify(Delivery(body=BODY, headers=headers, urls=lambda: [url]), ["token"], now=NOON)


@pytest.mark.parametrize(
    ("headers", "path_secret"),
    [
        ({}, "secret"),
        ({"authorization": "KakaoAK secret"}, ""),
        ({"authorization": "Bearer secret"}, ""),
        ({"authorization": f"Basic {base64.b64encode(b'sori:secret').decode()}"}, ""),
        ({"authorization": f"Basic {base64.b64encode(b'secret:').decode()}"}, ""),
        ({"x-api-key": "secret"}, ""),
    ],
)
def test_who_signs_nothing_brings_the_secret(headers: dict[str, str], path_secret: str) -> None:
    shared = SCHEMES["shared"]

    proof = shared.verify(Delivery(body=b"", headers=headers, path_secret=path_secret), ["old", "secret"], now=NOON)

    assert not proof.signed
    with pytest.raises(Refused, match="secret_wrong"):
        shared.verify(Delivery(body=b"", headers=headers, path_secret=path_secret), ["secre", "secrets"], now=NOON)


@pytest.mark.parametrize("value", ["", "Basic", "Basic !!!", "Basic /w==", "Bearer ", "Bearer"])
def test_credentials_that_are_none_prove_nothing(value: str) -> None:
    with pytest.raises(Refused, match="secret"):
        SCHEMES["shared"].verify(Delivery(body=b"", headers={"authorization": value}), ["secret"], now=NOON)


@pytest.mark.parametrize("scheme", SCHEMES)
@given(
    body=st.binary(max_size=50),
    value=st.text(st.characters(max_codepoint=255), max_size=50),
    url=st.text(st.characters(max_codepoint=255), max_size=40),
)
def test_nothing_whatever_does_anything_but_prove_or_refuse(scheme: str, body: bytes, value: str, url: str) -> None:
    class Everywhere(dict[str, str]):
        def get(self, key: str, default: object = None) -> str:  # type: ignore[override]
            return str(int(NOON.timestamp())) if "timestamp" in key else value

    for secret in ("secret", "", KEY, "ß"):
        with pytest.raises(Refused):
            SCHEMES[scheme].verify(
                Delivery(body=body, headers=Everywhere(), urls=lambda: [f"https://{url}", url]),
                [f"{secret} that nobody guesses"],
                now=NOON,
            )


def test_verifying_takes_the_same_time_wherever_the_difference_lies() -> None:
    """A guard against comparing with ==; the clock is too coarse for more than an order of magnitude."""
    scheme, long = SCHEMES["shared"], "s" * 100_000

    def seconds(guess: str) -> float:
        best = 1.0
        for _ in range(5):
            start = time.perf_counter()
            with pytest.raises(Refused):
                scheme.verify(Delivery(body=b"", path_secret=guess), [long], now=NOON)
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds("x" + long[1:]) > seconds(long[:-1] + "x") / 10
