"""Links with which somebody who was told can take a case, signed and only for a while."""

import datetime as dt
import uuid
from dataclasses import dataclass

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

from sori_kit.errors import InvalidInput

_ALGORITHM = "HS256"
_AUDIENCE = "sori-acknowledge"


@dataclass(frozen=True, slots=True)
class Claim:
    """Who takes which case."""

    case_id: uuid.UUID
    target: str


class Links:
    """Makes and reads links; without an address or a secret it makes none and reads none."""

    def __init__(self, url: str, secret: str, *, lifetime: dt.timedelta) -> None:
        self._url = url
        self._key = OctKey.import_key(secret) if secret else None
        self._lifetime = lifetime

    def make(self, case_id: uuid.UUID, target: str, *, now: dt.datetime) -> str:
        """Give the link with which a target takes a case; empty where there are none."""
        if self._key is None or not self._url:
            return ""
        claims = {
            "aud": _AUDIENCE,
            "sub": str(case_id),
            "target": target,
            "exp": int((now + self._lifetime).timestamp()),
        }
        return self._url + jwt.encode({"alg": _ALGORITHM}, claims, self._key, algorithms=[_ALGORITHM])

    def read(self, token: str, *, now: dt.datetime) -> Claim:
        """Read the token of a link; one that was forged or is over is InvalidInput."""
        if self._key is None:
            raise InvalidInput.of_field("token", "cannot be checked: this service signs no links")
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM]).claims
            case_id, target, until = uuid.UUID(claims["sub"]), str(claims["target"]), int(claims["exp"])
            genuine = claims.get("aud") == _AUDIENCE
        except (JoseError, KeyError, TypeError, ValueError):
            raise InvalidInput.of_field("token", "was not made by this service") from None
        if not genuine:
            raise InvalidInput.of_field("token", "was not made by this service")
        if now.timestamp() >= until:
            raise InvalidInput.of_field("token", "is over: open the case instead")
        return Claim(case_id, target)
