"""What to do next about a case."""

from sori_notify.domain.case import Case, CaseState
from sori_notify.domain.policy import Playbook

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
