"""Slack's markup to plain text."""

import html
import re

_MARKED = re.compile(r"<([^<>]*)>")
_MARK = {"@": "@", "#": "#"}


def plain(marked: str) -> str:
    """Give the words: labels for links and mentions, names for `<!here>` and dates, `<` for `&lt;`."""
    return html.unescape(_MARKED.sub(_named, marked)) if "&" in marked or "<" in marked else marked


def _named(found: re.Match[str]) -> str:
    target, _, label = found[1].partition("|")
    mark = target[:1]
    if mark in _MARK:
        return mark + (label or target[1:]).removeprefix(mark)
    if mark == "!":
        return label or "@" + target[1:].partition("^")[0]
    return label or target.removeprefix("mailto:").removeprefix("tel:")
