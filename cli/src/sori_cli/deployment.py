"""The whole platform on this machine, from start to stop."""

import asyncio
import contextlib
import datetime as dt
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from sori_cli import client, reconciliation, sample, screen
from sori_cli.client import Platform
from sori_cli.screen import Problem
from sori_kit.auth import ROLES
from sori_kit.settings import WRONG_SETTINGS
from sori_local import engines, plan, supervision
from sori_local.plan import Plan, Service
from sori_local.supervision import StartError, Supervisor
from sori_local.tokens import LocalIssuer

_LEAD = ("cx.read", "cx.act", "hr.read")  # who the printed link to the console stands for
_TOKEN_DAYS = 30
_READY_SECONDS = 90.0
_LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What `sori up` was asked for."""

    data: Path
    base_port: int
    only: tuple[str, ...]
    durable: bool
    sample: bool
    once: bool
    seed: int
    end: dt.date


async def run(wish: Wish) -> int:
    """Bring it up, do what is wished, stop it; gives the exit code."""
    try:
        with supervision.locked(wish.data):
            made = plan.make(wish.data, base_port=wish.base_port, only=wish.only, durable=wish.durable)
            client.remember(wish.data, wish.base_port)
            supervisor = Supervisor(made)
            stopped = _Stop()
            try:
                with stopped.listening():
                    await _start(made, supervisor)
                    _announce(made)
                    return await _work(wish, made, supervisor, stopped)
            except asyncio.CancelledError:
                if not stopped.asked:
                    raise
                return 130
            finally:
                with stopped.ignoring():
                    await _stop(supervisor)
    except (StartError, ValueError) as error:
        raise Problem(str(error)) from error
    except OSError as error:
        raise Problem(f"{error.filename or wish.data}: {error.strerror or error}") from error


class _Stop:
    """Ctrl-C and SIGTERM."""

    def __init__(self) -> None:
        self.asked = False
        self._task = asyncio.current_task()

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """End the running work when asked to stop."""
        with self._handling(self._ask):
            yield

    @contextlib.contextmanager
    def ignoring(self) -> Iterator[None]:
        """Let nothing interrupt what stops things in order."""
        with self._handling(lambda: None):
            yield

    def _ask(self) -> None:
        if not self.asked and self._task:
            self.asked = True
            self._task.cancel()

    @contextlib.contextmanager
    def _handling(self, do: object) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        for each in signals:
            loop.add_signal_handler(each, do)  # type: ignore[arg-type]
        yield


async def _start(made: Plan, supervisor: Supervisor) -> None:
    async with _step("engines") as note:
        await asyncio.to_thread(supervisor.prepare)
        supervisor.launch()
        await asyncio.to_thread(supervisor.wait_for_engines)
        note(", ".join(_engines(made)))
    async with _step("tables") as note:
        migrated = [service for service in made.services if service.migrates]
        await asyncio.gather(*(_migrate(made, service) for service in migrated))
        note(", ".join(service.name for service in migrated))
    async with _step("services") as note:
        written = [supervision.length(supervision.log_of(made, service.name)) for service in made.services]
        await asyncio.to_thread(supervisor.start_services)
        await asyncio.gather(*(_ready(made, *each, supervisor) for each in zip(made.services, written, strict=True)))
        note(", ".join(service.name for service in made.services))


async def _work(wish: Wish, made: Plan, supervisor: Supervisor, stopped: _Stop) -> int:
    platform = Platform(made.folder)
    fed = await sample.feed(platform, seed=wish.seed, end=wish.end) if wish.sample else None
    if wish.once:
        return 0 if await reconciliation.reconcile(platform, made, fed) else 1
    screen.out.print("[dim]Ctrl-C drains and stops everything.[/]")
    try:
        await _watch(supervisor)
    except asyncio.CancelledError:
        if not stopped.asked:
            raise
    return 0


async def _watch(supervisor: Supervisor) -> None:
    """Say when a process has died and is back; each look also wakes the supervisor, which restarts it the sooner."""
    before = {each.name: each.pid for each in await asyncio.to_thread(supervisor.processes)}
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if not supervisor.alive():
            raise Problem("the supervisor was killed; everything is being stopped")
        for each in await asyncio.to_thread(supervisor.processes):
            if each.pid and each.pid != before[each.name]:
                screen.out.print(f"[yellow]{each.name} had ended and was started again[/]")
                before[each.name] = each.pid


async def _stop(supervisor: Supervisor) -> None:
    began = time.monotonic()
    screen.out.print("stopping: services first, then engines")
    await asyncio.to_thread(supervisor.stop)
    screen.out.print(f"stopped [dim]{time.monotonic() - began:.1f} s[/]")


async def _migrate(made: Plan, service: Service) -> None:
    log = supervision.log_of(made, f"{service.name}.migrate")
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            engines.program(service.script), "migrate", env=made.environ(), stdout=file, stderr=file
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
    if code:
        raise StartError(f"the tables of {service.name} cannot be brought up to date: {supervision.tail(log)}")


async def _ready(made: Plan, service: Service, written: int, supervisor: Supervisor) -> None:
    """Wait until a service is ready, whose log had so many bytes before it was started."""
    until, log = time.monotonic() + _READY_SECONDS, supervision.log_of(made, service.name)
    while not await client.is_serving(service.target):
        if said := supervision.last_words(log, after=written, of=WRONG_SETTINGS):  # Waiting mends no mistake.
            raise StartError(said)
        if time.monotonic() > until:
            raise StartError(f"{service.name} does not become ready: {supervision.tail(log)} (all of it: {log})")
        if not supervisor.alive():
            raise StartError("the supervisor was killed")
        await asyncio.sleep(0.1)


def _announce(made: Plan) -> None:
    """Print how to get in, and keep a token for each role under the data folder."""
    issuer = LocalIssuer(made.folder / "issuer")
    folder = made.folder / "tokens"
    folder.mkdir(mode=0o700, exist_ok=True)
    if any(service.name == "console" for service in made.services):
        token = issuer.token(_LEAD, subject="lead", days=_TOKEN_DAYS)
        screen.out.print("\n[bold]Console[/]")
        screen.out.print(f"http://127.0.0.1:{made.http_port}/login?token={token}", soft_wrap=True)
    if any(service.name == "ingest" for service in made.services):
        screen.out.print("\n[bold]Webhooks and mail[/]")
        screen.out.print(f"http://127.0.0.1:{made.hooks_port}/hooks/SOURCE", soft_wrap=True)
        screen.out.print(f"smtp://127.0.0.1:{made.mail_port}", soft_wrap=True)
    screen.out.print(f"\n[bold]Tokens[/] [dim](also in {folder})[/]", soft_wrap=True)
    for role in sorted(ROLES):
        token = issuer.token([role], subject=f"local-{role}", days=_TOKEN_DAYS)
        with open(os.open(folder / role, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)
        screen.out.print(f"{role:13} {token}", soft_wrap=True)
    screen.out.print()


def _engines(made: Plan) -> Iterator[str]:
    yield f"nats {'on port ' + str(made.nats_port) if made.embeds_nats else '(yours)'}"
    yield f"postgres {'on port ' + str(made.postgres_port) if made.embeds_postgres else '(yours)'}"


class _Note:
    """What a step has to tell when it is done."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, text: str) -> None:
        self.text = text


@contextlib.asynccontextmanager
async def _step(name: str) -> AsyncIterator[_Note]:
    """Show that a step is under way, then how long it took."""
    began, note = time.monotonic(), _Note()
    with screen.out.status(f"{name} …"):
        yield note
    screen.out.print(f"[green]✓[/] {name} [dim]{time.monotonic() - began:.1f} s[/] {note.text}", soft_wrap=True)
