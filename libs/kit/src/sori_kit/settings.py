"""Settings that every service has."""

from typing import Any

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

WRONG_SETTINGS = "these settings are missing or wrong"  # A service whose settings are says so, and ends.


def shared(default: Any, name: str, description: str) -> Any:
    """Declare a setting that is read from `SORI_<NAME>`, the same for all services."""
    return Field(default, validation_alias=AliasChoices(f"SORI_{name.upper()}", name), description=description)


class KitSettings(BaseSettings):
    """Read once, in main, from environment variables; an unset one without a default stops the start."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    nats_url: str = shared("nats://127.0.0.1:4222", "nats_url", "one or more comma-separated addresses")
    stream_replicas: int = shared(1, "stream_replicas", "JetStream replicas of each stream, 1 to 5")
    stream_days: int = shared(30, "stream_days", "days after which a stream forgets an event")
    broker_syncs: bool = shared(
        True, "broker_syncs", "the broker syncs to disk before each answer, so that events are sent in atomic batches"
    )
    dedup_seconds: int = shared(600, "dedup_seconds", "how long the broker recognises an event id")
    postgres_url: str = shared(
        "postgresql://postgres@127.0.0.1:5432", "postgres_url", "server; each service has its own database there"
    )
    jwks: str = shared("", "jwks", "path or https address of the key set that signs tokens")
    jwt_issuer: str = shared("sori-local", "jwt_issuer", "required `iss` of a token")
    jwt_audience: str = shared("sori", "jwt_audience", "required `aud` of a token")
    log_level: str = shared("INFO", "log_level", "DEBUG, INFO, WARNING or ERROR")
    otlp_endpoint: str = shared("", "otlp_endpoint", "OTLP/HTTP address for traces; empty: none are exported")
    trace_ratio: float = shared(0.01, "trace_ratio", "share of new traces that are sampled, 0 to 1")
    listen_host: str = shared("127.0.0.1", "listen_host", "address on which ports are opened")
    rpc_seconds: float = shared(30.0, "rpc_seconds", "longest that a unary call may take")
    drain_seconds: float = shared(10.0, "drain_seconds", "how long running work may take after SIGTERM")
    grpc_port: int = Field(description="port of the gRPC API; 0 takes a free one")
    metrics_port: int = Field(0, description="port of the Prometheus metrics; 0 opens none")
