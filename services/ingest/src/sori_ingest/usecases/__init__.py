"""One function per thing that ingest can be asked to do."""

from sori_ingest.usecases.quarantine import Selection, count_quarantine, discard, get_quarantined, list_quarantine
from sori_ingest.usecases.replaying import Replayed, Sources, replay
from sori_ingest.usecases.submission import Tally, submit, submit_one, submit_stream
from sori_ingest.usecases.taking import Taken, take_in

__all__ = [
    "Replayed",
    "Selection",
    "Sources",
    "Taken",
    "Tally",
    "count_quarantine",
    "discard",
    "get_quarantined",
    "list_quarantine",
    "replay",
    "submit",
    "submit_one",
    "submit_stream",
    "take_in",
]
