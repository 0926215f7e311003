"""Reading a stream of messages in chunks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from typing import TypeVar

from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


async def chunks(stream: AsyncIterable[M], *, most: int, most_bytes: int = 4 << 20) -> AsyncGenerator[list[M], None]:
    """Give what has come in so far, up to `most`; waits only while there is nothing, never for a full chunk.

    A chunk goes beyond `most_bytes` by one message at most.
    """
    waiting: list[M] = []
    news, room = asyncio.Event(), asyncio.Event()

    async def read() -> None:
        size = 0
        async for each in stream:
            size = size + each.ByteSize() if waiting else each.ByteSize()
            waiting.append(each)
            news.set()
            if len(waiting) >= most or size > most_bytes:
                room.clear()
                await room.wait()

    reader = asyncio.create_task(read())
    reader.add_done_callback(lambda _: news.set())
    try:
        while waiting or not reader.done():
            if waiting:
                chunk = waiting.copy()
                waiting.clear()
                room.set()
                yield chunk
            else:
                news.clear()
                await news.wait()
        await reader  # Raises what ended it.
    finally:
        reader.cancel()
