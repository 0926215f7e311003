"""Domain to proto and back, nothing else."""

import uuid
from collections.abc import Iterable, Sequence

from sori.classify.v1.classification_pb2 import Classification
from sori.ee_feedback.v1 import ee_feedback_service_pb2 as pb
from sori.ee_feedback.v1 import pulse_events_pb2, voice_events_pb2, voice_pb2
from sori_ee_feedback import domain, store
from sori_ee_feedback.domain import Cell
from sori_kit import parse
from sori_kit.errors import InvalidInput, Violation

_MOST_RESPONSES = 5_000
_MOST_VIOLATIONS = 100  # named in one answer


def text(value: str) -> str:
    """Read words, personal numbers masked."""
    if problem := domain.problem_of_text(value):
        raise InvalidInput.of_field("text", problem)
    return domain.clean(value)


def org_unit(value: str) -> str:
    """Read a shop or team."""
    if problem := domain.problem_of_name(value):
        raise InvalidInput.of_field("org_unit", problem)
    return domain.name(value)


def org_unit_filter(value: str) -> str:
    """Read the shop or team to which an answer is narrowed; empty means all."""
    return org_unit(value) if value else ""


def place(page_token: str) -> tuple[str, float, uuid.UUID] | None:
    """Read the place in the list of released voices after which a page begins; None for the first page."""
    parts = parse.decode_token(page_token, str, str, str)
    if parts is None:
        return None
    week, position, voice_id = map(str, parts)
    try:
        return week, float.fromhex(position), uuid.UUID(voice_id)
    except ValueError:
        raise InvalidInput.of_field("page_token", "was not made by this service") from None


def page_token(voice: domain.Voice) -> str:
    """Write the place of a released voice."""
    return parse.encode_token(voice.cell.week, voice.position.hex(), str(voice.voice_id))


def score(request: pb.SubmitPulseRequest) -> int:
    """Read an eNPS mark; 0 is one, none is not."""
    if not request.HasField("score"):
        raise InvalidInput.of_field("score", "is missing")
    if request.score not in domain.SCORES:
        raise InvalidInput.of_field("score", "is not within 0 to 10")
    return request.score


def responses(given: Sequence[pb.ImportedResponse], *, before: str) -> list[domain.Response]:
    """Read answers from another tool about weeks before `before`; all that is wrong is named, nothing is quoted."""
    if not 1 <= len(given) <= _MOST_RESPONSES:
        raise InvalidInput.of_field("responses", f"holds {len(given):,}, not 1 to {_MOST_RESPONSES:,}")
    wrong = [
        Violation(f"responses[{index}].{field}", problem)
        for index, response in enumerate(given)
        for field, problem in _problems(response, before)
        if problem
    ]
    if wrong:
        first = wrong[0]
        raise InvalidInput(f"{first.field} {first.description}; {len(wrong):,} wrong in all", wrong[:_MOST_VIOLATIONS])
    return [
        domain.Response(
            cell=Cell(domain.name(each.org_unit), each.week),
            respondent_key=each.respondent_key,
            score=each.score if each.HasField("score") else None,
            text=domain.clean(each.text),
        )
        for each in given
    ]


def _problems(response: pb.ImportedResponse, before: str) -> Iterable[tuple[str, str]]:
    yield "respondent_key", domain.problem_of_name(response.respondent_key)
    yield "org_unit", domain.problem_of_name(response.org_unit)
    if not domain.is_week(response.week):
        yield "week", "is not an ISO week as in 2026-W46"
    elif response.week >= before:
        yield "week", "has not ended"
    if response.HasField("score") and response.score not in domain.SCORES:
        yield "score", "is not within 0 to 10"
    if response.text or not response.HasField("score"):
        yield "text", domain.problem_of_text(response.text)


def flag_reasons(classification: Classification) -> tuple[str, ...]:
    """Say why somebody must look at once."""
    return domain.flag_reasons(
        abusive=classification.abusive,
        topics=classification.topics,
        urgency_reasons=classification.urgency_reasons,
    )


def released_voice(voice: domain.Voice) -> voice_pb2.ReleasedVoice:
    """Write a released voice; one that classify never answered for is marked as degraded."""
    classification = (
        Classification(degraded=True)
        if voice.classification is None
        else Classification.FromString(voice.classification)
    )
    return voice_pb2.ReleasedVoice(
        voice_id=str(voice.voice_id),
        org_unit=voice.cell.org_unit,
        week=voice.cell.week,
        text=voice.text,
        classification=classification,
    )


def voice_released(voice: domain.Voice) -> voice_events_pb2.VoiceReleased:
    """Announce a released voice."""
    return voice_events_pb2.VoiceReleased(voice=released_voice(voice))


def voice_flagged(flag_id: str, cell: Cell, reasons: Sequence[str]) -> voice_events_pb2.VoiceFlagged:
    """Announce that somebody must look."""
    return voice_events_pb2.VoiceFlagged(flag_id=flag_id, org_unit=cell.org_unit, week=cell.week, reasons=reasons)


def pulse_result(result: domain.Result) -> voice_pb2.PulseResult:
    """Write a pulse result; a withheld one holds no figure."""
    if result.marks is None:
        return voice_pb2.PulseResult(org_unit=result.cell.org_unit, week=result.cell.week, withheld=True)
    enps = domain.enps(result.marks)
    return voice_pb2.PulseResult(
        org_unit=result.cell.org_unit,
        week=result.cell.week,
        respondent_count=result.marks.respondents,
        promoter_count=result.marks.promoters,
        detractor_count=result.marks.detractors,
        enps=enps.value,
        enps_low=enps.low,
        enps_high=enps.high,
    )


def pulse_released(result: domain.Result) -> pulse_events_pb2.PulseReleased:
    """Announce a pulse result."""
    return pulse_events_pb2.PulseReleased(result=pulse_result(result))


def import_responses(added: store.Imported) -> pb.ImportResponsesResponse:
    """Say what an import added."""
    return pb.ImportResponsesResponse(
        voice_count=added.voice_count, pulse_count=added.pulse_count, duplicate_count=added.duplicate_count
    )


def tally(counted: store.Tally, pending: int) -> pb.GetTallyResponse:
    """Write the tally."""
    return pb.GetTallyResponse(
        voice_count=counted.released_voice_count + counted.withheld_voice_count,
        released_voice_count=counted.released_voice_count,
        withheld_voice_count=counted.withheld_voice_count,
        pulse_answer_count=counted.pulse_answer_count,
        flag_count=counted.flag_count,
        release_pending_count=pending,
    )
