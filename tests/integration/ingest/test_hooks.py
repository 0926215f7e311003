"""The HTTP edge on a real broker."""

import asyncio
import base64
import contextlib
import datetime as dt
import gzip
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

import engines as real
import harness
from engines import Engines
from sori.ingest.v1 import ingest_service_pb2 as pb
from sori.ingest.v1 import ingest_service_pb2_grpc as pb_grpc
from sori.ingest.v1 import touchpoint_pb2
from sori.ingest.v1.submission_events_pb2 import SubmissionQuarantined
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_kit.envelope import open_as
from sori_local import engines as embedded

RECEIVED = "sori.ingest.touchpoint.received.v1"
SECRET, OLD_SECRET = "slack-signing-secret", "slack-secret-before"
SOURCES = """
sources:
  - name: slack-cs
    adapter: slack
    secrets: [{env: HOOKS_TEST_SLACK}, {file: slack-old}]
    org_unit: cs
  - name: line-kr
    adapter: line
    secrets: {env: HOOKS_TEST_LINE}
  - name: talktalk
    adapter: naver_talktalk
    secrets: {env: HOOKS_TEST_PATH}
  - name: kiosk
    adapter: shop
    secrets: {env: HOOKS_TEST_PATH}
  - name: page
    adapter: meta
    secrets: {env: HOOKS_TEST_PATH}
  - name: x-brand
    adapter: x
    secrets: {env: HOOKS_TEST_PATH}
  - name: riders
    adapter: onfleet
    secrets: {env: HOOKS_TEST_PATH}
  - name: events
    adapter: cloudevents
    secrets: {env: HOOKS_TEST_EVENTS}
  - name: unlinks
    adapter: kakao_webhook
    secrets: {env: HOOKS_TEST_PATH}
  - name: consult
    adapter: kakao_consult
    secrets: {env: HOOKS_TEST_PATH}
  - name: open
    adapter: shop
  - name: app
    adapter: segment
    secrets: {env: HOOKS_TEST_WRITE_KEY}
"""
ENVIRONMENT = {
    "HOOKS_TEST_SLACK": SECRET,
    "HOOKS_TEST_LINE": "line-secret",
    "HOOKS_TEST_PATH": "path-secret",
    "HOOKS_TEST_EVENTS": "events-secret",
    "HOOKS_TEST_WRITE_KEY": "write-key",
}
_numbers = itertools.count(1)


@dataclass
class Hooks:
    """Ingest with its HTTP port, and a client."""

    service: harness.Harness
    client: httpx.AsyncClient
    folder: Path

    @property
    def stub(self) -> pb_grpc.IngestServiceStub:
        return pb_grpc.IngestServiceStub(self.service.channel)

    async def slack(
        self, event: Mapping[str, Any], *, secret: str = SECRET, at: float | None = None, path: str = "/hooks/slack-cs"
    ) -> httpx.Response:
        body = json.dumps(event, ensure_ascii=False).encode()
        return await self.client.post(path, content=body, headers=slack_headers(body, secret, at))

    async def received(self) -> list[touchpoint_pb2.Touchpoint]:
        stored = await self.service.bus.read(RECEIVED, after=0, most=1_000)
        return [open_as(TouchpointReceived, each.data, each.headers).message.touchpoint for each in stored]

    async def quarantine(self) -> list[SubmissionQuarantined]:
        page = await self.stub.ListQuarantine(pb.ListQuarantineRequest(), metadata=self.service.metadata())
        return list(page.submissions)


def slack_headers(body: bytes, secret: str = SECRET, at: float | None = None) -> dict[str, str]:
    now = str(int(time.time() if at is None else at))
    signature = "v0=" + hmac.new(secret.encode(), f"v0:{now}:".encode() + body, "sha256").hexdigest()
    return {
        "Content-Type": "application/json",
        "X-Slack-Request-Timestamp": now,
        "X-Slack-Signature": signature,
    }


def a_message(text: str = "배송이 또 늦었어요 010-1234-5678", **fields: Any) -> dict[str, Any]:
    number = next(_numbers)
    event = {
        "type": "message",
        "channel": "C024BE91L",
        "user": "U2147483697",
        "text": text,
        "ts": f"{int(time.time())}.{number:06}",
        "channel_type": "channel",
        **fields,
    }
    return {
        "token": "z",
        "team_id": "T061EG9R6",
        "api_app_id": "A0MDYCDME",
        "event": event,
        "type": "event_callback",
        "event_id": f"Ev{number:08}",
        "event_time": int(time.time()),
    }


@contextlib.asynccontextmanager
async def hooks_on(engines: Engines, folder: Path, **settings: str) -> AsyncIterator[Hooks]:
    (folder / "sources.yaml").write_text(SOURCES)
    (folder / "slack-old").write_text(OLD_SECRET)
    port = embedded.free_port()
    env = {
        **ENVIRONMENT,
        "SORI_INGEST_HTTP_PORT": str(port),
        "SORI_INGEST_SOURCES_PATH": str(folder / "sources.yaml"),
        "SORI_INGEST_SOURCES_POLL_SECONDS": "0.1",
        **settings,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        async with (
            harness.serving("ingest", engines, env=env) as service,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client,
        ):
            yield Hooks(service, client, folder)


@pytest_asyncio.fixture
async def hooks(engines: Engines, tmp_path: Path) -> AsyncIterator[Hooks]:
    async with hooks_on(engines, tmp_path) as running:
        yield running


async def test_a_webhook_becomes_a_touchpoint_in_normal_form(hooks: Hooks) -> None:
    answer = await hooks.slack(a_message())

    [touchpoint] = await hooks.received()
    assert 200 == answer.status_code
    assert {"accepted": [touchpoint.touchpoint_id], "duplicates": 0, "ignored": [], "quarantined": []} == answer.json()
    assert ("slack-cs", "cs") == (touchpoint.source, touchpoint.org_unit)
    assert "배송이 또 늦었어요 ***-****-****" == touchpoint.text
    assert {"phone_number": 1} == dict(touchpoint.masked_counts)


async def test_a_redelivery_is_acknowledged_and_adds_nothing(hooks: Hooks) -> None:
    message = a_message()
    first = await hooks.slack(message, at=time.time() - 10)

    second = await hooks.slack(message)

    assert (200, 200) == (first.status_code, second.status_code)
    assert ([], 1) == (second.json()["accepted"], second.json()["duplicates"])
    assert 1 == len(await hooks.received())


async def test_the_challenge_is_answered(hooks: Hooks) -> None:
    answer = await hooks.slack({"type": "url_verification", "token": "t", "challenge": "3eZbrw1aB"})

    assert 200 == answer.status_code
    assert "3eZbrw1aB" in answer.text


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("flipped", "signature_wrong"),
        ("old", "timestamp_old"),
        ("ahead", "timestamp_old"),
        ("missing", "signature_missing"),
        ("foreign", "signature_wrong"),
        ("replayed", "replayed"),
    ],
)
async def test_who_is_not_proven_is_refused(hooks: Hooks, case: str, reason: str) -> None:
    body = json.dumps(a_message()).encode()
    at = {"old": -301.0, "ahead": 360.0}.get(case, 0.0) + time.time()  # Ahead also when it is checked a while later.
    headers = slack_headers(body, "another" if case == "foreign" else SECRET, at)
    if case == "flipped":
        body = bytes([body[0] ^ 1]) + body[1:]
    if case == "missing":
        del headers["X-Slack-Signature"]
    if case == "replayed":
        assert 200 == (await hooks.client.post("/hooks/slack-cs", content=body, headers=headers)).status_code

    answer = await hooks.client.post("/hooks/slack-cs", content=body, headers=headers)

    assert (401, reason) == (answer.status_code, answer.json()["code"])
    assert int(case == "replayed") == len(await hooks.received())


async def test_two_secrets_are_good_at_once_and_a_file_may_change(hooks: Hooks) -> None:
    before = await hooks.slack(a_message(), secret=OLD_SECRET)
    (hooks.folder / "slack-old").write_text("another")

    async def changed() -> bool:
        return (await hooks.slack(a_message(), secret="another")).status_code == 200

    await harness.until(changed)
    after = await hooks.slack(a_message(), secret=OLD_SECRET)
    current = await hooks.slack(a_message())

    assert (200, 401, 200) == (before.status_code, after.status_code, current.status_code)


async def test_a_source_can_be_added_while_it_runs(hooks: Hooks) -> None:
    missing = await hooks.client.post("/hooks/new/path-secret", json={})
    (hooks.folder / "sources.yaml").write_text(
        SOURCES + "  - {name: new, adapter: shop, secrets: {env: HOOKS_TEST_PATH}}\n"
    )

    async def there() -> bool:
        return (await hooks.client.post("/hooks/new/path-secret", json={"text": "좋아요"})).status_code == 200

    await harness.until(there)
    assert (404, "source_unknown") == (missing.status_code, missing.json()["code"])


@pytest.mark.parametrize("way", ["path", "bearer", "basic", "kakao", "key"])
async def test_who_signs_nothing_brings_the_secret(hooks: Hooks, way: str) -> None:
    basic = base64.b64encode(b"sori:path-secret").decode()
    headers = {
        "bearer": {"Authorization": "Bearer path-secret"},
        "basic": {"Authorization": f"Basic {basic}"},
        "kakao": {"Authorization": "KakaoAK path-secret"},
        "key": {"X-API-Key": "path-secret"},
    }.get(way, {})
    path = "/hooks/kiosk/path-secret" if way == "path" else "/hooks/kiosk"

    answer = await hooks.client.post(path, json={"text": "친절해요", "rating": 5}, headers=headers)
    wrong = await hooks.client.post(
        path.replace("path-", "p-"), json={}, headers={name: f"{value}x" for name, value in headers.items()}
    )

    assert (200, 401) == (answer.status_code, wrong.status_code)


async def test_a_secret_path_does_not_stand_in_for_a_signature(hooks: Hooks) -> None:
    answer = await hooks.client.post(f"/hooks/slack-cs/{SECRET}", json=a_message())

    assert (401, "signature_missing") == (answer.status_code, answer.json()["code"])


async def test_a_source_without_a_secret_takes_nothing(hooks: Hooks) -> None:
    answer = await hooks.client.post("/hooks/open", json={"text": "누구나"})

    assert (401, "no_secret_configured") == (answer.status_code, answer.json()["code"])


async def test_standard_webhooks_are_taken_where_a_vendor_has_no_scheme_of_its_own(hooks: Hooks) -> None:
    from standardwebhooks import Webhook

    key = base64.b64encode(b"0123456789abcdef01234567").decode()
    (hooks.folder / "key").write_text(f"whsec_{key}")
    (hooks.folder / "sources.yaml").write_text(
        SOURCES + "  - {name: std, adapter: shop, secrets: {file: key}, options: {signature: standard}}\n"
    )
    now = dt.datetime.now(dt.UTC)

    async def send(message_id: str, body: str) -> httpx.Response:
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": f"v1,AAAA {Webhook(key).sign(message_id, now, body)}",
        }
        return await hooks.client.post("/hooks/std", content=body, headers=headers)

    async def taken() -> bool:
        return (await send("msg_1", '{"text": "같은 말"}')).status_code == 200

    await harness.until(taken)
    answers = [await send("msg_1", '{"text": "같은 말"}'), await send("msg_2", '{"text": "같은 말"}')]

    assert [401, 200] == [each.status_code for each in answers]
    assert "replayed" == answers[0].json()["code"]
    assert 2 == len(await hooks.received())


async def test_what_no_vendor_can_mend_is_kept_whole(hooks: Hooks) -> None:
    body = b'{"events": [ \xff\xfe broken'
    headers = {"X-Line-Signature": base64.b64encode(hmac.digest(b"line-secret", body, "sha256")).decode()}

    answers = [await hooks.client.post("/hooks/line-kr", content=body, headers=headers) for _ in range(2)]

    [kept] = await hooks.quarantine()
    assert [202, 202] == [each.status_code for each in answers]
    assert [[kept.quarantine_id]] * 2 == [each.json()["quarantined"] for each in answers]
    assert (body, "line-kr", "line") == (kept.payload, kept.source, kept.adapter)
    assert kept.reason
    assert not set(kept.headers) & {"x-line-signature", "authorization"}


async def test_what_the_sender_can_mend_is_told_and_kept(hooks: Hooks) -> None:
    answer = await hooks.client.post("/hooks/kiosk/path-secret", content=b"{not json")

    [kept] = await hooks.quarantine()
    assert (400, [kept.quarantine_id]) == (answer.status_code, answer.json()["quarantined"])
    assert kept.reason == answer.json()["code"]


@pytest.mark.parametrize("path", ["/v1/t", "/v1/track", "/v1/b", "/v1/batch"])
async def test_a_library_in_a_page_names_the_write_key_in_the_body(hooks: Hooks, path: str) -> None:
    call: dict[str, Any] = {"type": "track", "event": "Signed Up", "anonymousId": "a-1", "messageId": "ajs-next-1"}
    sent = {"batch": [call]} if path[4] == "b" else call

    answers = [
        await hooks.client.post(
            path,
            content=json.dumps({**sent, "writeKey": key}),
            headers={"Content-Type": "text/plain", "Origin": "https://shop.example"},
        )
        for key in ("another", "write-key")
    ]

    [touchpoint] = await hooks.received()
    assert [401, 200] == [each.status_code for each in answers]
    assert ["*", "*"] == [each.headers["Access-Control-Allow-Origin"] for each in answers]
    assert "ajs-next-1" == touchpoint.external_id


async def test_a_page_of_another_site_may_ask_whether_it_may_track(hooks: Hooks) -> None:
    headers = {
        "Origin": "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    answer = await hooks.client.options("/v1/track", headers=headers)

    assert (200, "*") == (answer.status_code, answer.headers["Access-Control-Allow-Origin"])
    assert "authorization" in answer.headers["Access-Control-Allow-Headers"]


async def test_a_batch_of_which_some_is_kept_is_a_success_to_a_library_of_segment(hooks: Hooks) -> None:
    calls = [{"type": "track", "event": "x", "userId": "u-1", "messageId": "m-1"}, {"type": "track", "event": "x"}]

    answer = await hooks.client.post("/v1/batch", json={"batch": calls}, auth=("write-key", ""))

    [kept] = await hooks.quarantine()
    assert (200, True) == (answer.status_code, answer.json()["success"])
    assert (1, [kept.quarantine_id]) == (len(answer.json()["accepted"]), answer.json()["quarantined"])


async def test_what_is_nothing_for_us_is_acknowledged_and_counted(hooks: Hooks) -> None:
    answer = await hooks.slack({**a_message(), "event": {"type": "emoji_changed", "event_ts": "1"}})

    assert 200 == answer.status_code
    assert [] == answer.json()["accepted"]
    assert answer.json()["ignored"][0]["reason"]
    assert [] == await hooks.quarantine()


@pytest.mark.parametrize(
    ("status", "code", "headers", "content"),
    [
        (413, "too_large", {}, b"x" * ((1 << 20) + 1)),
        (413, "too_large", {"Content-Encoding": "gzip"}, gzip.compress(b"\0" * (64 << 20))),
        (400, "encoding_wrong", {"Content-Encoding": "gzip"}, b"nothing packed"),
        (400, "encoding_wrong", {"Content-Encoding": "gzip"}, gzip.compress(b'{"text": "a"}' * 99, mtime=0)[:-9]),
        (415, "encoding_unknown", {"Content-Encoding": "br"}, b"x"),
        (415, "media_type_unknown", {"Content-Type": "image/png"}, b"\x89PNG"),
        (400, "empty", {}, b""),
    ],
)
async def test_a_body_out_of_bounds_is_refused(
    hooks: Hooks, status: int, code: str, headers: dict[str, str], content: bytes
) -> None:
    answer = await hooks.client.post("/hooks/kiosk/path-secret", content=content, headers=headers)

    assert (status, code) == (answer.status_code, answer.json()["code"])
    assert [] == await hooks.received()


async def test_a_packed_body_is_unpacked(hooks: Hooks) -> None:
    body = gzip.compress('{"text": "포장 최고"}'.encode()) + gzip.compress(b"", mtime=0)

    answer = await hooks.client.post(
        "/hooks/kiosk/path-secret",
        content=body,
        headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
    )

    assert 200 == answer.status_code
    assert ["포장 최고"] == [each.text for each in await hooks.received()]


def a_raw_request(text: str, *, chunked: bool = False, head: str = "") -> bytes:
    body = json.dumps({"text": text}, ensure_ascii=False).encode()
    if chunked:
        head += "Transfer-Encoding: chunked\r\n"
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    else:
        head += f"Content-Length: {len(body)}\r\n"
    return f"POST /hooks/kiosk/path-secret HTTP/1.1\r\nHost: sori\r\n{head}\r\n".encode() + body


async def read_answers(reader: asyncio.StreamReader, count: int) -> list[tuple[int, dict[str, Any]]]:
    answers: list[tuple[int, dict[str, Any]]] = []
    for _ in range(count):
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        answers.append((int(head.split(" ")[1]), json.loads(await reader.readexactly(length))))
    return answers


@contextlib.asynccontextmanager
async def a_connection(hooks: Hooks) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", hooks.client.base_url.port)
    try:
        async with asyncio.timeout(20):
            yield reader, writer
    finally:
        writer.close()


@pytest.mark.parametrize("size", [1, 40, 150, 10_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_webhooks_are_answered_in_their_order_however_their_bytes_come(
    hooks: Hooks, size: int, chunked: bool
) -> None:
    texts = ["하나", "둘", "셋"]
    sent = b"".join(a_raw_request(each, chunked=chunked) for each in texts)

    async with a_connection(hooks) as (reader, writer):
        for at in range(0, len(sent), size):
            writer.write(sent[at : at + size])
            await writer.drain()
            await asyncio.sleep(0.001)
        answers = await read_answers(reader, len(texts))

    ids = {each.text: each.touchpoint_id for each in await hooks.received()}
    assert [(200, [ids[each]]) for each in texts] == [(status, said["accepted"]) for status, said in answers]


async def test_a_connection_lives_as_long_as_its_sender_wants(hooks: Hooks) -> None:
    async with a_connection(hooks) as (reader, writer):
        for text in ("하나", "둘"):
            writer.write(a_raw_request(text))
            [(status, _)] = await read_answers(reader, 1)
            assert 200 == status
        writer.write(a_raw_request("셋", head="Connection: close\r\n"))

        [(status, _)] = await read_answers(reader, 1)

        assert 200 == status
        assert b"" == await reader.read()


async def test_a_sender_that_waits_to_be_asked_for_the_body_is_asked(hooks: Hooks) -> None:
    head, _, body = a_raw_request("하나", head="Expect: 100-continue\r\n").partition(b"\r\n\r\n")
    async with a_connection(hooks) as (reader, writer):
        writer.write(head + b"\r\n\r\n")

        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(body)
        [(status, _)] = await read_answers(reader, 1)

    assert asked.startswith(b"HTTP/1.1 100")
    assert 200 == status


async def test_a_sender_that_hangs_up_is_taken_in_all_the_same(hooks: Hooks) -> None:
    async with a_connection(hooks) as (_, writer):
        writer.write(a_raw_request("하나"))
        await writer.drain()

    async def received() -> bool:
        return ["하나"] == [each.text for each in await hooks.received()]

    await harness.until(received, seconds=10)


async def test_vendors_make_sure_of_the_address(hooks: Hooks) -> None:
    meta = {"hub.mode": "subscribe", "hub.verify_token": "path-secret", "hub.challenge": "1158201444"}

    agreed = await hooks.client.get("/hooks/page", params=meta)
    refused = await hooks.client.get("/hooks/page", params={**meta, "hub.verify_token": "guess"})
    onfleet = await hooks.client.get("/hooks/riders", params={"check": "abc123"})
    crc = await hooks.client.get("/hooks/x-brand", params={"crc_token": "token"})
    nobody = await hooks.client.get("/hooks/slack-cs")

    expected = base64.b64encode(hmac.digest(b"path-secret", b"token", "sha256")).decode()
    assert (200, "1158201444", 401) == (agreed.status_code, agreed.text, refused.status_code)
    assert (200, "abc123") == (onfleet.status_code, onfleet.text)
    assert {"response_token": f"sha256={expected}"} == crc.json()
    assert 405 == nobody.status_code


async def test_a_vendor_may_ask_whether_the_address_is_there(hooks: Hooks) -> None:
    answers = [await hooks.client.head(f"/hooks/{each}") for each in ("slack-cs", "unlinks/path-secret", "nobody")]

    assert [200, 200, 404] == [each.status_code for each in answers]
    assert [] == await hooks.received()


async def test_kakao_may_tell_of_an_unlinked_account_by_get(hooks: Hooks) -> None:
    query = {"app_id": "123456", "user_id": "1234567890", "referrer_type": "UNLINK_FROM_APPS"}
    proof = {"Authorization": "KakaoAK path-secret"}

    told = await hooks.client.get("/hooks/unlinks", params=query, headers=proof)
    again = await hooks.client.get("/hooks/unlinks", params=query, headers=proof)
    posted = await hooks.client.post("/hooks/unlinks", data=query, headers=proof)
    unproven = await hooks.client.get("/hooks/unlinks", params=query, headers={"Authorization": "KakaoAK guess"})
    strange = await hooks.client.get("/hooks/unlinks", params={"a": "b"}, headers=proof)

    assert [200, 200, 200, 401] == [each.status_code for each in (told, again, posted, unproven)]
    assert [1, 1] == [each.json()["duplicates"] for each in (again, posted)]
    [made] = await hooks.received()
    assert (touchpoint_pb2.TOUCHPOINT_KIND_CANCELLATION, "1234567890") == (made.kind, made.identifiers[0].value)
    assert (202, "field_missing") == (strange.status_code, strange.json()["reason"])


async def test_a_dealer_of_consultations_tells_by_the_path_what_it_sends(hooks: Hooks) -> None:
    session = {"user_key": "Xj1bW5wlE5SR", "sender_key": "4c95", "session_id": "163755146", "time": 1654738690219}
    message = {**session, "serial_number": "1", "type": "text", "content": "환불해 주세요"}
    address = "/hooks/consult/path-secret"

    said = await hooks.client.post(f"{address}/message", json=message)
    ended = await hooks.client.post(f"{address}/expired_session", json=session)
    unproven = await hooks.client.post("/hooks/consult/guess/message", json=message)
    elsewhere = await hooks.client.post("/hooks/kiosk/path-secret/message", json={"text": "좋아요"})

    assert [200, 200, 401, 404] == [each.status_code for each in (said, ended, unproven, elsewhere)]
    kinds = {each.kind for each in await hooks.received()}
    assert {touchpoint_pb2.TOUCHPOINT_KIND_INQUIRY, touchpoint_pb2.TOUCHPOINT_KIND_RESOLUTION} == kinds


async def test_a_broker_that_is_away_is_never_a_2xx(tmp_path: Path) -> None:
    broker = embedded.nats(tmp_path / "nats", embedded.free_port())
    process = real.start(broker, tmp_path)
    try:
        await asyncio.to_thread(real.wait_for_port, broker.url)
        on_it = Engines(broker.url, "", tmp_path)
        async with hooks_on(on_it, tmp_path, SORI_INGEST_HTTP_WAIT_SECONDS="0.5") as hooks:
            good = await hooks.slack(a_message())
            process.kill()
            await asyncio.to_thread(process.wait, 10)

            lost = a_message("broker away")
            answers = [await hooks.slack(each) for each in (lost, a_message(), a_message())]
            health = await hooks.client.get("/healthz")
            process = real.start(broker, tmp_path)

            async def taken() -> bool:
                return (await hooks.slack(lost, at=time.time() - 1)).status_code == 200

            await harness.until(taken, seconds=30)
            assert 200 == good.status_code
            assert [503] * 3 == [each.status_code for each in answers]
            assert all(int(each.headers["Retry-After"]) > 0 for each in answers)
            assert 503 == health.status_code
            texts = [each.text for each in await hooks.received()]
            assert 1 == texts.count("broker away")
    finally:
        process.kill()
        process.wait(10)


async def test_more_than_can_be_in_work_is_told_to_come_again(hooks: Hooks, tmp_path: Path, engines: Engines) -> None:
    (tmp_path / "narrow").mkdir()
    async with hooks_on(engines, tmp_path / "narrow", SORI_INGEST_HTTP_MOST="1") as narrow:
        answers = await asyncio.gather(*[narrow.slack(a_message()) for _ in range(30)])

        statuses = {each.status_code for each in answers}
        assert statuses <= {200, 429}
        assert {"2"} == {each.headers["Retry-After"] for each in answers if each.status_code == 429}
        accepted = sum(each.status_code == 200 for each in answers)
        assert accepted == len(await narrow.received())


async def test_a_broker_without_room_is_told_as_too_much(hooks: Hooks) -> None:
    await hooks.slack(a_message())
    await harness.limit(hooks.service.bus, max_msgs=1)

    answers = [await hooks.slack(a_message()) for _ in range(2)]

    assert [429, 429] == [each.status_code for each in answers]
    assert {"2"} == {each.headers["Retry-After"] for each in answers}


async def test_the_api_describes_itself(hooks: Hooks) -> None:
    document = (await hooks.client.get("/openapi.json")).json()

    assert {"/hooks/{source}", "/hooks/{source}/{secret}", "/events", "/v1/batch"} <= document["paths"].keys()
