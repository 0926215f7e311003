"""Settings of ingest."""

from pathlib import Path

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_INGEST_"):
    """Every knob of this service. An unset one without a default stops the start."""

    stream_chunk: int = Field(500, ge=1, le=1_000)  # touchpoints of a stream published together at most
    stream_publishes: int = Field(4, ge=1, le=64)  # chunks of one stream under way at a time
    sources_path: Path | None = None  # YAML file with the sources of webhooks and mail; unset: there are none
    sources_poll_seconds: float = Field(2.0, gt=0)  # how often that file and its secrets are looked at for changes
    journey_target: str = ""  # host:port of journey, which knows who was erased; unset: the quarantine is not searched
    service_token_file: Path | None = None  # token with which this service calls journey
    http_port: int | None = Field(None, ge=0, le=65_535)  # port of webhooks; unset: none; 0 takes a free one
    http_wait_seconds: float = Field(2.5, gt=0)  # for the broker, before a webhook is told to come again
    http_most: int = Field(512, ge=1)  # webhooks in work at a time; more are told to come again
    http_most_bytes: int = Field(64 << 20, ge=1 << 20)  # of their payloads
    public_url: str = ""  # how vendors see us, as in https://hooks.example.kr; Twilio and Square sign it
    smtp_port: int = Field(0, ge=0, le=65_535)  # port of mail; 0 opens none
    smtp_hostname: str = "sori"  # how we greet
    smtp_most_bytes: int = Field(25 << 20, ge=1 << 10)  # of one mail
    smtp_most_connections: int = Field(100, ge=1)
    smtp_wait_seconds: float = Field(20.0, gt=0)  # for the broker, before a mail is told to come again
    smtp_certificate: Path | None = None  # PEM chain; with it STARTTLS is offered
    smtp_key: Path | None = None  # PEM key of that certificate
    smtp_require_tls: bool = False  # refuse mail without STARTTLS
