"""The normal form of phone numbers and e-mail addresses, by libraries that know the world's numbers and domains.

A service that uses it depends on `email-validator` and `phonenumbers` itself.
"""

import functools
import re

import phonenumbers
from email_validator import EmailNotValidError, validate_email

_LONGEST = 256  # characters
_SAFE_NUMBER = "+8250"
_REMEMBERED = 1 << 15  # values; customers come back

# What the libraries take most of their time for. All of 010 counts: the library learns late of new ranges.
_MOBILE = re.compile(r"(?:0|\+82[- ]?)10[- ]?([0-9]{4})[- ]?([0-9]{4})")
_ABROAD = re.compile(r"\s*00(?=[1-9])")  # what one dials before a country's code
_AS_FRACTION = re.compile(r"\s*\d{9,15}\.0\s*")  # as a table writes a column of numbers with gaps
_LONG_VOWEL = str.maketrans("ㅡー", "--")  # vowels that look like a hyphen
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # copied from web pages and files
_LOCAL = re.compile(r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*")
_LONGEST_LOCAL, _LONGEST_EMAIL = 64, 254


def phone(value: str, country: str = "KR") -> tuple[str, bool, str]:
    """Write a phone number as E.164; gives it, whether it is temporary, and what is wrong with it.

    One without a country's code is taken for one of `country`, an ISO 3166-1 code of two letters.
    """
    if country == "KR" and (mobile := _MOBILE.fullmatch(value)):
        return f"+8210{mobile[1]}{mobile[2]}", False, ""
    return _phone(value, country) if len(value) <= _LONGEST else (value, False, "is not a phone number")


@functools.lru_cache(_REMEMBERED)
def _phone(value: str, country: str) -> tuple[str, bool, str]:
    written = value.strip().removesuffix(".0") if _AS_FRACTION.fullmatch(value) else value.translate(_LONG_VOWEL)
    normal, temporary, problem = _parsed(written, country)
    if problem and _ABROAD.match(value):  # In Korea 00 alone is none of a carrier, and no number begins with it.
        normal, temporary, problem = _parsed(_ABROAD.sub("+", value), country)
    return (value, False, problem) if problem else (normal, temporary, "")


def _parsed(value: str, country: str) -> tuple[str, bool, str]:
    try:
        parsed = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException:
        return value, False, "is not a phone number"
    normal = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(parsed) and not _MOBILE.fullmatch(normal):
        return value, False, "is not a phone number that exists"
    return normal, normal.startswith(_SAFE_NUMBER), ""


def email(value: str) -> tuple[str, str]:
    """Write an e-mail address in lower case and in the library's normal form; asks no DNS."""
    value = value.strip().strip(_INVISIBLE).lower()
    local, _, domain = value.rpartition("@")
    if _LOCAL.fullmatch(local) and len(local) <= _LONGEST_LOCAL and len(value) <= _LONGEST_EMAIL:
        normal = _domain(domain)
        if normal.isascii():
            return (f"{local}@{normal}", "") if normal else (value, "is not an e-mail address")
    return _email(value) if len(value) <= _LONGEST else (value, "is not an e-mail address")


@functools.lru_cache(_REMEMBERED)
def _domain(domain: str) -> str:
    normal, problem = _email(f"a@{domain}")
    return "" if problem else normal.removeprefix("a@")


@functools.lru_cache(_REMEMBERED)
def _email(value: str) -> tuple[str, str]:
    try:
        return validate_email(value, check_deliverability=False).normalized, ""
    except EmailNotValidError:
        return value, "is not an e-mail address"
