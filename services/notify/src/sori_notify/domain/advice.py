"""What to do about a case: next, and as it was done in the last crisis."""

import datetime as dt
from collections.abc import Iterable

from sori_notify.domain.act import Act, ActKind
from sori_notify.domain.case import Case, CaseState
from sori_notify.domain.message import Message
from sori_notify.domain.policy import Playbook
from sori_notify.domain.words import Severity

CRISES = frozenset({Severity.HIGH, Severity.CRITICAL})
LAST_CRISIS = "last-crisis"
_HEAD = "## 지난번 위기에서 한 일 / What was done in the last crisis"
_DONE = {
    ActKind.ASSIGN: ("{who}에게 맡김", "given to {who}"),
    ActKind.SET_SEVERITY: ("심각도를 {severity}(으)로 정함", "severity set to {severity}"),
    ActKind.TAG: ("{tags} 꼬리표를 붙임", "tagged {tags}"),
    ActKind.ACKNOWLEDGE: ("{actor}가 맡음", "taken by {actor}"),
    ActKind.REOPEN: ("다시 엶", "opened again"),
    ActKind.RESUME: ("다시 진행함", "gone on with"),
    ActKind.SET_PENDING: ("고객의 답을 기다림", "waited for the customer"),
    ActKind.SET_ON_HOLD: ("다른 부서를 기다림", "waited for others"),
    ActKind.RESOLVE: ("해결함", "resolved"),
    ActKind.CLOSE: ("종결함", "closed"),
}
_ANSWERED = ("고객에게 답함", "customer answered")
_ENDED = ("상담 채널에서 해결로 표시함", "marked as resolved in its channel")
_MOST_STEPS = 30

_BY_STATE = {
    CaseState.NEW: ("담당자를 정하고 고객에게 첫 답변을 보내세요.", "Take the case and send a first answer."),
    CaseState.REOPENED: ("다시 열린 이유를 확인하고 고객에게 답하세요.", "Find out why it is open again, and answer."),
    CaseState.OPEN: ("해결한 뒤 고객에게 결과를 알려 주세요.", "Solve it and tell the customer how."),
    CaseState.PENDING: (
        "고객의 답을 기다리는 중입니다. 오래 걸리면 다시 연락하세요.",
        "Waits for the customer: ask again if it takes long.",
    ),
    CaseState.ON_HOLD: ("담당 부서의 진행 상황을 확인하세요.", "Ask those whom it waits for how far they are."),
    CaseState.RESOLVED: (
        "고객이 만족했는지 확인하고 종결하세요.",
        "Make sure that the customer is content, then close it.",
    ),
}


def suggested_step(case: Case, playbook: Playbook | None) -> str:
    """Give the first step of the playbook while nobody has answered, and after that what its state asks for."""
    untouched = case.answered_time is None and case.state in (CaseState.NEW, CaseState.OPEN)
    if playbook and playbook.steps and not case.is_done:
        return playbook.steps[0 if untouched or len(playbook.steps) == 1 else 1]
    return " / ".join(_BY_STATE.get(case.state, ()))


def learnt(past: Case, messages: Iterable[Message], acts: Iterable[Act]) -> Playbook | None:
    """Write down what people did about a case that is over, without anybody's words; None: nothing."""
    done = [(each.occurred_time, _ANSWERED if each.answers else _ENDED) for each in messages if _is_staff(each)]
    done += [(act.time, (_said(act, 0), _said(act, 1))) for act in acts if act.case_id == past.case_id]
    inside = sorted((time, said) for time, said in done if past.opened_time <= time)[:_MOST_STEPS]
    if not inside:
        return None
    steps = tuple(f"{_after(time - past.opened_time)}: {ko} / {en}" for time, (ko, en) in inside)
    title = f"{_HEAD} ({past.opened_time:%Y-%m-%d}, {', '.join(past.topics)})"
    text = "\n".join([title, "", *(f"{number}. {step}" for number, step in enumerate(steps, 1))])
    return Playbook(
        name=LAST_CRISIS, topics=frozenset(past.topics), severities=frozenset({past.severity}), text=text, steps=steps
    )


def together(own: Playbook | None, found: Playbook | None) -> Playbook | None:
    """Give the house's own playbook, what was learnt behind it."""
    if own is None or found is None:
        return own or found
    return Playbook(
        name=own.name, topics=own.topics, severities=own.severities, text=f"{own.text}\n\n{found.text}", steps=own.steps
    )


def _is_staff(message: Message) -> bool:
    return message.answers or message.resolves


def _said(act: Act, language: int) -> str:
    return _DONE[act.kind][language].format(
        who=act.person or act.team, severity=act.severity or "", tags=", ".join(act.tags), actor=act.actor
    )


def _after(time: dt.timedelta) -> str:
    """Write how long after the beginning, to the minute: `+1d 2h 5m`."""
    minutes = int(time.total_seconds()) // 60
    parts = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "m"))
    return "+" + (" ".join(f"{number}{unit}" for number, unit in parts if number) or "0m")
