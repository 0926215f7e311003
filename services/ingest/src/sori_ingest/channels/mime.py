"""A MIME message taken apart, however broken: headers as text, what was written, and how much is attached."""

import base64
import binascii
import email.errors
import email.message
import email.parser
import email.policy
import email.utils
import quopri
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from sori_ingest.channels import charsets, markup, reading
from sori_ingest.channels.payload import Unreadable

_MOST_PARTS = 500
_MOST_GUESSES = 5  # of the boundaries of parts that do not name theirs
_MOST_ENCLOSED = 3  # messages within one another
_MOST_STRAYS = 20  # lines between headers that are none
_MOST_HEADERS = 1_000
_LONGEST_HEADER = 16_384  # bytes; references to a long thread are about 4,000
_LONGEST_BODY = 1 << 20  # bytes of a part of text that are read

_LONGEST_HEAD = 2_000  # bytes of HTML that may name its charset
_LONGEST_NOTICE = 300  # characters
_ENOUGH_TO_TELL = 60  # characters by which plain text is found again in HTML

_MARKUP = re.compile(  # of programs that call it plain text
    r"\s*<(?:!doctype html|(html|body|div|table|p|span)\b[^<>]*>(?=[^<]*<)(?s:.*)</\1>\s*$)", re.I
)
_META = re.compile(rb"<meta\b[^<>]{0,200}?charset\s?=\s?[\"']?([\w.:-]{2,40})", re.I)
_NOTICE = re.compile(r"\bhtml|multi-?part message in mime format", re.I)
_SEALS = ("application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature")
_SIGNED = ("application/pkcs7-mime", "application/x-pkcs7-mime")
_SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01"  # the kind of what is signed
_OCTETS = 4  # tag of a string of bytes
_WORD = re.compile(r"=\?([^?\s]{1,64})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(=\?[^?\s]{1,64}\?[bBqQ]\?[^?]*\?=)\s+(?==\?[^?\s]{1,64}\?[bBqQ]\?)")
_SPACE = re.compile(r"\s+")
_KNOWN = ("from", "to", "subject", "date", "message-id", "received", "return-path", "sender", "reply-to")
_FIELD = re.compile(rb"([!-9;-~]{1,100}):")
_MARKS = frozenset(_KNOWN) | {"mime-version", "content-type", "content-transfer-encoding", "in-reply-to", "references"}
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_BOUNDARY = re.compile(rb"^--([!#-~]{1,70})[ \t]*\r?\n(?=content-)", re.I | re.M)
_WORDS = re.compile(  # as base64 has none
    rb"\S\s+\S+\s+\S|^[\s\w+/=-]*+[^\s\w+/=-]\S*+\s+\S|^<|^-- ?$|^_{5}|[\x80-\xff]"
)
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_OF_URLS = bytes.maketrans(b"-_", b"+/")
_NAMED = re.compile(r"[^<>,;:\"()]*<\s?([^\s<>,;:\"'()\[\]@]{1,64}@[^\s<>,;:\"'()\[\]@]{1,255})\s?>\s*")
_ADDRESS = re.compile(r"[^\s<>,;:\"'()\[\]]{1,64}@[^\s<>,;:\"'()\[\]]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What of a message matters to us."""

    headers: tuple[tuple[str, str], ...]  # names in lower case; decoded, unfolded
    content_type: str
    plain: str
    html: str
    attachments: tuple[str, ...]  # content types
    delivery_report: bool
    encloses: bool  # the words are those of a message within, for want of others

    def header(self, name: str) -> str:
        """Give the first header of a name, or nothing."""
        return next((value for each, value in self.headers if each == name), "")

    def all(self, name: str) -> list[str]:
        """Give the headers of a name, first to last."""
        return [value for each, value in self.headers if each == name]

    def addresses(self, *names: str) -> list[str]:
        """Give the e-mail addresses in these headers, in lower case, each once."""
        found: dict[str, None] = {}
        for name in names:
            for value in self.all(name):
                found.update(dict.fromkeys(addresses(value)))
        return list(found)


@dataclass(frozen=True, slots=True)
class _Content:
    """What a message says, and the types of what is attached to it."""

    plain: str
    html: str
    attachments: list[str]
    encloses: bool


@dataclass(slots=True)
class _Body:
    """The same words as plain text and as HTML, or either."""

    plain: str = ""
    html: str = ""


def parse(body: bytes) -> Mail:
    """Take a message apart; Unreadable when it has none of the headers of an e-mail."""
    try:
        return _parse(body)
    except RecursionError:
        raise Unreadable("not_mail", "nested too deep") from None


def addresses(header: str) -> list[str]:
    """Give the e-mail addresses in a header, in lower case."""
    if alone := _NAMED.fullmatch(header):  # The library takes an address that stands in place of a name.
        return [alone[1].strip(".").lower()]
    try:
        found = [address for _, address in email.utils.getaddresses([header])]
    except (ValueError, IndexError, TypeError, RecursionError):
        found = []
    # The library gives nothing for what breaks the rules of RFC 5322, as an unquoted name with a comma in it does.
    found = [each for each in found if _ADDRESS.fullmatch(each)] or _ADDRESS.findall(header)
    return [each.strip(".").lower() for each in found]


def _parse(body: bytes) -> Mail:
    body = body.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n \t")
    if body[: body.find(b"\n") + 1].endswith(b"\r\r\n"):  # Ends of lines that were turned into Windows' twice.
        body = body.replace(b"\r\r\n", b"\r\n")
    message = _parsed(body)
    if any(isinstance(each, email.errors.MissingHeaderBodySeparatorDefect) for each in message.defects):
        message = _parsed(_mended(body))
    headers = tuple((name.lower(), _header(value)) for name, value in list(message.raw_items())[:_MOST_HEADERS])
    if not any(name in _KNOWN for name, _ in headers):
        raise Unreadable("not_mail", "has no From, To, Subject, Date or Message-ID header", "from")
    content = _content(message, _MOST_ENCLOSED)
    kind = message.get_content_type()
    return Mail(
        headers=headers,
        content_type=kind,
        plain=content.plain,
        html=content.html,
        attachments=tuple(content.attachments),
        delivery_report=kind == "multipart/report",
        encloses=content.encloses,
    )


def _content(message: email.message.Message, deeper: int) -> _Content:
    """Gather what a message says and what is attached; where it says nothing, what a message within it says."""
    bodies: dict[int, _Body] = defaultdict(_Body)
    attachments: list[str] = []
    enclosed: list[email.message.Message] = []
    if message.get_content_type() in _SIGNED and deeper and (signed := _signed(_data(message))):
        return _content(_parsed(signed), deeper - 1)
    for part, choice in _leaves(message):
        kind = part.get_content_type()
        is_text = kind in ("text/plain", "text/html") or kind.startswith("multipart/")  # one that has no parts
        if not is_text or _is_attached(part, alone=part is message):
            if kind not in _SEALS:
                attachments.append(kind)
            if kind == "message/rfc822":
                enclosed += _enclosed(part)
            continue
        text = text_of(part)
        if kind == "text/html" or _MARKUP.match(text):
            bodies[choice].html = "\n".join(filter(str.strip, (bodies[choice].html, text)))
        else:
            bodies[choice].plain = "\n\n".join(filter(None, (bodies[choice].plain, markup.tidy(text))))
    plain, html = _written(list(bodies.values()))
    if enclosed and deeper and not (plain.strip() or html.strip()):
        within = _content(enclosed[0], deeper - 1)
        return _Content(within.plain, within.html, attachments, encloses=bool(within.plain or within.html))
    return _Content(plain, html, attachments, encloses=False)


def _enclosed(part: email.message.Message) -> list[email.message.Message]:
    inner: object = part.get_payload()
    found = [each for each in inner if isinstance(each, email.message.Message)] if isinstance(inner, list) else []
    if found and not found[0].keys() and str(part.get("content-transfer-encoding", "")).strip().lower() == "base64":
        packed = _unpacked(_decoded(found[0]))  # Against RFC 2046, and so the library read no headers.
        return [_parsed(packed)]
    return found


def _parsed(data: bytes) -> email.message.Message:
    return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(data)


def _signed(data: bytes) -> bytes:
    """Give what is within the signature of RFC 8551, or nothing where it is encrypted."""
    at = data.find(_SIGNED_DATA)
    if at < 0 or data[at + len(_SIGNED_DATA) :][:1] != b"\xa0":
        return b""
    tag, position, size = _element(data, _element(data, at + len(_SIGNED_DATA))[1])
    if tag == _OCTETS:
        return data[position : position + size]
    pieces: list[bytes] = []
    while tag and (found := _element(data, position))[0] == _OCTETS:
        _, start, size = found
        position = start + size
        pieces.append(data[start:position])
    return b"".join(pieces)


def _element(data: bytes, position: int) -> tuple[int, int, int]:
    """Give the tag of an element of BER, and where what it holds begins, and its size; all 0 beyond the end."""
    if position + 2 > len(data):
        return 0, 0, 0
    tag, size, start = data[position], data[position + 1], position + 2
    if size >= 0x80:
        start += size - 0x80
        size = int.from_bytes(data[position + 2 : start])
    return tag, start, size


def _mended(body: bytes) -> bytes:
    """Drop the few lines that are no headers, where headers go on below them: the library would take all for text."""
    end = _HEAD_END.search(body)
    lines = body[: end.start() if end else len(body)].split(b"\n")
    there: set[str] = set()
    known = 0  # lines up to the last that is surely a header
    has_gap = False
    for position, line in enumerate(lines):
        field = _FIELD.match(line)
        name = field[1].decode().lower() if field else ""
        if name in _MARKS and (not has_gap or name == "received" or name not in there):
            known = position + 1
        there.add(name)
        has_gap = has_gap or not (name or line[:1] in (b" ", b"\t"))
    kept: list[bytes] = []
    goes_on = False
    for line in lines[:known]:
        goes_on = _FIELD.match(line) is not None or (goes_on and line[:1] in (b" ", b"\t"))
        if goes_on:
            kept.append(line)
    if known - len(kept) > _MOST_STRAYS:
        return body
    return b"\n".join(kept + lines[known:]) + (body[end.start() :] if end else b"")


def _written(bodies: list[_Body]) -> tuple[str, str]:
    """Give the plain text where it has all that the mail says, or none of it and the HTML."""
    plain = "\n\n".join(filter(None, (body.plain for body in bodies)))
    html = "\n".join(filter(None, (body.html for body in bodies)))
    if not (plain and html):
        return plain, html
    if len(plain) < _LONGEST_NOTICE and _NOTICE.search(plain) and not _NOTICE.search(markup.text_of(html)):
        return "", html  # "This message is in HTML"
    if unsaid := "\n".join(body.html for body in bodies if body.html and not body.plain):
        beginning = _SPACE.sub("", plain)[:_ENOUGH_TO_TELL]
        if beginning not in _SPACE.sub("", markup.text_of(unsaid)):  # else a choice that is not called one
            return "", "\n".join(body.html or markup.of_text(body.plain) for body in bodies)
    return plain, html


def _leaves(message: email.message.Message) -> Iterator[tuple[email.message.Message, int]]:
    """Walk through the parts, each with a number that those to choose from have in common.

    A message within the message is one attachment.
    """
    stack = [(message, 0)]
    seen = guesses = 0
    while stack and seen < _MOST_PARTS:
        part, choice = stack.pop()
        seen += 1
        if not part.is_multipart() and part.get_content_maintype() == "multipart" and guesses < _MOST_GUESSES:
            part = _parted(part)
            guesses += 1
        if part.is_multipart() and (part is message or part.get_content_maintype() == "multipart"):
            if part.get_content_subtype() == "alternative":
                choice = choice or seen
            inner: object = part.get_payload()
            found = inner if isinstance(inner, list) else []
            stack += [(each, choice) for each in reversed(found) if isinstance(each, email.message.Message)]
        else:
            yield part, choice or seen


def _parted(part: email.message.Message) -> email.message.Message:
    """Take apart what names no boundary, or a wrong one, by the line that looks like one."""
    inner = _data(part)
    boundary = _BOUNDARY.search(inner)
    if boundary is None:
        return part
    header = b'Content-Type: multipart/mixed; boundary="%b"\n\n' % boundary[1]
    return _parsed(header + inner)


def _is_attached(part: email.message.Message, *, alone: bool) -> bool:
    """Say whether a part is a file; a text that is all there is may have a name."""
    try:
        signs = (part.get_content_disposition() == "attachment", bool(part.get_filename()))
        return all(signs) if alone else any(signs)
    except (ValueError, LookupError, TypeError, AttributeError):
        return True


def text_of(part: email.message.Message) -> str:
    """Give the text of a part, decoded whatever it takes."""
    data = _data(part)
    charset = parameter(part, "charset")
    if not charset and part.get_content_subtype() == "html" and (named := _META.search(data, 0, _LONGEST_HEAD)):
        charset = named[1].decode()
    text = charsets.decode(data[:_LONGEST_BODY], charset)
    if parameter(part, "format").lower() == "flowed":
        text = _unfolded(text, delete_space=parameter(part, "delsp").lower() == "yes")
    return reading.clean(text)


def _data(part: email.message.Message) -> bytes:
    encoding = str(part.get("content-transfer-encoding", ""))
    if encoding.strip().lower() != "base64":
        return _decoded(part)
    part.replace_header("content-transfer-encoding", "8bit")  # The library gives up where it cannot decode all of it.
    data = _decoded(part)
    part.replace_header("content-transfer-encoding", encoding)
    return _unpacked(data)


def _decoded(part: email.message.Message) -> bytes:
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError):  # The library looks the charset up, whatever its name is.
        return b""
    return data if isinstance(data, bytes) else b""


def parameter(part: email.message.Message, name: str, header: str = "content-type") -> str:
    """Give a parameter of a header, or nothing."""
    try:
        value = part.get_param(name, "", header)
    except (ValueError, LookupError, TypeError):
        return ""
    return value if isinstance(value, str) else str(value[2]) if isinstance(value, tuple) else ""


def _unfolded(text: str, *, delete_space: bool) -> str:
    """Join lines as RFC 3676 has it: one that ends in a space goes on in the next."""
    made: list[str] = []
    open_line = False
    for line in text.replace("\r\n", "\n").split("\n"):
        flows = line.endswith(" ") and line != "-- "
        content = line[:-1] if flows and delete_space else line
        if open_line and not line.startswith(">") and line != "-- ":
            made[-1] += content
        else:
            made.append(content)
        open_line = flows and not line.startswith(">")
    return "\n".join(made)


def _unpacked(data: bytes) -> bytes:
    """Read base64 up to a footer in plain text; what claims to be base64 and has words apart is what it says."""
    try:
        return base64.b64decode(data.translate(None, b"\r\n"), validate=True)
    except binascii.Error:
        pass
    made: list[bytes] = []
    piece: list[bytes] = []
    for line in map(bytes.strip, data.split(b"\n")):
        if _WORDS.search(line):
            if not (made or any(piece)):
                return data
            break
        piece.append(line)
        if line.endswith(b"="):  # Some pack each piece for itself.
            made.append(_base64(b"".join(piece)))
            piece = []
    return b"".join([*made, _base64(b"".join(piece))])


def _base64(data: bytes) -> bytes:
    return _padded(_NO_BASE64.sub(b"", data.translate(_OF_URLS)))


def _padded(data: bytes) -> bytes:
    try:
        return base64.b64decode(data + b"=" * (-len(data) % 4))
    except binascii.Error:  # One character too many: it holds no whole byte.
        return base64.b64decode(data[: len(data) // 4 * 4])


def _header(value: object) -> str:
    """Decode a header: bytes that nobody declared, and encoded words, split within a character or not."""
    data = str(value).encode("utf-8", "surrogateescape")[:_LONGEST_HEADER]
    text = _BETWEEN.sub(r"\1", _SPACE.sub(" ", charsets.decode(data)).strip())
    made: list[str] = []
    waiting, charset, position = b"", "", 0
    for word in _WORD.finditer(text):
        between = text[position : word.start()]
        name = word[1].partition("*")[0]  # RFC 2231 allows a language behind it.
        if waiting and (between or name.lower() != charset.lower()):
            made.append(charsets.decode(waiting, charset))
            waiting = b""
        made.append(between)
        waiting, charset, position = waiting + _word(word[2], word[3]), name, word.end()
    if waiting:
        made.append(charsets.decode(waiting, charset))
    made.append(text[position:])
    return _SPACE.sub(" ", reading.clean("".join(made))).strip()


def _word(encoding: str, content: str) -> bytes:
    data = content.encode("utf-8", "replace")
    return _base64(data) if encoding in "bB" else quopri.decodestring(data.replace(b"_", b" "), header=True)
