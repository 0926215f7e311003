"""What was said and then taken back, or taken away by a moderator."""

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import reading


def withdraw(made: pb.Touchpoint, revision: int) -> pb.Touchpoint:
    """Make a touchpoint the revision that has no words: nobody has to answer it, and it answers nobody."""
    made.revision = max(revision, 1)
    made.kind = pb.TOUCHPOINT_KIND_OTHER
    made.text = ""
    made.attributes.pop("attachments", None)
    reading.attribute(made, "deleted", "true")
    return made
