"""Which services there are, and where each is reached on one machine."""

BASE_PORT = 7100
SERVICES = ("ingest", "classify", "journey", "notify", "ee-feedback", "insight", "console")  # gRPC: base + 1, 2, …
RECEIVER, HOOKS, MAIL, METRICS, NATS, POSTGRES = 8, 9, 10, 100, 122, 132  # from the base; metrics from the service's


def grpc_port(service: str, base_port: int) -> int:
    """Say where a service's gRPC API listens."""
    return base_port + 1 + SERVICES.index(service)


def target(service: str, base_port: int) -> str:
    """Say where a service's gRPC API is reached."""
    return f"127.0.0.1:{grpc_port(service, base_port)}"


def prefix(service: str) -> str:
    """Spell the beginning of a service's settings: `ee-feedback` has `SORI_EE_FEEDBACK_`."""
    return f"SORI_{service.upper().replace('-', '_')}_"
