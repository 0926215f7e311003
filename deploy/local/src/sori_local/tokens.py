"""A local key that signs tokens, for one machine and for tests; anywhere else an issuer does that."""

import json
import time
from collections.abc import Iterable
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from sori_kit.auth import ROLES

ISSUER = "sori-local"
AUDIENCE = "sori"
_KEY_ID = "local"


class LocalIssuer:
    """Signs tokens with a key that it keeps in a folder."""

    def __init__(self, folder: Path) -> None:
        self._private = folder / "key.json"
        self.jwks = folder / "jwks.json"
        folder.mkdir(parents=True, exist_ok=True)
        if not self._private.exists():
            key = ECKey.generate_key("P-256", {"kid": _KEY_ID, "alg": "ES256", "use": "sig"}, private=True)
            self._private.touch(mode=0o600)
            self._private.write_text(json.dumps(key.as_dict(private=True)))
            self.jwks.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
        self._key = ECKey.import_key(json.loads(self._private.read_text()))

    def token(self, roles: Iterable[str], *, subject: str, days: float = 30) -> str:
        """Sign a token for a subject; a role that does not exist is refused."""
        roles = sorted(roles)
        if unknown := set(roles) - ROLES:
            raise ValueError(f"no such role: {', '.join(sorted(unknown))}; there are {', '.join(sorted(ROLES))}")
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "roles": roles,
            "iat": now,
            "exp": now + int(days * 86_400),
        }
        return jwt.encode({"alg": "ES256", "kid": _KEY_ID}, claims, self._key)
