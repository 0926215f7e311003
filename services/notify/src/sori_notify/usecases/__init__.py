"""One function per thing that notify can be asked to do."""

from sori_notify.usecases.alerts import deliver_alerts
from sori_notify.usecases.arrivals import take
from sori_notify.usecases.attainment import evaluate_policy, get_attainment
from sori_notify.usecases.cases import (
    Particulars,
    act_on_case,
    begin_watch,
    changed_cases,
    get_case,
    get_tally,
    list_cases,
    watch_cases,
)
from sori_notify.usecases.deadlines import MOST_FIRED, MOST_LEASED, declare_breaches, fire_deadlines, lease_deadlines
from sori_notify.usecases.erasures import answer_erasures, answer_for_ever
from sori_notify.usecases.evaluation import evaluate
from sori_notify.usecases.follow import correct, forget, merge, raise_flag, split

__all__ = [
    "MOST_FIRED",
    "MOST_LEASED",
    "Particulars",
    "act_on_case",
    "answer_erasures",
    "answer_for_ever",
    "begin_watch",
    "changed_cases",
    "correct",
    "declare_breaches",
    "deliver_alerts",
    "evaluate",
    "evaluate_policy",
    "fire_deadlines",
    "forget",
    "get_attainment",
    "get_case",
    "get_tally",
    "lease_deadlines",
    "list_cases",
    "merge",
    "raise_flag",
    "split",
    "take",
    "watch_cases",
]
