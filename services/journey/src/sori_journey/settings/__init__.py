"""Settings of journey."""

from pathlib import Path

from pydantic import Field, field_validator

from sori_journey.settings import files, identity, retention, segments, stages
from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_JOURNEY_"):
    """Every knob of this service. An unset one without a default stops the start."""

    watch_seconds: float = Field(0.5, gt=0)  # how often a followed timeline is looked at
    identity_path: Path | None = None  # YAML file with the identity policy; unset: the standard one
    retention_path: Path | None = None  # YAML file with how long touchpoints are kept; unset: for good
    retention_seconds: float = Field(3600.0, gt=0)  # how often too old touchpoints are looked for
    erasure_seconds: float = Field(5.0, gt=0)  # how often the broker's copies of erased touchpoints are looked for
    erasure_settle_seconds: float = Field(90.0, ge=0)  # how long something erased may still be on its way
    stages_path: Path | None = None  # YAML file with the stage rules; unset: the standard ones
    segments_path: Path | None = None  # YAML file with the segment rules; unset: the standard ones
    policy_poll_seconds: float = Field(2.0, gt=0)  # how often those two are looked at for changes
    follow_seconds: float = Field(1.0, gt=0)  # how often changed timelines are looked for
    sweep_seconds: float = Field(900.0, gt=0)  # how often every customer's fifths, segments and risks are judged again
    erasure_services: str = "ingest,notify,insight"  # who has to answer that its copies are gone, by comma

    @field_validator("identity_path")
    @classmethod
    def _holds_identity(cls, path: Path | None) -> Path | None:
        try:
            identity.load(path)
        except files.PolicyRefused as refused:
            raise ValueError(str(refused)) from None
        return path

    @field_validator("retention_path")
    @classmethod
    def _holds_periods(cls, path: Path | None) -> Path | None:
        try:
            retention.load(path)
        except files.PolicyRefused as refused:
            raise ValueError(str(refused)) from None
        return path

    @field_validator("stages_path")
    @classmethod
    def _holds_stages(cls, path: Path | None) -> Path | None:
        try:
            stages.load(path)
        except files.PolicyRefused as refused:
            raise ValueError(str(refused)) from None
        return path

    @field_validator("segments_path")
    @classmethod
    def _holds_segments(cls, path: Path | None) -> Path | None:
        try:
            segments.load(path)
        except files.PolicyRefused as refused:
            raise ValueError(str(refused)) from None
        return path

    def services(self) -> list[str]:
        """Name the services that hold copies."""
        return [each.strip() for each in self.erasure_services.split(",") if each.strip()]
