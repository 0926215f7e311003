"""Who is calling, and whether they may."""

import asyncio
import contextvars
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, KeySetSerialization

from sori.access.v1 import access_pb2
from sori_kit.settings import KitSettings

log = structlog.get_logger()

_ALGORITHMS = ["ES256", "RS256", "PS256"]
_REFETCH_SECONDS = 30  # An unknown key id asks the issuer again at most this often.
_CACHE_SIZE = 10_000  # tokens
_OPEN = ("/grpc.health.v1.Health/", "/grpc.reflection.v1alpha.ServerReflection/")  # Infrastructure's own.


class Unauthenticated(Exception):
    """There is no token, or it does not hold."""


class Forbidden(Exception):
    """The token holds, but none of its roles is enough."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller whose token holds."""

    subject: str
    roles: frozenset[str]  # as in a token: `cx.read`
    token: str  # To call another service on the caller's behalf; never logged.


_caller: contextvars.ContextVar[Principal] = contextvars.ContextVar("caller")


def caller() -> Principal:
    """Give the principal of the running call."""
    return _caller.get()


def enter(principal: Principal) -> None:
    """Make `principal` the caller for the rest of this task."""
    _caller.set(principal)


def role_name(role: int) -> str:
    """Spell a role as tokens do: ROLE_CX_READ is `cx.read`."""
    return access_pb2.Role.Name(access_pb2.Role.ValueType(role)).removeprefix("ROLE_").lower().replace("_", ".")


ROLES = frozenset(role_name(value) for value in access_pb2.Role.values() if value)


def required_roles(method: MethodDescriptor) -> frozenset[str]:
    """Read the roles that an RPC declares in its proto; one that declares none is an error."""
    roles = frozenset(map(role_name, method.GetOptions().Extensions[access_pb2.access].any_of))
    if not roles:
        raise TypeError(f"{method.full_name} declares no roles: set option (sori.access.v1.access)")
    return roles


def policy(services: Mapping[str, ServiceDescriptor]) -> dict[str, frozenset[str]]:
    """Map each method's path to the roles of which a caller needs one."""
    return {
        f"/{name}/{method.name}": required_roles(method)
        for name, service in services.items()
        for method in service.methods
    }


def is_open(path: str) -> bool:
    """Say whether a method needs no token: health and reflection."""
    return path.startswith(_OPEN)


class Verifier:
    """Checks tokens (JWT, RFC 7519) against the issuer's key set (JWKS, RFC 7517)."""

    def __init__(self, settings: KitSettings) -> None:
        self._where = settings.jwks
        self._claims = jwt.JWTClaimsRegistry(
            iss={"essential": True, "value": settings.jwt_issuer},
            aud={"essential": True, "value": settings.jwt_audience},
            sub={"essential": True},
            exp={"essential": True},
        )
        self._keys = KeySet([])
        self._fetched = float("-inf")  # monotonic seconds
        self._known: dict[str, tuple[Principal, float]] = {}
        self._fetching = asyncio.Lock()

    async def start(self) -> None:
        """Fetch the key set; without one nobody can call, so this fails loudly."""
        if not self._where:
            raise ValueError("SORI_JWKS is not set: give the path or https address of the issuer's key set")
        await self._fetch()

    async def _fetch(self) -> None:
        async with self._fetching:
            if time.monotonic() - self._fetched < _REFETCH_SECONDS:
                return
            if self._where.startswith(("http://", "https://")):
                text = await _get(self._where)
            else:
                text = await asyncio.to_thread(Path(self._where).read_text)
            self._keys = KeySet.import_key_set(_key_set(text))
            self._fetched = time.monotonic()

    async def verify(self, token: str) -> Principal:
        """Check a token; one that does not hold is Unauthenticated."""
        known = self._known.get(token)
        if known and known[1] > time.time():
            return known[0]
        try:
            claims = self._decode(token)
        except (JoseError, ValueError):
            try:  # The issuer may have a new key.
                await self._fetch()
                claims = self._decode(token)
            except (JoseError, ValueError, OSError) as error:
                raise Unauthenticated("the token does not hold") from error
        roles = claims.get("roles")
        if not isinstance(roles, list):
            raise Unauthenticated("the token has no claim `roles`")
        principal = Principal(str(claims["sub"]), frozenset(map(str, roles)), token)
        if len(self._known) >= _CACHE_SIZE:
            self._known.clear()
        self._known[token] = (principal, float(str(claims["exp"])))
        return principal

    def _decode(self, token: str) -> dict[str, object]:
        decoded = jwt.decode(token, self._keys, algorithms=_ALGORITHMS)
        self._claims.validate(decoded.claims)
        return dict(decoded.claims)

    async def authenticate(self, authorization: str) -> Principal:
        """Check an `Authorization: Bearer …` value."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("give a token as `authorization: Bearer …`")
        return await self.verify(token.strip())


def authorise(principal: Principal, roles: frozenset[str]) -> None:
    """Let the caller pass if one of their roles is among `roles`."""
    if not principal.roles & roles:
        raise Forbidden(f"needs one of the roles {', '.join(sorted(roles))}")


async def _get(url: str) -> str:
    import httpx  # Only for those whose issuer is reached over HTTP.

    try:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(url)).raise_for_status().text
    except httpx.HTTPError as error:
        raise OSError(f"the key set at {url} cannot be fetched: {error}") from error


def _key_set(text: str) -> KeySetSerialization:
    keys = json.loads(text)
    if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list) or not keys["keys"]:
        raise ValueError("SORI_JWKS does not lead to a key set: an object with a list `keys` that is not empty")
    return {"keys": keys["keys"]}
