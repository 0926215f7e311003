"""Whom a payload may be about: all that looks like an identifier, in whatever way the payload is written."""

import base64
import binascii
import contextlib
import html
import io
import quopri
import re
import urllib.parse
import zipfile
from collections.abc import Iterator

from sori_ingest.channels import reading
from sori_ingest.channels.payload import Unreadable
from sori_kit import identifiers

SHORTEST = 4  # characters: a shorter word stands in payloads of everybody

_DEEPEST = 4  # writings within one another: a mail in base64, in a notification in JSON
_MOST_BYTES = 16 << 20  # unpacked, of a workbook
_LONGEST = 256  # characters of an identifier
_PLATFORMS = ("facebook", "instagram", "messenger", "naver", "whatsapp")  # where an adapter serves several vendors
_EMAIL = re.compile(r"[^\s<>()\[\]\"',;:=&@]{1,64}@[\w.-]{1,255}")
_DIGITS = re.compile(r"\+?\d+")
_MOST_GAP, _MOST_GROUPS = 3, 5  # characters between the groups of one phone number, and how many it has
_PHONE_DIGITS = range(8, 16)
_WORD = re.compile(r"[^\s<>()\[\]{}\"',;&=|\\]+")
_PARTS = re.compile(r"[^\w@.+-]+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]+)*={0,2}")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_QUOTED = re.compile(r"=(?:[0-9A-F]{2}|\r?\n)")


def candidates(body: bytes, vendor: str) -> set[str]:
    """Give all that may be an identifier of somebody, in normal form: more than there are, so that none is missing.

    Accounts at a vendor are kept with its name, as in `line:U4af…`.
    """
    found: set[str] = set()
    for text in _texts(body):
        found.update(_phones(text))
        for match in _EMAIL.finditer(text):
            email, problem = identifiers.email(match.group().strip("."))
            if not problem:
                found.add(email)
        for match in _WORD.finditer(text):
            word = match.group()
            for each in {word, word.strip(".:!?"), *_PARTS.split(word), *word.split(":"), *word.split("/")}:
                if SHORTEST <= len(each) <= _LONGEST and (each.isascii() or _DIGITS.search(each)):
                    found.add(each)
    numbered = [each for each in found if _DIGITS.search(each)]
    return found | {f"{name}:{each}" for name in (vendor, *_PLATFORMS) if name for each in numbered}


def _phones(text: str) -> Iterator[str]:
    groups = list(_DIGITS.finditer(text))
    for first, begin in enumerate(groups):
        for last in range(first, min(first + _MOST_GROUPS, len(groups))):
            end = groups[last]
            if last > first and end.start() - groups[last - 1].end() > _MOST_GAP:
                break
            written = text[begin.start() : end.end()]
            if (digits := sum(map(str.isdigit, written))) >= _PHONE_DIGITS.stop:
                break
            if digits in _PHONE_DIGITS:
                phone, _, problem = identifiers.phone(written)
                if not problem:
                    yield phone


def _texts(body: bytes) -> Iterator[str]:
    """Give a payload as it is, and in every way in which what it holds may be written."""
    waiting, seen = [(text, 0) for text in _decoded(body)], set[str]()
    while waiting:
        text, depth = waiting.pop()
        if text in seen:
            continue
        seen.add(text)
        yield text
        if depth < _DEEPEST:
            waiting += [(each, depth + 1) for each in _rewritten(text)]


def _decoded(body: bytes) -> Iterator[str]:
    if body.startswith(b"PK\x03\x04"):
        yield from _unzipped(body)
        return
    with contextlib.suppress(Unreadable):
        yield reading.decode(body)
    yield body.decode("utf-8", "replace")  # What is cut off, or text with something else in it.


def _unzipped(body: bytes) -> Iterator[str]:
    left = _MOST_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            for name in book.namelist():
                with book.open(name) as file:
                    content = file.read(left)
                left -= len(content)
                yield content.decode("utf-8", "replace")
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        return


def _rewritten(text: str) -> Iterator[str]:
    if "\\" in text:
        unescaped = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
        yield reading.clean(re.sub(r"\\[nrt]", "\n", unescaped).replace("\\/", "/").replace('\\"', '"'))
    if "%" in text or "+" in text:
        yield urllib.parse.unquote_plus(text, errors="replace")
    if "&" in text:
        yield html.unescape(text)
    if _QUOTED.search(text):
        yield from _decoded(quopri.decodestring(text.encode("utf-8", "surrogatepass")))
    for match in _BASE64.finditer(text):
        packed = re.sub(r"\s", "", match.group()).rstrip("=").translate(_URL_SAFE)
        try:
            yield from _decoded(base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True))
        except binascii.Error:
            continue


_URL_SAFE = str.maketrans("-_", "+/")
