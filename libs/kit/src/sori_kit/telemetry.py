"""Prometheus metrics and OpenTelemetry traces, carried through events by `traceparent`."""

import contextlib
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio
from prometheus_client import Counter, Gauge, Histogram, start_http_server

from sori_kit.settings import KitSettings

RPC_SECONDS = Histogram("sori_rpc_seconds", "Time of a gRPC call.", ["method", "code"])
CONSUMED = Counter("sori_events_consumed_total", "Events handled, by what became of them.", ["durable", "outcome"])
HANDLE_SECONDS = Histogram("sori_batch_seconds", "Time of one batch of a consumer.", ["durable"])
PENDING = Gauge("sori_consumer_pending", "Events not yet handed to the consumer.", ["durable"])
PUBLISHED = Counter("sori_events_published_total", "Events that the broker has on disk.", ["stream"])
PUBLISH_RETRIES = Counter("sori_publish_retries_total", "Attempts to publish that had to be repeated.", ["stream"])
DEAD_LETTERS = Counter("sori_dead_letters_total", "Events given up on.", ["durable", "reason"])
OUTBOX_RELAYED = Counter("sori_outbox_relayed_total", "Committed events that the relay published.", ["service"])

_SAMPLED = "-01"
_TRACER = trace.get_tracer("sori")  # One that asks for the provider later; asking each time costs 80 µs.


def start(service: str, settings: KitSettings) -> None:
    """Open the metrics port and set up tracing for this process."""
    if settings.metrics_port:
        start_http_server(settings.metrics_port, addr=settings.listen_host)
    provider = TracerProvider(
        resource=Resource.create({"service.name": f"sori-{service}", "service.version": version("sori-kit")}),
        sampler=ParentBasedTraceIdRatio(settings.trace_ratio),
    )
    if settings.otlp_endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # 30 MB that few need.
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint)))
    trace.set_tracer_provider(provider)


def traceparent() -> str:
    """Give the current W3C trace context, or nothing when there is none or it is not sampled."""
    if not trace.get_current_span().get_span_context().trace_flags.sampled:
        return ""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent", "")


@contextlib.contextmanager
def span(name: str, parent: str = "") -> Iterator[None]:
    """Run a block as a span, child of the W3C context `parent` where one is given."""
    context = propagate.extract({"traceparent": parent}) if parent else None
    with _TRACER.start_as_current_span(name, context=context):
        yield


@contextlib.contextmanager
def batch_spans(name: str, parents: Sequence[str]) -> Iterator[list[str]]:
    """Open a span for each sampled one of `parents`; gives the contexts that what follows should carry."""
    spans: list[trace.Span] = []
    contexts: list[str] = []
    for parent in parents:
        if not parent.endswith(_SAMPLED):
            contexts.append(parent)
            continue
        opened = _TRACER.start_span(name, context=propagate.extract({"traceparent": parent}))
        carrier: dict[str, str] = {}
        propagate.inject(carrier, context=trace.set_span_in_context(opened))
        spans.append(opened)
        contexts.append(carrier.get("traceparent", parent))
    try:
        yield contexts
    finally:
        for opened in spans:
            opened.end()
