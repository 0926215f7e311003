"""Settings of classify."""

from pathlib import Path

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_CLASSIFY_"):
    """Every knob of this service. An unset one without a default stops the start."""

    model_path: Path  # folder with model.onnx and card.json
    lexicon_path: Path  # folder with topics.yaml and urgency.yaml
    model_poll_seconds: float = Field(2.0, gt=0)  # how often the folders are looked at for changes
    workers: int = Field(1, ge=1, le=64)  # processes that read texts, each on one core
    batch: int = Field(500, ge=1, le=500)  # events in one batch of the consumer
