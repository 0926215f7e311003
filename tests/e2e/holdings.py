"""All that a platform holds, to be looked through: every row of every database, every message of every stream."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

import asyncpg
import nats
import nats.errors
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

import platform_under_test as platform

_BYTES = re.compile(r"\\x((?:[0-9a-f]{2})+)")  # as Postgres writes a bytea
_SHORTEST = 4  # bytes of base64 that are looked for


def spellings(value: str) -> set[bytes]:
    """Give the ways in which a value may be written: as it is, in lower case, escaped, percent-encoded, in base64."""
    found = {value, value.lower(), json.dumps(value)[1:-1], quote(value), quote(value, safe="")}
    plain = {each.encode() for each in found}
    return plain | {each for one in plain for each in _in_base64(one)} | {each.hex().encode() for each in plain}


def _in_base64(value: bytes) -> Iterator[bytes]:
    """Give what stands in a text in base64 that holds the value, wherever in its groups of three bytes it begins."""
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + value)
        begin, end = -(-before * 4 // 3), len(whole) - (4 if whole.endswith(b"=") else 0)
        if end - begin >= _SHORTEST:
            yield whole[begin:end]
            yield whole[begin:end].translate(bytes.maketrans(b"+/", b"-_"))


async def find(running: platform.RunningPlatform, values: Iterable[str]) -> dict[str, Counter[str]]:
    """Say where each of these values stands, and in how many rows, messages and lines of log."""
    wanted = {value: spellings(value) for value in values}
    found: dict[str, Counter[str]] = {value: Counter() for value in wanted}
    for place, held in [*await _rows(running), *await _messages(running), *_logs(running.data)]:
        for value, ways in wanted.items():
            if any(way in held for way in ways):
                found[value][place] += 1
    return {value: places for value, places in found.items() if places}


async def _rows(running: platform.RunningPlatform) -> list[tuple[str, bytes]]:
    connection = await asyncpg.connect(running.postgres_url("journey"))
    names = [each["datname"] for each in await connection.fetch("select datname from pg_database where datallowconn")]
    await connection.close()
    found: list[tuple[str, bytes]] = []
    for name in names:
        url = running.postgres_url("journey").rpartition("/")[0]
        connection = await asyncpg.connect(f"{url}/{name}")
        tables = await connection.fetch(
            "select format('%I.%I', schemaname, tablename) as name from pg_tables"
            " where schemaname not in ('pg_catalog', 'information_schema')"
        )
        for table in tables:
            rows = await connection.fetch(f"select cast(t as text) as row from {table['name']} as t")
            found += [(f"{name}.{table['name']}", _with_bytes(each["row"])) for each in rows]
        await connection.close()
    return found


def _with_bytes(row: str) -> bytes:
    return b"\n".join([row.encode(), *(bytes.fromhex(each[1]) for each in _BYTES.finditer(row))])


async def _messages(running: platform.RunningPlatform) -> list[tuple[str, bytes]]:
    client = await nats.connect(running.nats_url)
    js, found = client.jetstream(), list[tuple[str, bytes]]()
    for stream in await js.streams_info():
        name = stream.config.name or ""
        left = stream.state.messages
        made = await js.add_consumer(
            name, ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL, mem_storage=True)
        )
        pull = await js.pull_subscribe_bind(made.name, stream=name)
        while left:
            for message in await pull.fetch(min(left, 1000), timeout=5):
                left = message.metadata.num_pending
                found.append(
                    (f"{name} {_kind(message.subject)}", _written(message.subject, message.headers, message.data))
                )
        await pull.unsubscribe()
        await js.delete_consumer(name, made.name)
    await client.close()
    return found


def _kind(subject: str) -> str:
    return subject.partition(".v1.")[0]


def _written(subject: str, headers: Mapping[str, str] | None, data: bytes) -> bytes:
    return b"\n".join(
        [subject.encode(), *(f"{name}: {value}".encode() for name, value in (headers or {}).items()), data]
    )


def _logs(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in folder.rglob("*.log"):
        for line in file.read_bytes().splitlines():
            yield file.name, line
