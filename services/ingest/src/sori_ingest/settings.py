"""Settings of ingest."""

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_INGEST_"):
    """Every knob of this service. An unset one without a default stops the start."""

    stream_chunk: int = Field(500, ge=1, le=1_000)  # touchpoints of a stream published together at most
    stream_publishes: int = Field(4, ge=1, le=64)  # chunks of one stream under way at a time
