"""Playbooks in Markdown: what to do about a topic, and how soon."""

import re
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from sori_notify.domain import Playbook, Severity
from sori_notify.settings.documents import Refused

_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_STEP = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+(?:\[[ xX]\]\s+)?(.+?)\s*$", re.MULTILINE)
_LONGEST = 64 << 10  # bytes


def _listed(given: object) -> object:
    return given if isinstance(given, list) else [given]


class _Front(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    topics: Annotated[list[str], BeforeValidator(_listed)] = []
    severities: Annotated[list[Severity], BeforeValidator(_listed)] = []


def load_playbooks(folder: Path) -> tuple[Playbook, ...]:
    """Read the playbooks of a folder, in the order of their names; a folder that is not there has none."""
    return tuple(_read(path) for path in sorted(folder.glob("*.md"))) if folder.is_dir() else ()


def _read(path: Path) -> Playbook:
    try:
        text = path.read_bytes()[:_LONGEST].decode("utf-8")
        found = _FRONT.match(text)
        front = _Front.model_validate(yaml.safe_load(found[1]) or {} if found else {})
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{path.name}: cannot be read: {type(error).__name__}") from None
    except ValidationError as error:
        problems = (f"{path.name}: {'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
        raise Refused("\n".join(problems)) from None
    body = text[found.end() :].strip() if found else text.strip()
    return Playbook(
        name=path.stem,
        topics=frozenset(front.topics),
        severities=frozenset(front.severities),
        text=body,
        steps=tuple(_STEP.findall(body)),
    )
