"""A receiver of alerts: checks each signature and keeps each alert once."""

import argparse
import json
import os
import signal
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

_MOST_BYTES = 1 << 20  # of one alert


class Journal:
    """The alerts that were received, a JSON line each; the same webhook id is kept once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        whole = path.read_bytes()
        whole = whole[: whole.rfind(b"\n") + 1]  # A line that a crash tore off was never answered with success.
        os.truncate(path, len(whole))
        self._known = {str(json.loads(line)["webhook_id"]) for line in whole.splitlines()}

    def keep(self, webhook_id: str, payload: Any) -> bool:
        """Write an alert to disk; says False for one that is there already."""
        line = json.dumps({"webhook_id": webhook_id, "received_time": _now(), "payload": payload}, ensure_ascii=False)
        with self._lock:
            if webhook_id in self._known:
                return False
            with self._path.open("ab") as file:
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self._known.add(webhook_id)
            return True


def count(path: Path) -> int:
    """Count the distinct alerts in a journal; one that does not exist holds none."""
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def server(port: int, secret: str, journal: Journal) -> ThreadingHTTPServer:
    """Open the port; `serve_forever` then answers each POST."""
    webhook = Webhook(secret)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30  # seconds that a silent sender may keep its connection

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= _MOST_BYTES:
                self.close_connection = True  # Its body stays unread.
                return self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length else HTTPStatus.LENGTH_REQUIRED)
            body = self.rfile.read(length)
            try:
                payload = webhook.verify(body, dict(self.headers.items()))
            except (WebhookVerificationError, ValueError):
                return self._answer(HTTPStatus.UNAUTHORIZED)
            journal.keep(self.headers["webhook-id"], payload)
            return self._answer(HTTPStatus.NO_CONTENT)

        def _answer(self, status: HTTPStatus) -> None:
            self.send_response(status)
            if status is not HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            sys.stderr.write(json.dumps({"event": "alert.answered", "status": args[1] if len(args) > 1 else ""}) + "\n")

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def main() -> None:
    """Receive alerts until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m sori_local.receiver", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("secret_file", type=Path)
    parser.add_argument("alerts", type=Path)
    given = parser.parse_args()
    running = server(given.port, given.secret_file.read_text().strip(), Journal(given.alerts))
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=running.shutdown).start())
    running.serve_forever(poll_interval=0.2)
    running.server_close()


if __name__ == "__main__":
    main()
