"""What was sent along with words: how many of which type, never where it can be fetched."""

from collections import Counter
from collections.abc import Iterable

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading

_MEDIA = ("image", "audio", "video", "text")
_LONGEST_TYPE = 32  # characters


def attach(made: pb.Touchpoint, types: Iterable[str]) -> None:
    """Set the attribute `attachments`, as in `file:1,image:2`; nothing where there are none."""
    if found := [_clean(each) for each in types]:
        counts = sorted(Counter(found).items())
        reading.attribute(made, "attachments", ",".join(f"{name}:{count}" for name, count in counts))


def type_of(media_type: str) -> str:
    """Name the type of a file by its media type, such as `image/png`; `file` for all but pictures, sound and text."""
    major = media_type.partition("/")[0].strip().lower()
    return major if major in _MEDIA else "file"


def _clean(name: str) -> str:
    kept = "".join(each for each in name.lower() if each.isalnum() or each in "_-")
    return kept[:_LONGEST_TYPE] or "file"
