"""Settings of ee-feedback."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_EE_FEEDBACK_"):
    """Every knob of this service. An unset one without a default stops the start."""

    secret_file: Path  # 32 bytes or more that only this service knows; without them nobody is recognised again
    classify_target: str  # host:port of classify
    service_token_file: Path  # token with which this service calls classify; read anew for each call
    zone: ZoneInfo = ZoneInfo("Asia/Seoul")  # where a week begins
    k_comments: int = Field(8, ge=3)  # distinct people behind voices that are released together
    k_scores: int = Field(5, ge=3)  # distinct people behind a pulse result
    release_seconds: float = Field(1.0, gt=0)  # between two looks at what may be released
    settle_seconds: float = Field(3.0, ge=0)  # a week waits this long after an import, for the next part of it
    shuffle_seconds: float = Field(60.0, gt=0)  # between two rewrites of what came in
    classify_seconds: float = Field(10.0, gt=0)  # longest that a call waits for classify
    retry_seconds: float = Field(10.0, gt=0)  # before classify is asked again for what it did not answer
