"""What a case is, what was promised for it, and when somebody must hear of it."""

from sori_notify.domain.act import Act, ActKind
from sori_notify.domain.advice import CRISES, learnt, suggested_step, together
from sori_notify.domain.alert import FIRST_RESPONSE_BREACHED, Alert, AlertState, retry_delay
from sori_notify.domain.attainment import Attainment
from sori_notify.domain.calendar import ALWAYS, Calendar, NeverOpens
from sori_notify.domain.case import Case, CaseState, Change, Clock, ClockTurn, Origin, flagged, visible
from sori_notify.domain.clock import ClockEvent, ClockState, Metric, Reading, Target, Tick, Waiting, Warned
from sori_notify.domain.correction import Corrected
from sori_notify.domain.customer import Belonging, Erased, Merge, Merges, Split, flatten, owner, standing
from sori_notify.domain.deadline import Deadline, DeadlineState
from sori_notify.domain.dossier import Dossier, Verdict, expire, recorded, review
from sori_notify.domain.message import Message
from sori_notify.domain.policy import Playbook, Policies, Policy, Promise, Subject, Urgencies, severity_of
from sori_notify.domain.story import tell
from sori_notify.domain.words import Actor, Channel, Kind, Severity

__all__ = [
    "ALWAYS",
    "CRISES",
    "FIRST_RESPONSE_BREACHED",
    "Act",
    "ActKind",
    "Actor",
    "Alert",
    "AlertState",
    "Attainment",
    "Belonging",
    "Calendar",
    "Case",
    "CaseState",
    "Change",
    "Channel",
    "Clock",
    "ClockEvent",
    "ClockState",
    "ClockTurn",
    "Corrected",
    "Deadline",
    "DeadlineState",
    "Dossier",
    "Erased",
    "Kind",
    "Merge",
    "Merges",
    "Message",
    "Metric",
    "NeverOpens",
    "Origin",
    "Playbook",
    "Policies",
    "Policy",
    "Promise",
    "Reading",
    "Severity",
    "Split",
    "Subject",
    "Target",
    "Tick",
    "Urgencies",
    "Verdict",
    "Waiting",
    "Warned",
    "expire",
    "flagged",
    "flatten",
    "learnt",
    "owner",
    "recorded",
    "retry_delay",
    "review",
    "severity_of",
    "standing",
    "suggested_step",
    "tell",
    "together",
    "visible",
]
