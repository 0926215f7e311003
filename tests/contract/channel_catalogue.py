"""The channel catalogue: which sources ingest reads, and where each field comes from; made from the adapters."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from sori.ingest.v1 import touchpoint_pb2
from sori_ingest.channels import ADAPTERS
from sori_ingest.channels.payload import Adapter
from sori_ingest.settings import options
from sori_ingest.settings.options import Option

_HERE = "docs/channels.md"  # documents the formats that are our own
_NO_FIELDS = {"ignored", "unreadable", "…"}  # what else is worth a line
_INTRODUCTION = """# Channels

Made by `python tests/contract/channel_catalogue.py --write docs/channels.md`; `make check` fails when it is old.

An adapter makes touchpoints of what one kind of source sends. A source in `sources.yaml` names its adapter (an example
of each stands in `deploy/local/policies/sources.yaml`), and `sori sources check ADAPTER FILE` shows what becomes of a
payload without anything running. Fields that an adapter does not name stay empty; `source` is the name of the source,
`org_unit` the source's own where the payload says nothing. Files (CSV, TSV, JSONL, XLSX) come in by `sori import`.

Whatever the adapter, the normal form is the same: text in NFC, personal numbers masked and counted, phone numbers in
E.164 (050 safe numbers marked as temporary), times in UTC with the source's offset beside them, a language hint.

A source may be told `options`; those that its adapter does not have are refused, with their line. Every source has:
"""


def markdown() -> str:
    """Write the catalogue."""
    lines = [_INTRODUCTION, *_options(options.OF_EVERY), "", "| adapter | source | channels |", "| --- | --- | --- |"]
    for name, adapter in sorted(ADAPTERS.items()):
        lines.append(
            f"| [`{name}`](#{name}) | [{_cell(adapter.TITLE)}]({_document(adapter)}) | {_cell(adapter.CHANNEL)} |"
        )
    for name, adapter in sorted(ADAPTERS.items()):
        lines += ["", f"## {name}", "", *_section(adapter)]
    return "\n".join(lines) + "\n"


def _section(adapter: Adapter) -> Iterator[str]:
    known = _document(adapter)
    yield f"{adapter.TITLE}; format: {f'<{known}>' if known.startswith('https') else 'our own, as the fields say'}."
    yield ""
    yield "| field | where it comes from |"
    yield "| --- | --- |"
    for field, origin in adapter.FIELDS.items():
        yield f"| `{field}` | {_cell(origin)} |"
    if adapter.OPTIONS:
        yield ""
        yield from _options(adapter.OPTIONS)


def _options(there: Mapping[str, Option]) -> Iterator[str]:
    yield "| option | what it means |"
    yield "| --- | --- |"
    for name, option in sorted(there.items()):
        yield f"| `{name}` | {_cell(option.means)} |"


def _document(adapter: Adapter) -> str:
    return adapter.DOCUMENT.removeprefix(_HERE)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def problems() -> list[str]:
    """Say where an adapter does not keep to its own description."""
    known = {*touchpoint_pb2.Touchpoint.DESCRIPTOR.fields_by_name, *_NO_FIELDS}
    found = []
    for name, adapter in ADAPTERS.items():
        if name != adapter.NAME:
            found.append(f"{name} is registered under another name than its own, {adapter.NAME}")
        if not adapter.DOCUMENT.startswith(("https://", f"{_HERE}#")):
            found.append(f"{name} has no DOCUMENT")
        found += [
            f"{name}: a touchpoint has no field {each}"
            for each in adapter.FIELDS
            if each.partition(".")[0] not in known
        ]
    return found


def main() -> None:
    """Check or write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", type=Path, metavar="FILE", help="fail unless FILE is what the code says")
    choice.add_argument("--write", type=Path, metavar="FILE", help="write FILE")
    given = parser.parse_args()
    if found := problems():
        sys.exit("\n".join(found))
    if given.write:
        given.write.write_text(markdown(), encoding="utf-8")
    elif not given.check.exists() or given.check.read_text(encoding="utf-8") != markdown():
        sys.exit(f"{given.check} is out of date: python tests/contract/channel_catalogue.py --write {given.check}")


if __name__ == "__main__":
    main()
