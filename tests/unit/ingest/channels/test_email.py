"""E-mail: RFC 5322, RFC 2045 to 2049, and what mailers make of them."""

import base64
import datetime as dt
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest import channels
from sori_ingest.channels.payload import Payload, Reading, Source, Unreadable

Read = Callable[..., Reading]
RECEIVED = dt.datetime(2026, 11, 22, 3, 4, 5, tzinfo=dt.UTC)
HEADERS = (
    "From", "To", "Subject", "Date", "Message-ID", "References", "Content-Type", "Content-Transfer-Encoding",
    "Content-Disposition", "Reply-To", "List-Id", "Received", "Content-Language",
)  # fmt: skip


def mail(*headers: str | bytes, body: str | bytes = "hello") -> bytes:
    lines = [each if isinstance(each, bytes) else each.encode() for each in ("From: a@example.com", *headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body if isinstance(body, bytes) else body.encode())


def the_touchpoint(read: Read, *headers: str | bytes, body: str | bytes = "hello", **given: Any) -> pb.Touchpoint:
    [made] = read("email", "", body=mail(*headers, body=body), **given).touchpoints
    return made


@pytest.mark.parametrize(
    "charset",
    ["euc-kr", "EUC_KR", "ks_c_5601-1987", "KS_C_5601", "cp949", "MS949", "windows-949", "x-windows-949", "utf-8",
     "no-such-charset", "", "us-ascii", "default"],
)  # fmt: skip
def test_korean_is_read_whatever_the_charset_is_called(read: Read, charset: str) -> None:
    korean = "배송이 너무 늦어요. 환불해 주세요"
    data = korean.encode("utf-8" if charset == "utf-8" else "cp949")

    made = the_touchpoint(read, f"Content-Type: text/plain; charset={charset}", body=data)

    assert korean == made.text


def test_a_body_in_utf8_that_claims_to_be_euc_kr(read: Read) -> None:
    made = the_touchpoint(read, "Content-Type: text/plain; charset=euc-kr", body="환불 부탁드립니다")

    assert "환불 부탁드립니다" == made.text


@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1252", "latin1"])
@pytest.mark.parametrize("bytes_are", ["utf-8", "euc-kr"])
def test_korean_of_a_program_that_names_a_western_charset_is_read(read: Read, charset: str, bytes_are: str) -> None:
    made = the_touchpoint(
        read, f"Content-Type: text/plain; charset={charset}", body="환불 부탁드립니다".encode(bytes_are)
    )

    assert "환불 부탁드립니다" == made.text


@pytest.mark.parametrize("text", ["배송이 늦어요 ㅠㅠ… 정말", "환불 해주세요 ★★★"])
def test_korean_with_signs_is_read_under_a_western_charset(read: Read, text: str) -> None:
    made = the_touchpoint(read, "Content-Type: text/plain; charset=iso-8859-1", body=text.encode("euc-kr"))

    assert text == made.text


def test_iso_2022_kr_is_read_without_the_line_that_names_it(read: Read) -> None:
    body = "배송 문의".encode("iso2022_kr").replace(b"\x1b$)C", b"")

    assert "배송 문의" == the_touchpoint(read, "Content-Type: text/plain; charset=iso-2022-kr", body=body).text


@pytest.mark.parametrize("text", ["Où est ma commande ? Déjà ÀÉ payée", "GRÖSSE ÄÜß", "El año pasado, ¿qué?"])
def test_western_letters_stay_what_they_are(read: Read, text: str) -> None:
    made = the_touchpoint(read, "Content-Type: text/plain; charset=iso-8859-1", body=text.encode("iso-8859-1"))

    assert text == made.text


def test_an_encoded_word_that_is_cut_within_a_character(read: Read) -> None:
    data = base64.b64encode("환불 요청입니다".encode()).decode()
    halves = "".join(f"=?utf-8?B?{part}?=\r\n " for part in (data[:8], data[8:]))

    made = the_touchpoint(read, f"Subject: {halves.rstrip()}")

    assert "환불 요청입니다" == made.attributes["subject"]


def test_a_header_with_bytes_that_nobody_declared(read: Read) -> None:
    made = the_touchpoint(read, b"Subject: " + "배송 문의".encode("cp949"))

    assert "배송 문의" == made.attributes["subject"]


def test_a_reply_is_in_the_thread_of_its_first_reference(read: Read) -> None:
    reply = the_touchpoint(read, "Message-ID: <3@x>", "In-Reply-To: <2@x>", "References: <1@x> <2@x>")
    short = the_touchpoint(read, "Message-ID: <3@x>", "In-Reply-To: <2@x>")
    first = the_touchpoint(read, "Message-ID: <1@x>")

    assert ("1@x", "2@x", "1@x") == (reply.thread_id, short.thread_id, first.thread_id)


@pytest.mark.parametrize("header", ["References: 1@x 2@x", "References: <1@x>,<2@x>", "In-Reply-To: 1@x"])
def test_ids_without_brackets_name_a_thread(read: Read, header: str) -> None:
    assert "1@x" == the_touchpoint(read, "Message-ID: <3@x>", header).thread_id


def test_words_about_what_is_answered_name_no_thread(read: Read) -> None:
    made = the_touchpoint(read, "Message-ID: <3@x>", "In-Reply-To: mail of kim@example.com of Monday")

    assert "3@x" == made.thread_id


@pytest.mark.parametrize(
    "date",
    [
        "Mon, 16 Nov 2026 10:00:00 +09:00",
        "Mon, 16 Nov 2026 10:00:00 GMT+0900",
        "Mon, 16 Nov 2026 10:00:00 UTC+09:00",
        "Mon Nov 16 10:00:00 KST 2026",
        "Mon Nov 16 10:00:00 +0900 2026",
    ],
)
def test_odd_offsets_are_known(read: Read, date: str) -> None:
    made = the_touchpoint(read, f"Date: {date}")

    assert ("2026-11-16T01:00:00Z", 540) == (made.occurred_time.ToJsonString(), made.occurred_offset_minutes)


@pytest.mark.parametrize(
    "sender", ["kim@old.example <kim@new.example>", "Kim, Minsu <kim@new.example>", "김민수(고객) <kim@new.example>"]
)
def test_an_address_is_what_stands_in_brackets(read: Read, sender: str) -> None:
    [made] = read("email", "", body=f"From: {sender}\r\n\r\nhello".encode()).touchpoints

    assert ["kim@new.example"] == [each.value for each in made.identifiers]


def test_a_mail_without_an_id_is_recognised_when_it_comes_again(read: Read) -> None:
    first = the_touchpoint(read, "Date: Fri, 20 Nov 2026 18:00:00 +0900", "Received: from a")
    again = the_touchpoint(read, "Date: Fri, 20 Nov 2026 18:00:00 +0900", "Received: from b")
    other = the_touchpoint(read, "Date: Fri, 20 Nov 2026 18:00:01 +0900")

    assert first.external_id == again.external_id != other.external_id


@pytest.mark.parametrize(
    "date",
    [
        "Thu, 01 Jan 1970 00:00:00 +0000",
        "Mon, 99 Foo 2026 25:61:61 +9999",
        "",
        "Fri, 20 Nov 2099 18:00:00 +0900",
        "soon",
    ],
)
def test_an_absurd_date_gives_way_to_when_it_was_received(read: Read, date: str) -> None:
    made = the_touchpoint(read, f"Date: {date}", "Received: from a by b; Fri, 20 Nov 2026 09:00:05 +0000 (UTC)")

    assert "2026-11-20T09:00:05Z" == made.occurred_time.ToJsonString()


def test_our_own_mail_is_an_agents_answer_to_whom_it_went(read: Read) -> None:
    headers = ("To: Kim <kim@example.com>, help@sori.example", "In-Reply-To: <1@x>")

    made = the_touchpoint(read, *headers, options={"own_addresses": "a@example.com, help@sori.example"})

    assert (pb.ACTOR_AGENT, pb.TOUCHPOINT_KIND_REPLY) == (made.actor, made.kind)
    assert ["kim@example.com"] == [each.value for each in made.identifiers]


def test_who_wrote_is_in_from_and_not_in_reply_to(read: Read) -> None:
    made = the_touchpoint(read, "Reply-To: list@other.example")

    assert ["a@example.com"] == [each.value for each in made.identifiers]


def test_a_form_without_an_address_of_its_own_names_the_customer_in_reply_to(read: Read) -> None:
    body = b"From: Forms <no-reply@forms.example>\r\nReply-To: kim@other.example\r\n\r\nhello"

    [made] = read("email", "", body=body).touchpoints

    assert ["kim@other.example"] == [each.value for each in made.identifiers]


def test_a_contact_form_of_our_site_is_from_whom_it_says(read: Read) -> None:
    headers = ("Reply-To: kim@other.example", "Auto-Submitted: auto-generated")

    made = the_touchpoint(read, *headers, options={"own_domains": "example.com"})

    assert pb.ACTOR_CUSTOMER == made.actor
    assert ["kim@other.example"] == [each.value for each in made.identifiers]


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("Auto-Submitted: auto-replied", "auto_reply"),
        ("Auto-Submitted: auto-generated; x=y", "auto_reply"),
        ("X-Autoreply: yes", "auto_reply"),
        ("Precedence: auto_reply", "auto_reply"),
        ("Subject: Out of Office: vacation", "auto_reply"),
        ("Subject: 자동 회신: 부재", "auto_reply"),
        ("Subject: [자동회신] 휴가입니다", "auto_reply"),
        ("Subject: 부재중: 11/30~12/4", "auto_reply"),
        ("Subject: [부재중] 안내드립니다", "auto_reply"),
        ("Subject: 부재중 안내", "auto_reply"),
        ("Subject: 휴가중 자동응답입니다.", "auto_reply"),
        ("Subject: 부재 중 자동 응답 메일입니다", "auto_reply"),
        ("Subject: Automatic reply: your order", "auto_reply"),
        ("Subject: (자동회신) 배송 안내", "auto_reply"),
        ("Subject: 自動返信: 配送", "auto_reply"),
        ("Subject: Abwesenheitsnotiz: your order", "auto_reply"),
        ("Content-Type: multipart/report; report-type=disposition-notification", "auto_reply"),
        ("Subject: Auto-Reply from Minsu", "auto_reply"),
        ("Subject: Out of Office AutoReply: your order", "auto_reply"),
        ("Return-Path: <>", "auto_reply"),
        ("Subject: AUTO: Kim, Minsu is out of the office (returning 05/01/2026)", "auto_reply"),
        ("Subject: Mail delivery failed: returning message to sender", "bounce"),
        ("Subject: Undelivered Mail Returned to Sender", "bounce"),
        ("Return-Path: <>\r\nSubject: Delivery Status Notification (Failure)", "bounce"),
        ("Precedence: bulk", "mailing_list"),
        ("List-Id: <news.example.org>", "mailing_list"),
        ("Content-Type: multipart/report; report-type=delivery-status; boundary=b", "bounce"),
        ("X-Failed-Recipients: x@y.example", "bounce"),
    ],
)
def test_what_a_program_wrote_is_ignored(read: Read, header: str, reason: str) -> None:
    found = read("email", "", body=mail(header), options={"own_domains": "sori.example"})

    assert [reason] == [each.reason for each in found.ignored]
    assert () == found.touchpoints


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Subject: Re: 부재료 문의",
        "Subject: 부재중이라 택배를 못 받았어요",
        "Subject: 부재중 전화가 와 있어요",
        "Subject: 부재중 안내문 보고 문의드려요",
        "Subject: [부재중 반송] 재배송 부탁드려요",
        "Subject: 자동 응답이 자꾸 와요",
        "Subject: Auto reply of your app is broken",
        "X-Auto-Response-Suppress: All",
        "Subject: Re: Undelivered Mail Returned to Sender",
        "Subject: Mail delivery failed: returning message to sender, why?",
    ],
)
def test_what_a_person_wrote_is_not(read: Read, header: str) -> None:
    assert "hello" == the_touchpoint(read, header).text


def test_a_postmaster_without_an_address_reports_a_bounce(read: Read) -> None:
    found = read("email", "", body=b"From: Postmaster <>\r\nSubject: Undeliverable: a@example.com\r\n\r\nfailed")

    assert ["bounce"] == [each.reason for each in found.ignored]


def test_what_came_over_smtp_from_nobody_is_of_a_program(read: Read) -> None:
    nobody, somebody = {"x-sori-mail-from": ""}, {"x-sori-mail-from": "kim@example.com"}

    assert ["auto_reply"] == [each.reason for each in read("email", "", body=mail(), headers=nobody).ignored]
    assert "hello" == the_touchpoint(read, headers=somebody).text
    assert "hello" == the_touchpoint(read, "Return-Path: <kim@example.com>", headers=nobody).text


def test_whom_an_envelope_is_from_stands_in_for_a_sender(read: Read) -> None:
    [made] = read(
        "email", "", body=b"To: help@sori.kr\r\n\r\nhello", headers={"x-sori-mail-from": "Kim@Example.com"}
    ).touchpoints

    assert ["kim@example.com"] == [each.value for each in made.identifiers]


def test_a_mailbox_that_is_a_list_of_ours_is_read(read: Read) -> None:
    made = the_touchpoint(
        read, "Precedence: list", "List-ID: <help.sori.example>", options={"own_addresses": "help@sori.example"}
    )

    assert pb.ACTOR_CUSTOMER == made.actor


def test_a_list_of_ours_that_writes_in_its_own_name_is_from_whom_it_says(read: Read) -> None:
    body = (
        b"From: 'Kim' via Help <help@sori.example>\r\nReply-To: help@sori.example\r\nPrecedence: list\r\n"
        b"List-ID: <help.sori.example>\r\nX-Original-From: Kim <kim@other.example>\r\n\r\nhello"
    )

    [made] = read("email", "", body=body, options={"own_addresses": "help@sori.example"}).touchpoints

    assert (pb.ACTOR_CUSTOMER, pb.TOUCHPOINT_KIND_INQUIRY) == (made.actor, made.kind)
    assert ["kim@other.example"] == [each.value for each in made.identifiers]


def test_html_is_read_without_what_it_quotes(read: Read) -> None:
    [made] = read("email", "ok_html_only.eml").touchpoints

    assert "제품이 고장났어요\n\n교환되나요?" == made.text
    assert "Hello" in made.attributes["quoted"]


def test_attachments_are_counted_by_type(read: Read) -> None:
    [made] = read("email", "ok_attachments.eml").touchpoints

    assert ("사진 보내요", "file:1,image:1") == (made.text, made.attributes["attachments"])


def test_a_mere_forward_keeps_what_it_forwards(read: Read) -> None:
    [made] = read("email", "ok_forward_only.eml").touchpoints

    assert "바퀴벌레가 나왔어요" in made.text


WITHIN = "Subject: FW\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n"
ENCLOSED = "From: kim@other.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n벌레가 나왔어요\r\n"


@pytest.mark.parametrize(
    "part",
    [
        f"Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=a.eml\r\n\r\n{ENCLOSED}",
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(ENCLOSED.encode()).decode(),
        f"Content-Type: message/rfc822\r\n\r\n{WITHIN}Content-Type: message/rfc822\r\n\r\n{ENCLOSED}\r\n--c--",
    ],
)
def test_a_mail_that_is_attached_to_nothing_else_is_a_forward(read: Read, part: str) -> None:
    body = f"--b\r\nContent-Type: text/plain\r\n\r\n\r\n--b\r\n{part}\r\n--b--\r\n"

    made = the_touchpoint(read, "Content-Type: multipart/mixed; boundary=b", body=body)
    spoken = the_touchpoint(
        read, "Content-Type: multipart/mixed; boundary=b", body=body.replace("\n\r\n\r\n--b", "\nsee\r\n--b")
    )

    assert ("벌레가 나왔어요", "true", "file:1") == (
        made.text, made.attributes["forwarded"], made.attributes["attachments"]
    )  # fmt: skip
    assert ["a@example.com"] == [each.value for each in made.identifiers]
    assert ("see", "") == (spoken.text, spoken.attributes["forwarded"])


def test_nothing_of_a_mail_within_a_mail_is_lost(read: Read) -> None:
    words = "환불해 주세요.\n\n2026. 1. 5. 15:00, 소리 <help@sori.example> 작성:\n> 도착했나요?\n\n-- \n김민지"
    within = f"Content-Type: message/rfc822\r\n\r\nSubject: FW\r\n{PLAIN}{words}"

    made = the_touchpoint(read, PARTS, body=f"--b\r\n{within}\r\n--b--\r\n")

    assert ("환불해 주세요.", "true") == (made.text, made.attributes["forwarded"])
    assert "도착했나요?" in made.attributes["quoted"]
    assert "김민지" in made.attributes["signature"]


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        (("Content-Type: text/plain; name=a.txt", "Content-Disposition: inline"), "hello"),
        (("Content-Type: text/plain", "Content-Disposition: attachment"), "hello"),
        (("Content-Type: text/plain", "Content-Disposition: attachment; filename=a.txt"), "s"),
    ],
)
def test_text_that_is_all_there_is_may_have_a_name(read: Read, headers: tuple[str, ...], text: str) -> None:
    assert text == the_touchpoint(read, "Subject: s", *headers).text


@pytest.mark.parametrize("mark", ["[cid:image001.png@01DA.5D]", "[image: image.png]", "[이미지: 사진 1.png]"])
def test_what_stands_in_place_of_a_picture_is_not_text(read: Read, mark: str) -> None:
    assert "깨졌어요" == the_touchpoint(read, body=f"깨졌어요\r\n{mark}").text


QUOTE = "\r\n\r\n2026년 1월 5일 (월) 오후 3:00, 소리 <help@sori.example>님이 작성:\r\n\r\n> 내일 도착합니다\r\n"
PHOTO = "--b\r\nContent-Type: image/jpeg\r\n\r\nx\r\n--b--\r\n"


@pytest.mark.parametrize("headers", [("Subject: Re: 배송",), ("Subject: 배송", "In-Reply-To: <1@sori.example>")])
def test_a_reply_without_words_has_not_ours(read: Read, headers: tuple[str, ...]) -> None:
    body = f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{QUOTE}{PHOTO}"

    made = the_touchpoint(read, *headers, "Content-Type: multipart/mixed; boundary=b", body=body)

    assert made.text == made.attributes["subject"]
    assert "내일 도착합니다" in made.attributes["quoted"]
    assert ("image:1", "") == (made.attributes["attachments"], made.attributes["forwarded"])


@pytest.mark.parametrize(
    ("subject", "quote"),
    [
        ("FW: 배송", "-----Original Message-----\r\nFrom: a@b.kr\r\nSubject: 배송\r\n\r\n내일 도착합니다"),
        ("Re: 배송", "---------- Forwarded message ---------\r\nFrom: a@b.kr\r\n\r\n내일 도착합니다"),
        ("배송", "---------- 전달된 메일 ----------\r\n보낸사람: a@b.kr\r\n\r\n내일 도착합니다"),
    ],
)
def test_a_forward_within_a_thread_is_one(read: Read, subject: str, quote: str) -> None:
    made = the_touchpoint(read, f"Subject: {subject}", "In-Reply-To: <1@sori.example>", body=quote)

    assert "내일 도착합니다" in made.text
    assert "true" == made.attributes["forwarded"]


def test_what_a_phone_writes_below_a_mail_is_not_its_text(read: Read) -> None:
    made = the_touchpoint(read, "Subject: 환불해 주세요", body="나의 iPhone에서 보냄")

    assert ("환불해 주세요", "나의 iPhone에서 보냄") == (made.text, made.attributes["signature"])


def test_flowed_lines_are_joined(read: Read) -> None:
    made = the_touchpoint(read, "Content-Type: text/plain; format=flowed", body="one \r\ntwo\r\nthree")

    assert "one two\nthree" == made.text


@pytest.mark.parametrize(
    "body",
    [
        b"On " * 300_000,
        b"\r\n" * 300_000 + b"x",
        b"From: \n" * 80_000,
        b" " * 500_000 + b"x",
        b"> a\n" * 150_000,
        b"!" * 500_000,
    ],
)
@pytest.mark.parametrize("encoding", ["8bit", "base64"])
def test_a_huge_mail_takes_no_time(read: Read, body: bytes, encoding: str) -> None:
    before = time.process_time()

    found = read("email", "", body=mail("Subject: a", f"Content-Transfer-Encoding: {encoding}", body=body))

    assert found.touchpoints
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "tag", [b"<div>", b"<table><tr><td>", b"<xx>", b"<p>", b"<blockquote type=cite>a</blockquote>"]
)
def test_huge_markup_takes_no_time(read: Read, tag: bytes) -> None:
    before = time.process_time()

    found = read("email", "", body=mail("Content-Type: text/html", body=tag * 50_000 + "끝".encode()))

    assert found.touchpoints or found.ignored
    assert time.process_time() - before < 5


def test_something_else_is_unreadable(read: Read) -> None:
    with pytest.raises(Unreadable):
        read("email", "unreadable_no_headers.eml")


@given(st.lists(st.tuples(st.sampled_from(HEADERS), st.text(max_size=60)), max_size=8), st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_mail_crashes(headers: list[tuple[str, str]], body: bytes) -> None:
    lines = [
        f"{name}: {value}".encode("utf-8", "surrogatepass").replace(b"\n", b"").replace(b"\r", b"")
        for name, value in headers
    ]
    payload = Payload(body=mail(*lines, body=body), received_time=RECEIVED)

    found = channels.read(channels.ADAPTERS["email"], payload, Source(name="s"))

    assert found.touchpoints or found.ignored


def test_joined_emoji_and_letters_stay_joined_and_hidden_filling_goes(read: Read) -> None:
    [made] = read("email", "ok_joined_emoji.eml").touchpoints

    assert "가족 👨‍👩‍👧‍👦 모두 & ❤️‍🔥 می‌خواهم" == made.text


def test_korean_abbreviation_of_the_zone_is_known(read: Read) -> None:
    mail = b"From: a@example.com\r\nMessage-ID: <kst@example.com>\r\nDate: Sun, 01 Nov 2026 10:00:00 KST\r\n\r\nhi\r\n"

    [made] = read("email", "", body=mail).touchpoints

    assert ("2026-11-01T01:00:00Z", 540) == (made.occurred_time.ToJsonString(), made.occurred_offset_minutes)


def test_headers_go_on_below_a_line_that_is_none(read: Read) -> None:
    body = "늦어요".encode("euc-kr")
    headers = (
        "X-Spam: no",
        "garbage that a gateway left",
        " and its end",
        "Subject: 배송",
        "Message-ID: <m1@example.com>",
    )

    made = the_touchpoint(read, *headers, "Content-Type: text/plain; charset=euc-kr", body=body)

    assert ("늦어요", "배송", "m1@example.com") == (made.text, made.attributes["subject"], made.external_id)


def test_text_without_an_empty_line_above_it_is_text(read: Read) -> None:
    [made] = read(
        "email", "", body=b"From: a@example.com\r\nSubject: hi\r\nHello there\r\nFrom: me\r\n\r\nBye"
    ).touchpoints

    assert "Hello there\nFrom: me\n\nBye" == made.text


@pytest.mark.parametrize("parameter", ["", '; boundary="other"', "; boundary="])
def test_parts_are_found_when_their_boundary_is_not_the_one_that_is_named(read: Read, parameter: str) -> None:
    parts = (
        "--b1\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n환불해 주세요\r\n"
        "--b1\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--b1--\r\n"
    )

    made = the_touchpoint(read, f"Content-Type: multipart/mixed{parameter}", body=parts)

    assert ("환불해 주세요", "image:1") == (made.text, made.attributes["attachments"])


def test_text_of_a_multipart_without_parts_is_read(read: Read) -> None:
    made = the_touchpoint(read, "Content-Type: multipart/mixed", body="본문뿐입니다")

    assert "본문뿐입니다" == made.text


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_base64_that_lacks_its_end_is_read_up_to_there(read: Read, cut: int) -> None:
    body = base64.encodebytes("환불해 주세요, 부탁드립니다!!".encode()).decode().strip()[:-cut]

    made = the_touchpoint(
        read, "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", body=body
    )

    assert made.text.startswith("환불해 주세요, 부탁드립니다")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("배송이 늦어요\r\n확인 바랍니다".encode(), "배송이 늦어요\n확인 바랍니다"),
        (b"My order has not arrived yet.\r\n\r\nThanks", "My order has not arrived yet.\n\nThanks"),
        (b"67Cw7Iah7J20IOuKpuyWtOyalA==\r\n\r\n_______________\r\nhelp mailing list\r\n", "배송이 늦어요"),
        (b"67Cw7Iah7J20IOuKpuyWtOyalA==\r\nIO2ZmOu2iO2VtCDso7zshLjsmpQ=\r\n", "배송이 늦어요 환불해 주세요"),
        (b"7ZmY67aIPj4-Pz8_\r\n", "환불>>>???"),
        (b"67Cw7Iah7J20!\r\nIOuKpuyWtOyalA==\r\n", "배송이 늦어요"),
    ],
)
def test_what_is_not_quite_base64_is_read(read: Read, body: bytes, text: str) -> None:
    made = the_touchpoint(
        read, "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", body=body
    )

    assert text == made.text


def test_markup_that_is_called_plain_text_is_read_as_such(read: Read) -> None:
    body = "<html><body><p>배송이 늦어요</p><p>5 &lt; 6</p></body></html>"

    assert "배송이 늦어요\n\n5 < 6" == the_touchpoint(read, body=body).text
    assert "<p> 태그가 보여요" == the_touchpoint(read, body="<p> 태그가 보여요").text


PARTS = "Content-Type: multipart/mixed; boundary=b"
HTML = "Content-Type: text/html; charset=utf-8\r\n\r\n"
PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\n"


@pytest.mark.parametrize(
    ("parts", "text"),
    [
        (
            [f"{HTML}<p>포장이 찢어졌어요.</p>", f"{PLAIN}help@ mailing list"],
            "포장이 찢어졌어요.\n\nhelp@ mailing list",
        ),
        ([f"{PLAIN}사진처럼요.", f"{HTML}<p>교환해 주세요.</p>"], "사진처럼요.\n\n교환해 주세요."),
        ([f"{PLAIN}1 < 2\r\n& 3", f"{HTML}<p>4</p>"], "1 < 2\n& 3\n\n4"),
        (
            [f"{PLAIN}환불해 주세요.\r\n언제 되나요?", f"{HTML}<p>환불해 주세요.<br>언제 되나요?</p>"],
            "환불해 주세요.\n언제 되나요?",
        ),
        ([f"{PLAIN}This is a multi-part message in MIME format.", f"{HTML}<p>언제 오나요?</p>"], "언제 오나요?"),
        ([f"{PLAIN}This message is in HTML format.", f"{HTML}<p>언제 오나요?</p>"], "언제 오나요?"),
        ([f"{PLAIN}HTML 코드가 보여요", f"{HTML}<p>HTML 코드가 보여요</p>"], "HTML 코드가 보여요"),
    ],
)
def test_words_in_html_beside_words_in_plain_text_are_read(read: Read, parts: list[str], text: str) -> None:
    body = "".join(f"--b\r\n{each}\r\n" for each in parts) + "--b--\r\n"

    assert text == the_touchpoint(read, PARTS, body=body).text


@pytest.mark.parametrize("choice", ["mixed", "alternative"])
def test_of_two_ways_to_say_the_same_the_plain_one_is_read(read: Read, choice: str) -> None:
    inner = f"--c\r\n{PLAIN}환불해 주세요.\r\n--c\r\n{HTML}<p>환불해 주세요.</p>\r\n--c--\r\n"
    body = f"--b\r\nContent-Type: multipart/{choice}; boundary=c\r\n\r\n{inner}--b--\r\n"

    assert "환불해 주세요." == the_touchpoint(read, PARTS, body=body).text


@pytest.mark.parametrize(
    ("charset", "bytes_are", "text"),
    [
        ("iso-8859-1", "cp1252", "It’s late – “again”"),
        ("gb2312", "gbk", "您好，镕基"),
        ("Shift_JIS", "cp932", "商品①が届きません"),
    ],
)
def test_a_charset_stands_for_the_larger_one_that_programs_mean(
    read: Read, charset: str, bytes_are: str, text: str
) -> None:
    made = the_touchpoint(read, f"Content-Type: text/plain; charset={charset}", body=text.encode(bytes_are))

    assert text == made.text


def test_html_names_its_charset_where_the_header_does_not(read: Read) -> None:
    body = "<html><head><meta charset='gb2312'></head><body>我的订单还没有到</body></html>".encode("gbk")

    assert "我的订单还没有到" == the_touchpoint(read, "Content-Type: text/html", body=body).text


def test_words_signed_by_pgp_are_read_without_the_seal(read: Read) -> None:
    seal = "-----BEGIN PGP SIGNATURE-----\r\n\r\niQEzBAEB\r\n-----END PGP SIGNATURE-----\r\n"
    body = f"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nMy order never arrived.\r\n{seal}"

    assert "My order never arrived." == the_touchpoint(read, body=body).text


SIGNED = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"  # the beginning of what RFC 5652 has
SAID = "Content-Type: text/plain; charset=utf-8\r\n\r\n배송이 늦어요. 서명했습니다.\r\n".encode()


@pytest.mark.parametrize("name", ["pkcs7-mime", "x-pkcs7-mime"])
@pytest.mark.parametrize(
    "packed",
    [
        SIGNED + b"\xa0" + bytes([len(SAID) + 2]) + b"\x04" + bytes([len(SAID)]) + SAID + b"\x00\x00",
        SIGNED + b"\xa0\x80\x04\x81" + bytes([len(SAID)]) + SAID,
        SIGNED + b"\xa0\x80\x24\x80\x04\x20" + SAID[:32] + b"\x04" + bytes([len(SAID) - 32]) + SAID[32:] + b"\x00\x00",
    ],
)
def test_words_within_a_signature_are_read(read: Read, name: str, packed: bytes) -> None:
    headers = (f"Content-Type: application/{name}; smime-type=signed-data", "Content-Transfer-Encoding: base64")

    made = the_touchpoint(read, *headers, body=base64.encodebytes(packed))

    assert ("배송이 늦어요. 서명했습니다.", "") == (made.text, made.attributes["attachments"])


@pytest.mark.parametrize("packed", [SIGNED + b"\x30\x0d\x06\x09", SIGNED, SIGNED + b"\xa0", SIGNED + b"\xa0\x84", b"x"])
def test_what_is_encrypted_is_an_attachment(read: Read, packed: bytes) -> None:
    headers = ("Subject: s", "Content-Type: application/pkcs7-mime", "Content-Transfer-Encoding: base64")

    made = the_touchpoint(read, *headers, body=base64.encodebytes(packed))

    assert ("s", "file:1") == (made.text, made.attributes["attachments"])


@pytest.mark.parametrize("sender", ["mailer@shopify.com", "forms-receipts-noreply@google.com", "noreply123@sori.kr"])
def test_a_system_that_mails_what_its_form_took_names_the_customer_in_reply_to(read: Read, sender: str) -> None:
    body = f"From: {sender}\r\nReply-To: kim@other.example\r\n\r\nwhen?".encode()

    [made] = read("email", "", body=body).touchpoints

    assert ["kim@other.example"] == [each.value for each in made.identifiers]


def test_ends_of_lines_that_were_turned_twice(read: Read) -> None:
    written = mail("Subject: s", "Message-ID: <1@a.example>", body="언제 되나요?\r\n\r\n급해요")

    [made] = read("email", "", body=written.replace(b"\r\n", b"\r\r\n")).touchpoints

    assert ("언제 되나요?\n\n급해요", "s") == (made.text, made.attributes["subject"])
