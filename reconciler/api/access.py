"""Who may do what, by the authorizer that a deployment names, as API Gateway tells it.

Nothing is open by itself: without an authorizer every request is refused, and one that comes
through a route on which somebody forgot it, too. With `iam`, the caller's policies on the routes
say what he may do; with `jwt`, the scopes of his token do.
HAZARD: whoever may invoke the function itself can claim to be anybody.
Source: API Gateway guide, "Control access to HTTP APIs with JWT authorizers", "... with IAM".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from reconciler.api.answers import Refused

Authorizer = Literal["none", "iam", "jwt"]
Right = Literal["read", "write", "conflicts", "events"]
RIGHTS: tuple[Right, ...] = ("read", "write", "conflicts", "events")
_BETWEEN_SCOPES = re.compile(r"[\s,\[\]]+")


@dataclass(frozen=True)
class Access:
    """What a deployment says: who tells callers apart, and what scopes begin with."""

    authorizer: Authorizer = "none"
    scope_prefix: str = "reconciler/"

    def check_open(self) -> None:
        """Refuse everybody while nobody tells callers apart."""
        if self.authorizer == "none":
            raise Refused("forbidden", "this API is closed until its deployment has an authorizer")

    def check(self, told: Mapping[str, Any], right: Right | None) -> None:
        """Refuse a caller without the right; None: whoever is known may do it."""
        self.check_open()
        if self.authorizer == "iam":
            if not _mapping(told, "iam").get("userArn"):
                raise Refused("forbidden", "sign the request with AWS Signature Version 4")
            return
        claims = _mapping(_mapping(told, "jwt"), "claims")
        if not claims:
            raise Refused("forbidden", "send a bearer token")
        wanted = {self.scope_prefix + each for each in RIGHTS if right in (None, each)}
        if not wanted & _scopes(claims):
            raise Refused("forbidden", f"the token needs the scope {' or '.join(sorted(wanted))}")


def _mapping(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _scopes(claims: Mapping[str, Any]) -> set[str]:
    texts = [claims.get("scope"), claims.get("scp")]
    listed = [" ".join(map(str, text)) if isinstance(text, list) else text for text in texts]
    return {
        word for text in listed if isinstance(text, str) for word in _BETWEEN_SCOPES.split(text)
    }
