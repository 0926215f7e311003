"""The SMTP edge in real conversations, on a real broker."""

import asyncio
import contextlib
import datetime as dt
import smtplib
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import engines as real
import harness
from engines import Engines
from sori.ingest.v1 import touchpoint_pb2
from sori.ingest.v1.touchpoint_events_pb2 import TouchpointReceived
from sori_kit.bus import Bus
from sori_kit.envelope import open_as
from sori_local import engines as embedded

T = TypeVar("T")
SOURCES = """
sources:
  - name: help-mail
    adapter: email
    org_unit: cx-desk
    options: {addresses: [help@example.kr, "@shops.example.kr"], own_domains: [example.kr]}
"""


@contextlib.asynccontextmanager
async def mail_on(engines: Engines, folder: Path, **settings: str) -> AsyncIterator[tuple[harness.Harness, int]]:
    (folder / "sources.yaml").write_text(SOURCES)
    port = embedded.free_port()
    env = {"SORI_INGEST_SMTP_PORT": str(port), "SORI_INGEST_SOURCES_PATH": str(folder / "sources.yaml"), **settings}
    async with harness.serving("ingest", engines, env=env) as service:
        yield service, port


@pytest_asyncio.fixture
async def mail(engines: Engines, tmp_path: Path) -> AsyncIterator[tuple[harness.Harness, int]]:
    async with mail_on(engines, tmp_path) as running:
        yield running


async def talk(port: int, conversation: Callable[[smtplib.SMTP], T]) -> T:
    def run() -> T:
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            return conversation(client)

    return await asyncio.to_thread(run)


def a_mail(text: str = "배송이 또 늦었어요. 010-1234-5678로 연락 주세요.", **headers: str) -> EmailMessage:
    made = EmailMessage()
    made["From"] = "김손님 <kim@customer.kr>"
    made["To"] = "help@example.kr"
    made["Subject"] = "배송 문의"
    made["Message-ID"] = "<m1@customer.kr>"
    made["Date"] = dt.datetime.now(dt.UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    for name, value in headers.items():
        made[name] = value
    made.set_content(text)
    return made


async def received(bus: Bus) -> list[touchpoint_pb2.Touchpoint]:
    stored = await bus.read("sori.ingest.touchpoint.received.v1", after=0, most=100)
    return [open_as(TouchpointReceived, each.data, each.headers).message.touchpoint for each in stored]


async def test_a_mail_becomes_a_touchpoint(mail: tuple[harness.Harness, int]) -> None:
    service, port = mail

    refused = await talk(port, lambda smtp: smtp.send_message(a_mail()))

    [touchpoint] = await received(service.bus)
    assert {} == refused
    assert ("help-mail", "cx-desk") == (touchpoint.source, touchpoint.org_unit)
    assert "배송이 또 늦었어요. ***-****-****로 연락 주세요." == touchpoint.text.strip()
    assert ["kim@customer.kr"] == [each.value for each in touchpoint.identifiers]


async def test_a_mail_that_comes_twice_adds_nothing(mail: tuple[harness.Harness, int]) -> None:
    service, port = mail

    for _ in range(2):
        await talk(port, lambda smtp: smtp.send_message(a_mail()))

    assert 1 == len(await received(service.bus))


@pytest.mark.parametrize("address", ["HELP@Example.KR", "help+order-7@example.kr", "gangnam@shops.example.kr"])
async def test_spellings_of_an_address_reach_its_source(mail: tuple[harness.Harness, int], address: str) -> None:
    service, port = mail

    await talk(port, lambda smtp: smtp.sendmail("kim@customer.kr", [address], a_mail().as_bytes()))

    assert ["help-mail"] == [each.source for each in await received(service.bus)]


async def test_a_mail_from_nobody_is_a_programs_and_adds_nothing(mail: tuple[harness.Harness, int]) -> None:
    service, port = mail

    refused = await talk(port, lambda smtp: smtp.sendmail("", ["help@example.kr"], a_mail().as_bytes()))

    assert {} == refused
    assert [] == await received(service.bus)


async def test_a_line_longer_than_it_may_be_is_read(mail: tuple[harness.Harness, int]) -> None:
    service, port = mail
    body = a_mail().as_bytes().partition(b"\n\n")[0] + b"\n\n" + "늦었어요 ".encode() * 2_000

    await talk(port, lambda smtp: smtp.sendmail("kim@customer.kr", ["help@example.kr"], body))

    [touchpoint] = await received(service.bus)
    assert touchpoint.text.count("늦었어요") == 2_000


async def test_mail_for_anybody_else_is_not_relayed(mail: tuple[harness.Harness, int]) -> None:
    service, port = mail
    strangers = ["someone@gmail.com", "help@example.kr.evil.com", "x@example.kr", "help@", "@example.kr", "postmaster"]

    def conversation(smtp: smtplib.SMTP) -> list[int]:
        smtp.ehlo()
        smtp.mail("kim@customer.kr")
        return [smtp.rcpt(each)[0] for each in strangers]

    codes = await talk(port, conversation)

    assert all(500 <= code < 600 for code in codes)
    assert codes.count(550) >= 3
    assert [] == await received(service.bus)


async def test_a_mail_beyond_the_limit_is_refused(engines: Engines, tmp_path: Path) -> None:
    async with mail_on(engines, tmp_path, SORI_INGEST_SMTP_MOST_BYTES="20000") as (service, port):

        def conversation(smtp: smtplib.SMTP) -> tuple[int, int]:
            smtp.ehlo()
            announced = smtp.mail("kim@customer.kr", ["SIZE=30000"])[0]
            smtp.rset()
            smtp.mail("kim@customer.kr")
            smtp.rcpt("help@example.kr")
            return announced, smtp.data(b"Subject: x\r\n\r\n" + b"a\r\n" * 10_000)[0]

        assert (552, 552) == await talk(port, conversation)
        assert [] == await received(service.bus)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00 not a mail at all",
        b"Subject: =?broken?Q?\r\nContent-Type: multipart/mixed\r\n\r\n--\r\n",
        (
            b"From: \xb1\xe8\xbc\xd5\xb4\xd4 <kim@customer.kr>\r\nSubject: \xb9\xae\xc0\xc7\r\n"
            b'Content-Type: text/plain; charset="ks_c_5601-1987"\r\n\r\n\xb9\xe8\xbc\xdb\r\n'
        ),
    ],
)
async def test_broken_mails_are_taken_or_kept(mail: tuple[harness.Harness, int], body: bytes) -> None:
    service, port = mail

    refused = await talk(port, lambda smtp: smtp.sendmail("kim@customer.kr", ["help@example.kr"], body))

    assert {} == refused
    await talk(port, lambda smtp: smtp.send_message(a_mail()))
    assert "배송" in "".join(each.text for each in await received(service.bus))


async def test_starttls_where_there_is_a_certificate(engines: Engines, tmp_path: Path) -> None:
    certificate, key = a_certificate(tmp_path)
    settings = {
        "SORI_INGEST_SMTP_CERTIFICATE": str(certificate),
        "SORI_INGEST_SMTP_KEY": str(key),
        "SORI_INGEST_SMTP_REQUIRE_TLS": "true",
    }
    async with mail_on(engines, tmp_path, **settings) as (service, port):
        context = ssl.create_default_context(cafile=str(certificate))
        context.check_hostname = False

        def conversation(smtp: smtplib.SMTP) -> tuple[int, dict[str, tuple[int, bytes]]]:
            smtp.ehlo()
            plain = smtp.mail("kim@customer.kr")[0]
            smtp.starttls(context=context)
            return plain, smtp.send_message(a_mail())

        assert (530, {}) == await talk(port, conversation)
        assert 1 == len(await received(service.bus))


def a_certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


async def test_too_many_connections_are_told_to_come_again(engines: Engines, tmp_path: Path) -> None:
    async with mail_on(engines, tmp_path, SORI_INGEST_SMTP_MOST_CONNECTIONS="2") as (_, port):

        def greetings() -> list[bytes]:
            with contextlib.ExitStack() as stack:
                found = []
                for _ in range(3):
                    each = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                    found.append(each.recv(100)[:3])
                return found

        assert [b"220", b"220", b"421"] == await asyncio.to_thread(greetings)


async def test_a_broker_that_is_away_is_no_250(tmp_path: Path) -> None:
    broker = embedded.nats(tmp_path / "nats", embedded.free_port())
    process = real.start(broker, tmp_path)
    try:
        await asyncio.to_thread(real.wait_for_port, broker.url)
        on_it = Engines(broker.url, "", tmp_path)
        async with mail_on(on_it, tmp_path, SORI_INGEST_SMTP_WAIT_SECONDS="0.5") as (service, port):
            process.kill()
            await asyncio.to_thread(process.wait, 10)

            def conversation(smtp: smtplib.SMTP) -> int:
                smtp.ehlo()
                smtp.mail("kim@customer.kr")
                smtp.rcpt("help@example.kr")
                return smtp.data(a_mail().as_bytes())[0]

            code = await talk(port, conversation)
            process = real.start(broker, tmp_path)

            async def taken() -> bool:
                return await talk(port, conversation) == 250

            await harness.until(taken, seconds=30)
            assert 451 == code
            assert 1 == len(await received(service.bus))
    finally:
        process.kill()
        process.wait(10)
