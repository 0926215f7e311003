"""E-mail as MIME: what the sender wrote, apart from what they quoted and how they signed."""

import datetime as dt
import hashlib
import re
from collections.abc import Mapping

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import attachments, markup, mime, quotation, reading
from sori_ingest.channels.payload import Ignored, Payload, Reading, Source
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

NAME = "email"
TITLE = "E-mail (MIME)"
DOCUMENT = "https://www.rfc-editor.org/rfc/rfc5322"
CHANNEL = "email"
ENVELOPE = "x-sori-mail-from"  # header of a payload that came over SMTP: whom the envelope is from
FIELDS: Mapping[str, str] = {
    "external_id": "Message-ID; without one a digest of sender, date, subject and text",
    "thread_id": "first of References, else In-Reply-To, else the mail's own id",
    "kind": "inquiry from customers, reply by our own addresses within a thread, other for what we begin",
    "actor": "agent for the addresses in the options `own_addresses`, `addresses` and `own_domains`, else customer",
    "occurred_time": "Date; where it is missing or absurd the newest Received header, else the time of receipt",
    "identifiers": "e-mail: From; Reply-To where a form sent the mail (From is ours or no-reply), X-Original-From "
    "where a mailing list of ours did; of our own mails the receivers",
    "text": "plain text or HTML, without quoted replies and signature; a mere forward counts as the text, and of a "
    "reply without words of its own the subject",
    "attributes": "subject, quoted, signature (1,000 characters each), attachments, to, forwarded",
    "ignored": "bounce, auto_reply (also where the envelope is from nobody), mailing_list, empty_message",
}
OPTIONS: Mapping[str, Option] = {
    "addresses": Option("addresses at which mail is taken in over SMTP, or `@domain`, with commas between"),
    "channel": options.CHANNEL,
    "own_addresses": Option("further addresses from which the company writes, with commas between"),
    "own_domains": Option("domains from which only the company writes, with commas between"),
}

_EARLIEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
_SKEW = dt.timedelta(minutes=5)
_ID = re.compile(r"<([^<>]{1,998})>")
_BARE_ID = re.compile(r"[^\s<>@()\"]{1,500}@[^\s<>@()\"]{1,500}")
_ROBOT = re.compile(
    r"(?:mailer-daemon|postmaster|mail-daemon|bounces?)(?:[+=_-][^@]*)?@|^(?:mailer-daemon|postmaster)$", re.I
)
_NOBODY = re.compile(
    r"(?:[^@]*[-_.])?(?:no[-_.]?reply\d*|do[-_.]?not[-_.]?reply\d*|notifications?|mailer|wordpress"
    r"|form-submission)(?:[+_-][^@]*)?@"
)
# A customer who was out when the parcel came, or missed a call (부재중 전화), writes of it: only what programs write.
_AUTO_SUBJECT = re.compile(
    r"\s*(?:re:\s*)?(?:(?:automatische antwort|abwesenheitsnotiz|réponse automatique|respuesta automática"
    r"|risposta automatica|resposta automática|automatisch antwoord|autosvar|автоответ|自動返信|自动回复|自動回覆"
    r")\s?[:：]"
    r"|\[?(?:auto:\s.{1,100}\s)?out of (?:the )?office"
    r"|\[?auto(?:matic)?[- ]?(?:reply|response)\s*(?:[]:：(–-]|$|(?:from|to|re)\b)"
    r"|[(\[]?\s?(?:휴가\s?중(?=\s?자동)|부재\s?중|(?:메일\s?)?자동\s?(?:회신|응답|답장))"
    r"(?:\s?(?:자동|응답|회신|답장|이?메일|메시지|알림|안내))*\s*(?:입니다|드립니다)?\s*(?:[]):：(.]|$))",
    re.I,
)
_BOUNCE_SUBJECT = re.compile(
    r"\s*(?:undelivere?d|undeliverable|delivery (?:status notification|failure|has failed)"
    r"|mail delivery (?:failed|subsystem)|returned mail|failure notice"
    r"|메일 전송 실패|메일이 반송|배달되지 않|전송 실패|반송)",
    re.I,
)
# As programs put it, word for word: whoever writes about it has something before it, or goes on.
_RETURNED = re.compile(
    r"\s*(?:mail delivery failed: returning message to sender|undelivered mail returned to sender"
    r"|delivery status notification \((?:failure|delay)\)|returned mail: see transcript for details"
    r"|mail could not be delivered)\s*",
    re.I,
)
_REPLIES = re.compile(r"\s*(?:re|aw|sv|antw|회신|답장|답변|回复|回覆|答复)\s?(?:\[\d+\])?\s?[:：]", re.I)
_FORWARDS = re.compile(r"\s*\[?(?:fwd?|wg|tr|rv|enc|전달|轉寄|转发)\s?[:：\]]", re.I)
_SEALED = re.compile(
    r"-{5}BEGIN PGP SIGNED MESSAGE-{5}\n(?:Hash:[^\n]*\n){0,5}\n?"
    r"|\n?-{5}BEGIN PGP SIGNATURE-{5}(?:[^-]|-(?!-{4})){0,8000}-{5}END PGP SIGNATURE-{5}"
)
_PICTURE = re.compile(  # in place of one, as Outlook and Gmail write it
    r"\[cid:[^\[\]\s]{1,200}\]|\[(?:image|이미지|inline image|인라인 이미지)( \d{1,2})?: ?[^\[\]\n]{0,200}\]", re.I
)
_LISTS = ("list-id", "list-post", "list-unsubscribe")


def read(payload: Payload, source: Source) -> Reading:
    """Make one touchpoint of a mail, or none of what a program sent."""
    return read_mail(payload.body, payload, source)


def read_mail(body: bytes, payload: Payload, source: Source) -> Reading:
    """Read a mail that came within another payload; see read."""
    mail = mime.parse(body)
    own = _own(source)
    if ignored := _unwritten(mail, _envelope(mail, payload), own):
        return Reading(ignored=(ignored,))
    plain = _PICTURE.sub("", _SEALED.sub("", mail.plain))
    written = markup.Written(text=plain) if plain.strip() else markup.read(mail.html)
    parts = quotation.separate_written(written)
    subject = mail.header("subject")
    merely_quoted = bool(parts.quoted) and not parts.own
    forwarded = mail.encloses or (merely_quoted and not _answers(mail, subject, parts.quoted))
    text = parts.own or (parts.quoted if forwarded else "")
    if not (text or parts.quoted or quotation.is_of_program(parts.signature)):
        text = parts.signature
    if not (text or subject or mail.attachments):
        return Reading(ignored=(Ignored("empty_message"),))
    made = _touchpoint(mail, payload, source, own, text or subject)
    reading.attribute(made, "subject", subject)
    if forwarded:
        reading.attribute(made, "forwarded", "true")
    for name, words in (("quoted", parts.quoted), ("signature", parts.signature)):
        if words != text:
            reading.attribute(made, name, words)
    attachments.attach(made, map(attachments.type_of, mail.attachments))
    return Reading(touchpoints=(made,))


def _answers(mail: mime.Mail, subject: str, quoted: str) -> bool:
    """Say whether a mail of nothing but a quote is a reply, as with a photo, and no forward."""
    if _REPLIES.match(subject):
        return not quotation.is_forward(quoted)
    threaded = mail.header("in-reply-to") or mail.header("references")
    return bool(threaded) and not (_FORWARDS.match(subject) or quotation.is_forward(quoted))


def _touchpoint(mail: mime.Mail, payload: Payload, source: Source, own: frozenset[str], text: str) -> pb.Touchpoint:
    sender = mail.addresses("from") or mail.addresses("sender") or mime.addresses(_envelope(mail, payload))
    replies = mail.addresses("reply-to")
    receivers = mail.addresses("to", "cc")
    ours = bool(sender) and _is_own(sender[0], own)
    if ours and mail.header("list-id"):  # A list of ours, such as help@, put its own address in place of the writer's.
        replies = replies + mail.addresses("x-original-from", "x-original-sender")
    strangers = [each for each in replies if not _is_own(each, own)]
    if strangers and (ours or (sender and _NOBODY.match(sender[0]))):  # A form sent it for the one in Reply-To.
        ours, sender = False, strangers
    references = _ids(mail.header("references"))
    answered = _ids(mail.header("in-reply-to"))
    message_id = _message_id(mail, text)
    kind = pb.TOUCHPOINT_KIND_INQUIRY
    if ours:
        kind = pb.TOUCHPOINT_KIND_REPLY if references or answered else pb.TOUCHPOINT_KIND_OTHER
    made = reading.touchpoint(
        source,
        channel=reading.configured_channel(source, pb.CHANNEL_EMAIL),
        kind=kind,
        actor=pb.ACTOR_AGENT if ours else pb.ACTOR_CUSTOMER,
        at=_moment(mail, payload),
        external_id=message_id,
        thread_id=reading.reference((references or answered or [message_id])[0]),
        text=text,
        language=mail.header("content-language").partition(",")[0].strip(),
    )
    people = [each for each in receivers if not _is_own(each, own)] if ours else sender[:1]
    for address in people:
        reading.identify(made, pb.IDENTIFIER_TYPE_EMAIL, address)
    if not ours:
        reading.attribute(made, "to", ", ".join(each for each in receivers if _is_own(each, own)))
    return made


def _own(source: Source) -> frozenset[str]:
    """Give our addresses, and our domains as `@domain`."""
    given = (
        f"{source.options.get('own_addresses', '')},{source.options.get('addresses', '')}"  # those that take mail in
    )
    listed = re.split(r"[\s,;]+", given.lower())
    domains = re.split(r"[\s,;]+", source.options.get("own_domains", "").lower())
    return frozenset([each for each in listed if each] + [f"@{each.lstrip('@')}" for each in domains if each])


def _is_own(address: str, own: frozenset[str]) -> bool:
    local, _, domain = address.rpartition("@")
    bare = f"{local.partition('+')[0]}@{domain}"  # help+case123@ours is ours too
    return bool(own) and (address in own or bare in own or f"@{domain}" in own)


def _unwritten(mail: mime.Mail, envelope: str, own: frozenset[str]) -> Ignored | None:
    """Say why nobody wrote a mail, where nobody did."""
    sender = (mail.addresses("from") or mail.addresses("sender") or [mail.header("from").strip("<> ")])[0]
    subject = mail.header("subject")
    automatic = mail.header("auto-submitted").partition(";")[0].strip().lower()
    precedence = mail.header("precedence").strip().lower()
    if mail.header("content-type").lower().find("disposition-notification") > 0:
        return Ignored("auto_reply", "read receipt")
    if (
        mail.delivery_report
        or _ROBOT.match(sender)
        or mail.header("x-failed-recipients")
        or _RETURNED.fullmatch(subject)
    ):
        return Ignored("bounce")
    if envelope == "<>":  # As RFC 3834 asks of programs, so that none answers another.
        return Ignored("bounce" if _BOUNCE_SUBJECT.match(subject) else "auto_reply", "null sender")
    if automatic == "auto-generated" and _is_own(sender, own):
        automatic = "" if any(not _is_own(each, own) for each in mail.addresses("reply-to")) else automatic  # our form
    if automatic not in ("", "no") or precedence in ("auto_reply", "auto-reply", "autoreply"):
        return Ignored("auto_reply", automatic[:40] if automatic.isascii() else "")
    if any(mail.header(each) for each in ("x-autoreply", "x-autorespond", "x-autoresponse", "x-auto-reply-from")):
        return Ignored("auto_reply")
    if _AUTO_SUBJECT.match(subject):
        return Ignored("auto_reply", "subject")
    if precedence in ("bulk", "list", "junk") or any(mail.header(each) for each in _LISTS):
        # A mailbox such as help@ may be a list of ours: what comes through it is for us.
        lists = " ".join(mail.header(each).lower() for each in ("list-id", "list-post"))
        if not any(_names(lists, each) for each in own):
            return Ignored("mailing_list")
    return None


def _envelope(mail: mime.Mail, payload: Payload) -> str:
    """Give the sender of the envelope, as the last program wrote it down or told us over SMTP; nothing if unknown."""
    told = payload.headers.get(ENVELOPE)
    return mail.header("return-path").strip() or ("" if told is None else f"<{told}>")


def _names(lists: str, own: str) -> bool:
    """Say whether a list's headers name an address or a domain of ours; a List-Id has a dot for the @."""
    return bool(re.search(rf"(?<![\w-]){re.escape(own.lstrip('@'))}(?![\w-])", lists)) or (
        "@" in own[1:] and own.replace("@", ".", 1) in lists
    )


def _ids(header: str) -> list[str]:
    """Give the ids in a header, in angle brackets or, as some programs write them, without."""
    if found := _ID.findall(header):
        return found
    bare = re.split(r"[\s,;]+", header.strip(" ,;"))
    return bare if all(map(_BARE_ID.fullmatch, bare)) else []


def _message_id(mail: mime.Mail, text: str) -> str:
    given = mail.header("message-id")
    found = _ID.search(given)
    if message_id := (found[1] if found else given).strip():
        return reading.reference(message_id)
    said = "\0".join([mail.header("from"), mail.header("date"), mail.header("subject"), text])
    return f"sha256:{hashlib.sha256(said.encode()).hexdigest()}"


def _moment(mail: mime.Mail, payload: Payload) -> reading.Moment:
    latest = payload.received_time + _SKEW
    received = [value.rpartition(";")[2] for value in mail.all("received")]
    for value in [mail.header("date"), *received[:1]]:
        made = _spelled(value)
        if made and _EARLIEST <= made.time <= latest:
            return made
    return reading.Moment(payload.received_time.astimezone(dt.UTC))


def _spelled(value: str) -> reading.Moment | None:
    """Read a date as mailers write it, with a comment behind it or without."""
    made = reading.moment(value.partition("(")[0].strip()[:64])
    return made if made and abs(made.offset_minutes) <= 14 * 60 else None
