"""What works on files alone: `sori-classify read` reads texts, `sori-classify compile` conjugates word lists."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import yaml

from sori_classify import wire
from sori_classify.model import ModelRefused, Shelf
from sori_classify.model.lexicon import FORMS, conjugate, written_lemmas
from sori_classify.usecases.reading import LONGEST_TEXT, judge
from sori_kit.offline import Command, main

_TOGETHER = 256  # texts
_PROGRESS_SECONDS = 2.0


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", default="-", help='JSON lines of {"id": …, "text": …}; - is standard input')
    parser.add_argument("--model", type=Path, required=True, help="folder with model.onnx and card.json")
    parser.add_argument("--lexicons", type=Path, required=True, help="folder with topics.yaml and urgency.yaml")


def _read(given: argparse.Namespace) -> int:
    """Write one JSON line for each line of the file; 1 when a line could not be read, 2 when nothing could."""
    try:
        serving = Shelf(given.model, given.lexicons).serving
    except ModelRefused as refused:
        print(f"sori-classify: {refused}", file=sys.stderr)
        return 2
    wrong, done, shown = 0, 0, time.monotonic()
    try:
        with sys.stdin.buffer if given.file == "-" else Path(given.file).open("rb") as source:
            numbered = _lines(source)
            while batch := list(islice(numbered, _TOGETHER)):
                good = [(identity, text) for _, identity, text, problem in batch if not problem]
                for number, _, _, problem in batch:
                    if problem:
                        wrong += 1
                        print(f"line {number}: {problem}", file=sys.stderr)
                found = judge(serving, [text for _, text in good], fine=True) if good else []
                _write(wire.line(identity, each) for (identity, _), each in zip(good, found, strict=True))
                done += len(batch)
                if sys.stderr.isatty() and time.monotonic() > shown + _PROGRESS_SECONDS:
                    shown = time.monotonic()
                    print(f"{done:,} texts", file=sys.stderr)
    except BrokenPipeError:  # Who reads has had enough, as `head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        print(f"sori-classify: {given.file}: {error.strerror}", file=sys.stderr)
        return 2
    return 1 if wrong else 0


def _lines(source: BinaryIO) -> Iterator[tuple[int, Any, str, str]]:
    """Give number, id, text and problem of each line that is not empty."""
    for number, raw in enumerate(source, 1):
        line = raw.removeprefix(b"\xef\xbb\xbf").strip()
        if not line:
            continue
        try:
            item = json.loads(line.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            yield number, None, "", f"is not JSON: {str(error).splitlines()[0]}"
            continue
        if not isinstance(item, dict):
            yield number, None, "", "is not a JSON object"
        elif not isinstance(item.get("text"), str):
            yield number, None, "", "`text` is missing or no string"
        elif len(item["text"]) > LONGEST_TEXT:
            yield number, None, "", f"`text` is longer than {LONGEST_TEXT:,} characters"
        else:
            yield number, item.get("id"), item["text"], ""


def _refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity, which Python reads and JSON does not know."""
    raise ValueError(constant)


def _write(lines: Iterable[dict[str, Any]]) -> None:
    for each in lines:
        try:
            encoded = json.dumps(each, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # A lone surrogate, in the id.
            encoded = json.dumps(each).encode()
        sys.stdout.buffer.write(encoded + b"\n")
    sys.stdout.buffer.flush()


def _compile_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lexicons", type=Path, required=True, help="folder with topics.yaml and urgency.yaml")


def _compile(given: argparse.Namespace) -> int:
    """Write `forms.json` for the verbs and adjectives of the word lists; 2 when they cannot be read."""
    try:
        forms = conjugate(written_lemmas(given.lexicons))
        made = json.dumps({"forms": dict(sorted(forms.items()))}, ensure_ascii=False)
        made = made.replace("],", "],\n")  # One word a line, for those who read the changes.
        (given.lexicons / FORMS).write_text(made + "\n", encoding="utf-8")
    except (OSError, ValueError, yaml.YAMLError) as error:
        print(f"sori-classify: {error}", file=sys.stderr)
        return 2
    print(f"{len(forms):,} words conjugated")
    return 0


COMMANDS = {
    "read": Command("read texts from a file of JSON lines", _arguments, _read),
    "compile": Command("conjugate the verbs and adjectives of the word lists", _compile_arguments, _compile),
}

if __name__ == "__main__":
    main("classify", COMMANDS)
