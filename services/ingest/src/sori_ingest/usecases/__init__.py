"""One function per thing that ingest can be asked to do."""

from sori_ingest.usecases.forgetting import forget
from sori_ingest.usecases.quarantine import Selection, count_quarantine, discard, get_quarantined, list_quarantine
from sori_ingest.usecases.replaying import Replayed, Sources, replay
from sori_ingest.usecases.submission import Tally, submit, submit_one, submit_stream
from sori_ingest.usecases.taking import Handed, Taken, take_in
from sori_ingest.usecases.together import Together

__all__ = [
    "Handed",
    "Replayed",
    "Selection",
    "Sources",
    "Taken",
    "Tally",
    "Together",
    "count_quarantine",
    "discard",
    "forget",
    "get_quarantined",
    "list_quarantine",
    "replay",
    "submit",
    "submit_one",
    "submit_stream",
    "take_in",
]
