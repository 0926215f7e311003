"""The event catalogue: what is announced, by whom, and who listens; made from the protos and the code."""

import argparse
import ast
import importlib
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.message import Message
from grpc_tools import protoc

from sori_kit.envelope import event_type

ROOT = Path(__file__).resolve().parents[2]
_INTRODUCTION = """# Events

Made by `python tests/contract/event_catalogue.py --write docs/events.md`; `make check` fails when it is out of date.
Every event is a CloudEvent in binary mode: the protobuf message as data, `ce-` headers, `traceparent` beside them.
The type is also the subject. An example of each stands in `tests/contract/examples/<type>/`.

| type | message | says | listened to by |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class CatalogueEntry:
    """One event of the platform."""

    message: type[Message]
    comment: str

    @property
    def type(self) -> str:
        """Type and subject."""
        return event_type(self.message)


def entries() -> list[CatalogueEntry]:
    """All messages of the files `*_events.proto` whose names end in a participle, as their protos comment them."""
    found = []
    for file in _described():
        if not file.name.endswith("_events.proto"):
            continue
        module = importlib.import_module(file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        comments = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}
        for number, message in enumerate(file.message_type):
            if message.name.endswith(("ed", "Sent", "Split", "Left")):
                comment = " ".join(comments.get((4, number), "").split())
                kind = message_factory.GetMessageClass(module.DESCRIPTOR.message_types_by_name[message.name])
                found.append(CatalogueEntry(kind, comment))
    return sorted(found, key=lambda entry: entry.type)


def _described() -> Iterator[descriptor_pb2.FileDescriptorProto]:
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto/sori").rglob("*.proto"))
    with tempfile.NamedTemporaryFile() as target:
        well_known = files("grpc_tools") / "_proto"
        options = [
            "protoc",
            f"-I{ROOT / 'proto'}",
            f"-I{well_known}",
            "--include_source_info",
            f"--descriptor_set_out={target.name}",
        ]
        if protoc.main([*options, *protos]):
            raise SystemExit("protoc refused the protos")
        yield from descriptor_pb2.FileDescriptorSet.FromString(Path(target.name).read_bytes()).file


def listeners() -> dict[str, list[str]]:
    """Map each type to the durables that consume it: the `runtime.consume(Message, handler)` calls of the mains."""
    found: dict[str, list[str]] = {}
    for main in sorted((ROOT / "services").glob("*/src/*/main.py")):
        service = main.parents[2].name
        module = importlib.import_module(f"{main.parent.name}.main")
        for call in _consume_calls(ast.parse(main.read_text())):
            message = getattr(module, ast.unparse(call.args[0]))
            handler = ast.unparse(call.args[1]).rsplit(".", 1)[1]
            found.setdefault(event_type(message), []).append(f"{service}-{handler.replace('_', '-')}")
    return found


def _consume_calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "consume":
            yield node


def markdown() -> str:
    """Write the catalogue."""
    heard = listeners()
    rows = [
        f"| `{entry.type}` | `{entry.message.DESCRIPTOR.full_name}` | {entry.comment} |"
        f" {', '.join(f'`{each}`' for each in heard.get(entry.type, [])) or '–'} |"
        for entry in entries()
    ]
    return _INTRODUCTION + "\n".join(rows) + "\n"


def main() -> None:
    """Check or write the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", type=Path, metavar="FILE", help="fail unless FILE is what the code says")
    choice.add_argument("--write", type=Path, metavar="FILE", help="write FILE")
    given = parser.parse_args()
    if given.write:
        given.write.write_text(markdown())
    elif given.check.read_text() != markdown():
        sys.exit(f"{given.check} is out of date: python tests/contract/event_catalogue.py --write {given.check}")


if __name__ == "__main__":
    main()
