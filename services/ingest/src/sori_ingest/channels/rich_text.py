"""What helpdesks write as HTML, as plain words."""

from sori_ingest.channels import markup


def words(body: str) -> str:
    """Give the words of HTML, without space around them; plain text stays as it is."""
    return markup.text_of(body).strip()
