"""What runs on one machine: every service, its ports and its environment."""

import os
import secrets
import sys
from base64 import b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from sori_local import ports
from sori_local.ports import BASE_PORT, SERVICES, grpc_port, prefix, target
from sori_local.tokens import LocalIssuer

STORELESS = frozenset({"ingest", "classify", "console"})  # They have no database.
_SERVICE_TOKEN_DAYS = 365  # Signed anew at each start.


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service as it runs here."""

    name: str
    grpc_port: int
    metrics_port: int
    environment: Mapping[str, str]  # what only this service reads

    @property
    def target(self) -> str:
        """Where its gRPC API listens."""
        return f"127.0.0.1:{self.grpc_port}"

    @property
    def migrates(self) -> bool:
        """Say whether it has tables to bring up to date before it starts."""
        return self.name not in STORELESS

    @property
    def script(self) -> str:
        """Name of its console script."""
        return f"sori-{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A deployment on one machine, all of it under one folder."""

    folder: Path
    base_port: int
    services: tuple[Service, ...]
    nats_url: str
    postgres_url: str
    embeds_nats: bool  # False: the user's own server is used, and none is started
    embeds_postgres: bool
    durable: bool  # False: the broker syncs to disk every two minutes only
    environment: Mapping[str, str]  # what all services read

    @property
    def http_port(self) -> int:
        """Where the console's pages are."""
        return self.base_port

    @property
    def receiver_port(self) -> int:
        """Where the alert receiver listens."""
        return self.base_port + ports.RECEIVER

    @property
    def hooks_port(self) -> int:
        """Where ingest takes webhooks and tracking calls."""
        return self.base_port + ports.HOOKS

    @property
    def mail_port(self) -> int:
        """Where ingest takes mail."""
        return self.base_port + ports.MAIL

    @property
    def nats_port(self) -> int:
        """Where the embedded nats-server listens."""
        return self.base_port + ports.NATS

    @property
    def postgres_port(self) -> int:
        """Where the embedded Postgres listens."""
        return self.base_port + ports.POSTGRES

    @property
    def alerts(self) -> Path:
        """Where the alert receiver writes what it got, one JSON line an alert."""
        return self.folder / "alerts.jsonl"

    @property
    def webhook_secret(self) -> Path:
        """The file with the secret that signs alerts."""
        return self.folder / "secrets" / "webhook"

    def ports(self) -> dict[int, str]:
        """Name whatever listens, by port."""
        named = {self.receiver_port: "alert-receiver"}
        for service in self.services:
            named[service.grpc_port] = service.name
            named[service.metrics_port] = f"{service.name} (metrics)"
            if service.name == "console":
                named[self.http_port] = "console (HTTP)"
            if service.name == "ingest":
                named[self.hooks_port] = "ingest (HTTP)"
                named[self.mail_port] = "ingest (SMTP)"
        if self.embeds_nats:
            named[self.nats_port] = "nats"
        if self.embeds_postgres:
            named[self.postgres_port] = "postgres"
        return named

    def environ(self) -> dict[str, str]:
        """Give everything that a process here is started with; what the user has set wins, but for ports."""
        made = dict(self.environment)
        for service in self.services:
            made |= service.environment
        users = {
            name: value for name, value in os.environ.items() if name.startswith("SORI_") and not name.endswith("_PORT")
        }
        rest = {name: value for name, value in os.environ.items() if not name.startswith("SORI_")}
        return {**rest, **made, **users}


def home() -> Path:
    """Find the folder with models, lexicons and policies: `SORI_HOME`, this checkout, or what was installed."""
    checkout = Path(__file__).resolve().parents[4]
    if given := os.environ.get("SORI_HOME"):
        return Path(given)
    return checkout if (checkout / "services").is_dir() else Path(sys.prefix) / "share" / "sori"


def model() -> Path:
    """Find the model that reads texts unless the user names another."""
    return home() / "services" / "classify" / "models" / "sori-small-2"


def lexicons() -> Path:
    """Find the word lists of topics and urgency."""
    return home() / "services" / "classify" / "lexicons"


def make(folder: Path, *, base_port: int = BASE_PORT, only: Collection[str] = SERVICES, durable: bool = True) -> Plan:
    """Plan a deployment under a folder; its secrets and tokens are made there, once."""
    folder = folder.resolve()
    if unknown := set(only) - set(SERVICES):
        raise ValueError(f"no such service: {', '.join(sorted(unknown))}; there are {', '.join(SERVICES)}")
    nats_url = os.environ.get("SORI_NATS_URL", "")
    postgres_url = os.environ.get("SORI_POSTGRES_URL", "")
    issuer = LocalIssuer(folder / "issuer")
    shared = {
        "SORI_NATS_URL": nats_url or f"nats://127.0.0.1:{base_port + ports.NATS}",
        "SORI_POSTGRES_URL": postgres_url or f"postgresql://postgres@127.0.0.1:{base_port + ports.POSTGRES}",
        "SORI_JWKS": str(issuer.jwks),
        "SORI_BROKER_SYNCS": str(durable),
        "SORI_LOCAL_FOLDER": str(folder),  # By it a later start recognises what an earlier one left behind.
    }
    return Plan(
        folder=folder,
        base_port=base_port,
        services=tuple(_service(name, folder, base_port, issuer) for name in SERVICES if name in only),
        nats_url=shared["SORI_NATS_URL"],
        postgres_url=shared["SORI_POSTGRES_URL"],
        embeds_nats=not nats_url,
        embeds_postgres=not postgres_url,
        durable=durable,
        environment=shared,
    )


def _service(name: str, folder: Path, base_port: int, issuer: LocalIssuer) -> Service:
    port = grpc_port(name, base_port)
    metrics_port = port + ports.METRICS
    own = {
        "GRPC_PORT": str(port),
        "METRICS_PORT": str(metrics_port),
        **_own(name, folder, base_port, issuer),
    }
    return Service(
        name=name,
        grpc_port=port,
        metrics_port=metrics_port,
        environment={f"{prefix(name)}{setting}": value for setting, value in own.items()},
    )


def _own(name: str, folder: Path, base_port: int, issuer: LocalIssuer) -> dict[str, str]:
    """Give the settings that one service has beyond those of all."""
    if name == "ingest":
        return {
            "HTTP_PORT": str(base_port + ports.HOOKS),
            "SMTP_PORT": str(base_port + ports.MAIL),
            "SOURCES_PATH": str(home() / "deploy" / "local" / "policies" / "sources.yaml"),
            **_answers(folder, base_port, issuer, "ingest"),
        }
    if name == "classify":
        return {"MODEL_PATH": str(model()), "LEXICON_PATH": str(lexicons())}
    if name == "journey":
        policies = home() / "deploy" / "local" / "policies"
        return {f"{each.upper()}_PATH": str(policies / f"{each}.yaml") for each in ("identity", "stages", "segments")}
    if name == "notify":
        secret = _secret(folder / "secrets" / "webhook", "whsec_" + b64encode(secrets.token_bytes(32)).decode())
        return {
            "POLICY_PATH": str(home() / "deploy" / "local" / "policies" / "sla.yaml"),
            "WEBHOOK_URL": f"http://127.0.0.1:{base_port + ports.RECEIVER}/alerts",
            "WEBHOOK_SECRET_FILE": str(secret),
            "LINK_URL": f"http://127.0.0.1:{base_port}/take?link=",
            "LINK_SECRET_FILE": str(_secret(folder / "secrets" / "link", secrets.token_hex(32))),
            **_answers(folder, base_port, issuer, "notify"),
        }
    if name == "insight":
        return _answers(folder, base_port, issuer, "insight")
    if name == "ee-feedback":
        return {
            "CLASSIFY_TARGET": target("classify", base_port),
            "SERVICE_TOKEN_FILE": str(_service_token(folder, issuer, "ee-feedback", "ingest.write")),
            "SECRET_FILE": str(_secret(folder / "secrets" / "ee-feedback", secrets.token_hex(32))),
        }
    if name == "console":
        return {
            "SERVICE_TOKEN_FILE": str(_service_token(folder, issuer, "console", "cx.act")),
            "HTTP_PORT": str(base_port),
            "INSIGHT_TARGET": target("insight", base_port),
            "NOTIFY_TARGET": target("notify", base_port),
        }
    return {}


def _answers(folder: Path, base_port: int, issuer: LocalIssuer, service: str) -> dict[str, str]:
    """Let a service tell journey of what it has erased."""
    return {
        "JOURNEY_TARGET": target("journey", base_port),
        "SERVICE_TOKEN_FILE": str(_service_token(folder, issuer, service, "admin")),
    }


def _service_token(folder: Path, issuer: LocalIssuer, service: str, role: str) -> Path:
    """Sign anew the token with which a service calls others."""
    token = folder / "secrets" / f"{service}-token"
    token.unlink(missing_ok=True)
    return _secret(token, issuer.token([role], subject=service, days=_SERVICE_TOKEN_DAYS))


def _secret(path: Path, value: str) -> Path:
    """Write a secret that only this user can read, unless it is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        with open(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "w") as file:
            file.write(value)
    return path
