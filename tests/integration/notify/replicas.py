"""Replicas of notify as processes of their own, which can be killed."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import harness
from engines import Engines
from sori_local.tokens import LocalIssuer


@contextlib.asynccontextmanager
async def replica(engines: Engines, env: Mapping[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a replica until the block ends, unless it is killed before."""
    issuer = LocalIssuer(engines.folder / "issuer")
    program = Path(sys.executable).with_name("sori-notify")
    process = await asyncio.create_subprocess_exec(
        program,
        "serve",
        env={**os.environ, **harness.environment("notify", engines, issuer, env)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
