"""Which field of a protobuf message holds invalid UTF-8; the library's own error does not say."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def find_invalid(data: bytes, message: Any, prefix: str = "") -> str:
    """Give the path of the first string that is not UTF-8, as in `touchpoints[3].text`, or nothing.

    `message` is the descriptor of what `data` should hold.
    """
    seen: dict[int, int] = {}
    at = 0
    try:
        while at < len(data):
            tag, at = _varint(data, at)
            number, wire = tag >> 3, tag & 7
            field = message.fields_by_number.get(number)
            index = seen[number] = seen.get(number, -1) + 1
            if wire == _VARINT:
                _, at = _varint(data, at)
            elif wire in (_FIXED64, _FIXED32):
                at += 8 if wire == _FIXED64 else 4
            elif wire == _BYTES:
                length, at = _varint(data, at)
                value, at = data[at : at + length], at + length
                if field is not None and (found := _in_field(value, field, prefix, index)):
                    return found
            else:
                return ""
    except IndexError:
        pass  # Cut short: not a question of UTF-8.
    return ""


def _in_field(value: bytes, field: FieldDescriptor, prefix: str, index: int) -> str:
    path = f"{prefix}{field.name}" + (f"[{index}]" if field.is_repeated else "")
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return find_invalid(value, field.message_type, f"{path}.")
    if field.type == FieldDescriptor.TYPE_STRING:
        try:
            value.decode()
        except UnicodeDecodeError:
            return path
    return ""


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
