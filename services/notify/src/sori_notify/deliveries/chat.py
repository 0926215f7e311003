"""Slack, Teams, Discord, e-mail, SMS gateways and whatever else Apprise reaches."""

import asyncio
import datetime as dt
import logging
from concurrent.futures import ThreadPoolExecutor

import apprise
import structlog

from sori_notify.deliveries.message import Outgoing

log = structlog.get_logger()

_HEADER = "X-Sori-Message-Id"


class AppriseSender:
    """Sends messages to one address, off the event loop and with a time-out.

    Where the protocol has headers the message's id goes with it as one; elsewhere it ends the text.
    """

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        logging.getLogger("apprise").setLevel(logging.CRITICAL)  # It would log texts and addresses.
        self._url = url
        self._timeout_seconds = timeout_seconds
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="apprise")

    async def deliver(self, message: Outgoing, *, now: dt.datetime) -> str:
        """Send a message; gives why the receiver did not take it, as a code, or nothing."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                taken = await loop.run_in_executor(self._threads, self._send, message)
        except TimeoutError:
            return "TimeoutError"  # The thread ends by the sockets' own time-outs.
        return "" if taken else "refused"

    def _send(self, message: Outgoing) -> bool:
        plugin = apprise.Apprise.instantiate(self._url)
        if plugin is None:
            return False
        text, headers = message.text, getattr(plugin, "headers", None)
        if isinstance(headers, dict):
            headers[_HEADER] = message.message_id
        else:
            text = f"{text}\n\n#{message.message_id}"
        plugin.socket_connect_timeout = min(float(plugin.socket_connect_timeout or 5), self._timeout_seconds)
        sender = apprise.Apprise()
        sender.add(plugin)
        return bool(sender.notify(body=text, title=message.title, body_format=apprise.NotifyFormat.TEXT))

    async def close(self) -> None:
        """Let the threads end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)
