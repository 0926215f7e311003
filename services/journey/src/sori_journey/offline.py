"""The edge of commands that work on files alone."""

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format

from sori_journey import usecases, wire
from sori_journey.settings import identity
from sori_kit.errors import InvalidInput
from sori_kit.offline import Command, main

_REFUSED = 2  # exit status, of a file or of lines of it


def _arguments(parser: argparse.ArgumentParser) -> None:
    said = "one JSON object a line: observation, merge or split; - reads input"
    parser.add_argument("file", metavar="FILE", help=said)
    parser.add_argument("--policy", type=Path, metavar="YAML", help="identity policy; else the standard one")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, for machines")


def _lines(name: str) -> Iterator[tuple[int, str]]:
    with open(sys.stdin.fileno() if name == "-" else name, encoding="utf-8-sig", closefd=name != "-") as file:
        for number, line in enumerate(file, 1):
            if line.strip():
                yield number, line


def _replay(arguments: argparse.Namespace) -> int:
    """Print the customers that a file comes to; lines that cannot be read or carried out count for nothing."""
    records = wire.Records()
    bad: dict[int, str] = {}
    try:
        policy = identity.load(arguments.policy)
        for number, line in _lines(arguments.file):
            try:
                records.add(json.loads(line), number)
            except InvalidInput as error:
                bad[number] = str(error)
            except json.JSONDecodeError as error:
                bad[number] = f"line {number}: is not JSON: {error.msg}"
            except RecursionError:
                bad[number] = f"line {number}: is nested too deep"
    except (OSError, UnicodeDecodeError) as error:
        print(f"sori: {arguments.file}: cannot be read: {type(error).__name__}", file=sys.stderr)
        return _REFUSED
    except InvalidInput as error:
        print(f"sori: {error}", file=sys.stderr)
        return _REFUSED
    customers, refused = usecases.replay(records.observations, records.decisions, policy)
    bad |= {each.line: str(each) for each in refused}
    for each in map(records.identity_customer, customers):
        if arguments.json:
            print(json.dumps(json_format.MessageToDict(each), ensure_ascii=False))
        else:
            print(wire.identity_line(each))
    for _, problem in sorted(bad.items()):
        print(f"sori: {problem}", file=sys.stderr)
    return _REFUSED if bad else 0


COMMANDS = {"replay": Command("run a file of observations, merges and splits through the rules", _arguments, _replay)}

if __name__ == "__main__":
    main("journey", COMMANDS)
