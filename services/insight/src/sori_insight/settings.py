"""Settings of insight."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_INSIGHT_"):
    """Every knob of this service. An unset one without a default stops the start."""

    zone: ZoneInfo = Field(ZoneInfo("Asia/Seoul"), description="where weeks begin; binds lines that arrive from now on")
    journey_target: str = Field("", description="host:port of journey, which hears of erasures; empty: nobody does")
    service_token_file: Path | None = Field(None, description="token with which this service calls journey")
    answer_seconds: float = Field(1.0, gt=0, description="how often journey is told of what was erased")
    watch_seconds: float = Field(1.0, gt=0, description="how often a follower looks when no notification comes")
