"""What messages say, in Korean and English, by templates that can do nothing but read."""

from collections.abc import Mapping

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

KINDS = ("title", "body", "digest_title", "digest_body")
LANGUAGES = ("ko", "en")
_LONGEST = 4000  # characters of what is sent
_USUAL = {
    "ko": {
        "title": "[{{ severity_name }}] {{ reason_name }}",
        "body": (
            "{{ reason_name }}\n"
            "{% if org_unit %}매장·팀: {{ org_unit }}\n{% endif %}"
            "{% if channel %}채널: {{ channel }}\n{% endif %}"
            "{% if topics %}주제: {{ topics | join(', ') }}\n{% endif %}"
            "{% if policy %}약속: {{ policy }}{% if due_time %} (기한 {{ due_time }}){% endif %}\n{% endif %}"
            "{% if count %}건수: {{ count }}\n{% endif %}"
            "{% if words %}고객의 말: {{ words }}\n{% endif %}"
            "{% if case_id %}사례: {{ case_id }}\n{% endif %}"
            "{% if link %}확인: {{ link }}\n{% endif %}"
        ),
        "digest_title": "[{{ severity_name }}] 알림 {{ count }}건",
        "digest_body": (
            "알림 {{ count }}건을 한 번에 보냅니다.\n"
            "{% for each in reasons %}- {{ each.name }}: {{ each.count }}건\n{% endfor %}"
        ),
    },
    "en": {
        "title": "[{{ severity_name }}] {{ reason_name }}",
        "body": (
            "{{ reason_name }}\n"
            "{% if org_unit %}Shop or team: {{ org_unit }}\n{% endif %}"
            "{% if channel %}Channel: {{ channel }}\n{% endif %}"
            "{% if topics %}Topics: {{ topics | join(', ') }}\n{% endif %}"
            "{% if policy %}Promise: {{ policy }}{% if due_time %} (due {{ due_time }}){% endif %}\n{% endif %}"
            "{% if count %}Count: {{ count }}\n{% endif %}"
            "{% if words %}The customer said: {{ words }}\n{% endif %}"
            "{% if case_id %}Case: {{ case_id }}\n{% endif %}"
            "{% if link %}Take it: {{ link }}\n{% endif %}"
        ),
        "digest_title": "[{{ severity_name }}] {{ count }} alerts",
        "digest_body": (
            "{{ count }} alerts in one message.\n"
            "{% for each in reasons %}- {{ each.name }}: {{ each.count }}\n{% endfor %}"
        ),
    },
}
_SEVERITIES = {
    "ko": {"low": "낮음", "normal": "보통", "high": "높음", "critical": "긴급"},
    "en": {"low": "low", "normal": "normal", "high": "high", "critical": "critical"},
}
_REASONS = {
    "ko": {
        "first_response.breached": "첫 응답 약속을 지키지 못했습니다",
        "handed_over": "사례가 인계되었습니다",
        "chain": "응답을 기다리는 사례가 있습니다",
        "rule": "규칙이 알립니다",
    },
    "en": {
        "first_response.breached": "A first response is overdue",
        "handed_over": "A case was handed over to you",
        "chain": "A case waits for somebody",
        "rule": "A rule fired",
    },
}
SAMPLE: Mapping[str, object] = {
    "severity": "high",
    "severity_name": "",
    "reason": "rule.sample",
    "reason_name": "",
    "org_unit": "gangnam",
    "channel": "kakao",
    "topics": ["delivery"],
    "policy": "live",
    "due_time": "2026-01-05T03:05:00+00:00",
    "count": 3,
    "words": "",
    "case_id": "8f5c0f3e-0000-5000-8000-000000000000",
    "link": "",
    "round": 1,
    "step": 1,
    "rule": "sample",
    "chain": "sample",
    "key": "",
    "reasons": [{"name": "sample", "count": 2}],
    "customer_id": "",
    "thread_id": "",
    "source": "",
    "automation": "",
}


class Templates:
    """Compiled templates of both languages; what a file does not say is as usual."""

    def __init__(self, own: Mapping[str, Mapping[str, str]] | None = None) -> None:
        environment = ImmutableSandboxedEnvironment(autoescape=False, undefined=jinja2.ChainableUndefined)
        self._made = {
            (language, kind): environment.from_string((own or {}).get(language, {}).get(kind) or usual)
            for language, kinds in _USUAL.items()
            for kind, usual in kinds.items()
        }

    def render(self, language: str, kind: str, values: Mapping[str, object]) -> str:
        """Say it in a language; values that are not there are left out."""
        language = language if language in LANGUAGES else "en"
        named = {**dict.fromkeys(SAMPLE, ""), **values}
        named["severity_name"] = _SEVERITIES[language].get(str(named["severity"]), str(named["severity"]))
        named["reason_name"] = reason(language, str(named["reason"]))
        named["reasons"] = [
            {"name": reason(language, str(name)), "count": count} for name, count in _pairs(values.get("reasons"))
        ]
        return self._made[language, kind].render(named)[:_LONGEST].strip()


def reason(language: str, code: str) -> str:
    """Spell a reason: `rule.<name>` and `chain.<name>` with what they are called in the files."""
    known = _REASONS[language]
    if code in known:
        return known[code]
    head, _, name = code.partition(".")
    return f"{known[head]}: {name}" if head in known else code


def _pairs(given: object) -> list[tuple[object, object]]:
    return list(given.items()) if isinstance(given, Mapping) else []
