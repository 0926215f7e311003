"""Settings of console."""

from pathlib import Path
from zoneinfo import ZoneInfo

from pydantic import Field

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_CONSOLE_"):
    """Every knob of this service. An unset one without a default stops the start."""

    http_port: int = Field(ge=0, le=65_535)  # port of the web pages; 0 takes a free one
    insight_target: str  # address of insight's gRPC API
    notify_target: str  # address of notify's gRPC API
    service_token_file: Path | None = None  # token for what a signed link allows; None: links are not taken
    call_seconds: float = Field(8.0, gt=0)  # longest that a page waits for another service
    refresh_seconds: float = Field(15.0, ge=1)  # how often an open page asks for the figures
    heartbeat_seconds: float = Field(15.0, gt=0)  # how often a quiet stream shows that it lives
    stream_seconds: float = Field(900.0, gt=0)  # after this a stream ends and resumes: its token is checked again
    time_zone: ZoneInfo = ZoneInfo("Asia/Seoul")  # zone of all times and weeks on the pages
    secure_cookie: bool = False  # set it wherever browsers come by https; sends HSTS as well
