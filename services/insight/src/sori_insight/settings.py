"""Settings of insight."""

from zoneinfo import ZoneInfo

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_INSIGHT_"):
    """Every knob of this service. An unset one without a default stops the start."""

    zone: ZoneInfo = Field(ZoneInfo("Asia/Seoul"), description="where weeks begin; binds lines that arrive from now on")
    watch_seconds: float = Field(1.0, gt=0, description="how often a follower looks when no notification comes")
