"""Settings of journey."""

from sori_kit.settings import KitSettings


class Settings(KitSettings, env_prefix="SORI_JOURNEY_"):
    """Every knob of this service. An unset one without a default stops the start."""

    watch_seconds: float = 0.5  # how often a followed timeline is looked at
