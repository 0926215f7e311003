"""Settings of notify."""

import base64
import binascii
from pathlib import Path

from pydantic import Field, SecretStr, field_validator, model_validator

from sori_kit.settings import KitSettings
from sori_notify.settings import policies


class Settings(KitSettings, env_prefix="SORI_NOTIFY_"):
    """Every knob of this service. An unset one without a default stops the start."""

    policy_path: Path  # YAML file with the policies; a broken one stops the start
    policy_poll_seconds: float = Field(2.0, gt=0)  # how often the file is looked at for changes
    settle_seconds: float = Field(10.0, ge=0)  # how long a breach in history waits for an answer right behind it
    sweep_seconds: float = Field(0.25, gt=0)  # how often the tables are looked at for what is due
    lease_seconds: float = Field(60.0, gt=0)  # how far ahead a replica takes deadlines into memory
    grace_seconds: float = Field(2.0, gt=0)  # how late one may be before another replica takes it over
    rules_path: Path | None = None  # YAML; unset: `rules.yaml` beside the policies, where there is one; so the next
    chains_path: Path | None = None  # `chains.yaml`
    schedules_path: Path | None = None  # `schedules.yaml`
    targets_path: Path | None = None  # `targets.yaml`
    automation_path: Path | None = None  # `automation.yaml`
    history_days: float = Field(30.0, gt=0)  # how long rules can look back on touchpoints; without their words
    audit_seconds: float = Field(30.0, gt=0)  # how often chains are audited; later than that a step is overdue
    link_url: str = ""  # what links to take a case begin with; empty: messages have none
    link_secret: SecretStr = SecretStr("")  # signs them
    link_secret_file: Path | None = None  # a file with that secret
    link_hours: float = Field(24.0, gt=0)  # how long they hold
    journey_target: str = ""  # host:port of journey, which hears of erasures; empty: nobody does
    service_token_file: Path | None = None  # token with the role admin, with which this service calls journey
    erasure_settle_seconds: float = Field(90.0, ge=0)  # how long something erased may still be on its way
    answer_seconds: float = Field(1.0, gt=0)  # how often journey is told of what was erased
    webhook_url: str = ""  # where alerts go; empty: they stay pending
    webhook_name: str = "webhook"  # what the receiver is called in events, never its address
    webhook_secret: SecretStr = SecretStr("")  # signs alerts: base64, `whsec_` before it or not
    webhook_secret_file: Path | None = None  # a file with that secret
    webhook_seconds: float = Field(10.0, gt=0)  # longest that one attempt may take
    webhook_at_once: int = Field(8, ge=1, le=100)  # attempts under way at a time
    retry_seconds: float = Field(2.0, gt=0, le=600)  # after the first failed attempt; doubles each time
    attempts: int = Field(12, ge=1, le=30)  # with two seconds first: about an hour

    @field_validator("policy_path")
    @classmethod
    def _holds_policies(cls, path: Path) -> Path:
        try:
            policies.load(path)
        except policies.PolicyRefused as refused:
            raise ValueError(str(refused)) from None
        return path

    @model_validator(mode="after")
    def _can_sign(self) -> "Settings":
        if self.webhook_url:
            secret = self.secret()
            if not secret:
                raise ValueError("webhook_url needs a webhook_secret or webhook_secret_file to sign with")
            try:
                base64.b64decode(secret.removeprefix("whsec_") + "==", validate=False)
            except binascii.Error:
                raise ValueError("the webhook secret is not base64") from None
        return self

    def secret(self) -> str:
        """Give the secret that signs alerts, or nothing."""
        if self.webhook_secret_file is not None:
            return self.webhook_secret_file.read_text().strip()
        return self.webhook_secret.get_secret_value().strip()

    def link_key(self) -> str:
        """Give the secret that signs links, or nothing."""
        if self.link_secret_file is not None:
            return self.link_secret_file.read_text().strip()
        return self.link_secret.get_secret_value().strip()

    def beside(self, given: Path | None, name: str) -> Path | None:
        """Give a file that was named, or the one of that name beside the policies where there is one."""
        if given is not None:
            return given
        found = self.policy_path.parent / name
        return found if found.exists() else None
