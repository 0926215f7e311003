"""Adapters by name: each brings what one kind of source hands in into the normal form."""

from collections.abc import Mapping
from typing import Protocol

from sori.ingest.v1 import touchpoint_pb2 as pb
from sori_ingest.channels import generic
from sori_ingest.domain.outcomes import Violation
from sori_ingest.domain.rules import Instant


class Channel(Protocol):
    """What an adapter does."""

    def normalise(self, given: pb.Touchpoint, normal: pb.Touchpoint, *, now: Instant) -> list[Violation]:
        """Write the normal form of `given` over `normal`, and say what is wrong with it.

        With violations, what `normal` holds means nothing. `given` stays as it is; `touchpoint_id` is left empty.
        """
        ...


CHANNELS: Mapping[str, Channel] = {"generic": generic}
