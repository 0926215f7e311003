"""Structured logs: one JSON object a line, ids and figures only, never text or identifiers."""

import logging
import sys
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer


class _Discreet(ExceptionDictTransformer):
    """Tells of an error only what no text or identifier gets into: no locals, no second line.

    Postgres quotes the failing row from the second line of its message on.
    """

    def __call__(self, exc_info: Any) -> list[dict[str, Any]]:
        told = super().__call__(exc_info)
        for each in told:
            each["exc_value"] = each["exc_value"].partition("\n")[0]
        return told


def configure(service: str, level: str = "INFO") -> None:
    """Send every log line of this process, the libraries' too, to stderr as JSON."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(_Discreet(show_locals=False)),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(ensure_ascii=False)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processor=structlog.processors.JSONRenderer(), foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
