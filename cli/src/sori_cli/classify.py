"""`sori classify`: moods and matters of texts, by the running service or without one."""

import codecs
import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO, NoReturn, TypeAlias

import typer

from sori.classify.v1 import classification_pb2, classify_service_pb2_grpc
from sori.classify.v1 import classify_service_pb2 as pb
from sori_cli import client, screen
from sori_cli.client import Platform
from sori_cli.offline import hand_over
from sori_local import plan

_TOGETHER = 256  # texts in one request
_MOST_CHARACTERS = 1_000_000  # in one request; four bytes each at most, and 16 MiB is the most that a service takes
_LONGEST_TEXT = 100_000  # characters
_Read: TypeAlias = tuple[int, dict[str, Any] | None, str]  # number, object and problem of a line


def classify(
    file: Annotated[str, typer.Argument(help='JSON lines of {"id": …, "text": …}; - is standard input.')] = "-",
    jsonl: Annotated[bool, typer.Option("--jsonl", help="JSON lines in and out: the only form there is.")] = True,
    service: Annotated[bool, typer.Option("--service", help="Ask the running service, not the model's file.")] = False,
    model: Annotated[str, typer.Option(help="Folder of a model, in place of the one that is shipped.")] = "",
    lexicons: Annotated[
        str, typer.Option(help="Folder of topics.yaml and urgency.yaml, in place of the shipped.")
    ] = "",
    data: client.DataOption = client.DATA,
    token: client.TokenOption = "",
) -> None:
    """Read texts: one JSON object for each line, in order.

    It has id, sentiment, scores (neg, neu, pos), abuse (a probability), emotion, emotions (KOTE's 44, each with its
    probability), utterance, topics and urgency (0 to 1). Lines that cannot be read are named on standard error.

    Exit code: 0, 1 when a line could not be read, 2 when nothing could.
    """
    if service:
        try:
            with sys.stdin.buffer if file == "-" else Path(file).open("rb") as source:
                screen.run(_ask(Platform(data, token), source))
        except OSError as error:
            typer.echo(f"sori: {file}: {error.strerror}", err=True)
            raise typer.Exit(2) from error
        return
    model = model or os.environ.get("SORI_CLASSIFY_MODEL_PATH") or str(plan.model())
    lexicons = lexicons or os.environ.get("SORI_CLASSIFY_LEXICON_PATH") or str(plan.lexicons())
    hand_over("classify", "read", f"--model={model}", f"--lexicons={lexicons}", "--", file)


async def _ask(platform: Platform, source: BinaryIO) -> None:
    wrong = False
    async with platform.calling("classify", "cx.read") as peer:
        stub = classify_service_pb2_grpc.ClassifyServiceStub(peer.channel)
        for batch in _batches(_lines(source)):
            good = [item for _, item, _ in batch if item is not None]
            for number, _, problem in batch:
                if problem:
                    wrong = True
                    typer.echo(f"line {number}: {problem}", err=True)
            if good:
                texts = [each["text"].encode(errors="replace").decode() for each in good]  # No lone surrogates.
                request = pb.ClassifyRequest(texts=texts, include_emotions=True)
                answer = await stub.Classify(request, metadata=peer.metadata, timeout=60)
                for each, found in zip(good, answer.classifications, strict=True):
                    typer.echo(_written(_line(each.get("id"), found)))
    if wrong:
        raise typer.Exit(1)


def _batches(lines: Iterable[_Read]) -> Iterator[list[_Read]]:
    """Put lines together into requests, of long texts fewer."""
    batch: list[_Read] = []
    characters = 0
    for line in lines:
        more = len(line[1]["text"]) if line[1] else 0
        if batch and (len(batch) == _TOGETHER or characters + more > _MOST_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(line)
        characters += more
    if batch:
        yield batch


def _lines(source: BinaryIO) -> Iterator[_Read]:
    """Give number, object and problem of each line that is not empty."""
    for number, raw in enumerate(source, 1):
        line = raw.removeprefix(codecs.BOM_UTF8).strip()
        if not line:
            continue
        try:
            item = json.loads(line.decode(), parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            yield number, None, f"is not JSON: {str(error).splitlines()[0]}"
            continue
        if not isinstance(item, dict):
            yield number, None, "is not a JSON object"
        elif not isinstance(item.get("text"), str):
            yield number, None, "`text` is missing or no string"
        elif len(item["text"]) > _LONGEST_TEXT:
            yield number, None, f"`text` is longer than {_LONGEST_TEXT:,} characters"
        else:
            yield number, item, ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _written(line: dict[str, Any]) -> bytes:
    try:
        return json.dumps(line, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # A lone surrogate, in the id.
        return json.dumps(line).encode()


def _line(identity: object, found: classification_pb2.Classification) -> dict[str, Any]:
    scores = found.sentiment_scores
    return {
        "id": identity,
        "sentiment": screen.word(classification_pb2.Sentiment.Name(found.sentiment), "SENTIMENT"),
        "scores": {"neg": scores.negative, "neu": scores.neutral, "pos": scores.positive},
        "abuse": found.abuse_score,
        "emotion": found.emotion,
        "emotions": dict(found.emotions),
        "utterance": screen.word(classification_pb2.Utterance.Name(found.utterance), "UTTERANCE"),
        "topics": list(found.topics),
        "topic_sentiments": [
            {
                "topic": each.topic,
                "sentiment": screen.word(classification_pb2.Sentiment.Name(each.sentiment), "SENTIMENT"),
                "score": each.score,
            }
            for each in found.topic_sentiments
        ],
        "subtopics": list(found.subtopics),
        "keywords": list(found.keywords),
        "urgency": found.urgency,
        "urgency_reasons": list(found.urgency_reasons),
        "language": found.language,
        "model": found.model_version,
    }
