"""Bytes to text, by a charset that may be misspelt, wrong or not given at all."""

import codecs
import re

_ENOUGH_TO_TELL = 1 << 20  # bytes looked at where a charset is guessed

_KOREAN = "cp949"  # holds all of EUC-KR and KS C 5601
# As mailers and shops write them; what Python knows needs no line.
_SPELLINGS = {
    "ks_c_5601": _KOREAN,
    "ks_c_5601_1987": _KOREAN,
    "ks_c_5601_1989": _KOREAN,
    "ksc5601": _KOREAN,
    "ksc5601_1987": _KOREAN,
    "ksc_5601": _KOREAN,
    "ks_x_1001": _KOREAN,
    "iso_ir_149": _KOREAN,
    "korean": _KOREAN,
    "euckr": _KOREAN,
    "euc_kr": _KOREAN,
    "uhc": _KOREAN,
    "ms949": _KOREAN,
    "cp949": _KOREAN,
    "x_windows_949": _KOREAN,
    "windows_949": _KOREAN,
    "949": _KOREAN,
    "gb2312": "gb18030",  # which holds it, and is what is meant
    "gb_2312_80": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "shiftjis": "cp932",
    "x_sjis": "cp932",
    "sjis": "cp932",
    "utf8mb4": "utf_8",
    "utf_8_sig": "utf_8",
    "unicode": "utf_8",
    "ascii": "",
    "us_ascii": "",
    "ansi_x3.4_1968": "",
    "unknown": "",
    "unknown_8bit": "",
    "x_unknown": "",
    "default": "",
    "binary": "",
    "8bit": "",
}
_UNSAFE = frozenset({"idna", "punycode", "raw_unicode_escape", "unicode_escape", "undefined", "mbcs", "oem"})
_SINGLE_BYTE = ("iso8859-", "cp125")  # they take any bytes
_WESTERN = frozenset({"iso8859-1", "iso8859-15", "cp1252"})  # what a program names that was told no charset
_DESIGNATION = b"\x1b$)C"
_NO_LETTER = re.compile(r"[^a-z0-9.]+")
_HIGH = re.compile(rb"[\x80-\xff]+")
_TWO_SYLLABLES = re.compile(rb"[\x80-\xff]{4}")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def codec(charset: str) -> str:
    """Give Python's name of a text encoding, or nothing for one that says nothing or that nobody knows."""
    name = _NO_LETTER.sub("_", charset.strip().lower()).strip("_")
    name = _SPELLINGS.get(name, name)
    try:
        found = codecs.lookup(name) if name else None
    except (LookupError, ValueError):
        return ""
    if found is None or found.name in _UNSAFE or not found._is_text_encoding:
        return ""
    return found.name


def decode(data: bytes, charset: str = "") -> str:
    """Read text by the charset given, by what it turns out to be, or with U+FFFD for what nobody can read.

    Never fails, and never gives lone surrogates.
    """
    for mark, marked in ((codecs.BOM_UTF8, "utf_8"), (codecs.BOM_UTF16_LE, "utf_16"), (codecs.BOM_UTF16_BE, "utf_16")):
        if data.startswith(mark):
            return _SURROGATE.sub("\ufffd", data.decode(marked, "replace").removeprefix("\ufeff"))
    name = codec(charset)
    if data.isascii() and name in {"", _KOREAN, "utf-8"}:
        return data.decode("ascii")
    if name == "iso2022_kr" and _DESIGNATION not in data:  # It stands at the head of a text, which may be cut off.
        data = _DESIGNATION + data
    for candidate in _candidates(data, name):
        try:
            return _SURROGATE.sub("\ufffd", data.decode(candidate))
        except ValueError:
            continue
    return _SURROGATE.sub("\ufffd", data.decode(name or "utf_8", "replace"))


def is_western(data: bytes) -> bool:
    """Say whether bytes are text of Windows in Western Europe, whose accents mostly stand alone: Hangul is in pairs."""
    if data.isascii() or data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    sample = data[:_ENOUGH_TO_TELL]
    if _TWO_SYLLABLES.search(sample):
        return False
    high = _HIGH.findall(sample)
    alone = sum(len(each) % 2 for each in high)
    if not alone or (2 * alone <= len(high) and _decodes(data, _KOREAN)):
        return False
    try:
        sample.decode("utf_8")
    except ValueError:
        return _decodes(data, "cp1252")
    return False


def _decodes(data: bytes, charset: str) -> bool:
    try:
        data.decode(charset)
    except ValueError:
        return False
    return True


def _candidates(data: bytes, name: str) -> list[str]:
    if name == _KOREAN and _is_utf8_hangul(data):  # The commonest lie: EUC-KR in the header, UTF-8 in the body.
        return ["utf_8", _KOREAN]
    if name.startswith(_SINGLE_BYTE):
        korean = [_KOREAN] if name in _WESTERN and _is_korean(data) else []
        # Of ISO 8859-1 nobody means the controls that Windows has quotation marks and dashes in place of.
        return ["utf_8", *korean, *(["cp1252"] if name == "iso8859-1" else []), name]
    return [name, "utf_8", _KOREAN] if name else ["utf_8", _KOREAN]


def _is_utf8_hangul(data: bytes) -> bool:
    try:
        return bool(_HANGUL.search(data[:_ENOUGH_TO_TELL].decode("utf_8", "ignore"))) and bool(data.decode("utf_8"))
    except ValueError:
        return False


def _is_korean(data: bytes) -> bool:
    """Say whether these bytes are words in EUC-KR: most of them Hangul, in pairs that no Western language has."""
    try:
        letters = [each for each in data[:_ENOUGH_TO_TELL].decode("euc_kr") if not each.isascii()]
    except ValueError:
        return False
    return sum(1 for each in letters if _HANGUL.match(each)) > max(1, len(letters) // 2)
