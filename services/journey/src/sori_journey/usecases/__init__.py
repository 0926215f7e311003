"""One function per thing that journey can be asked to do."""

from sori_journey.usecases.identity import explain, find_customers, get_customer, merge, split
from sori_journey.usecases.journey_map import get_journey_map, get_stage_history, list_drop_offs
from sori_journey.usecases.paths import Rulebook, correct, follow, replay_stages, sweep
from sori_journey.usecases.replay import replay
from sori_journey.usecases.rights import (
    answer_erasure,
    erase,
    erase_copies,
    export,
    find_erased,
    get_consents,
    get_erasure,
    record_consent,
)
from sori_journey.usecases.segments import get_customer_facts, list_at_risk, list_segment_members, list_segments
from sori_journey.usecases.stitch import stitch
from sori_journey.usecases.timeline import get_timeline, retain, watch_timeline

__all__ = [
    "Rulebook",
    "answer_erasure",
    "correct",
    "erase",
    "erase_copies",
    "explain",
    "export",
    "find_customers",
    "find_erased",
    "follow",
    "get_consents",
    "get_customer",
    "get_customer_facts",
    "get_erasure",
    "get_journey_map",
    "get_stage_history",
    "get_timeline",
    "list_at_risk",
    "list_drop_offs",
    "list_segment_members",
    "list_segments",
    "merge",
    "record_consent",
    "replay",
    "replay_stages",
    "retain",
    "split",
    "stitch",
    "sweep",
    "watch_timeline",
]
