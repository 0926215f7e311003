"""What helpdesks write as HTML, as plain words."""

from sori_ingest.channels import markup

_JOINER = "\u200d"  # makes one of several emoji, and is dropped from HTML with all that nobody sees
_KEPT = "\ue000"  # stands for it meanwhile; of private use, so that no text means anything by it


def words(body: str) -> str:
    """Give the words of HTML, without space around them; plain text stays as it is."""
    return markup.text_of(body.replace(_JOINER, _KEPT)).replace(_KEPT, _JOINER).strip()
