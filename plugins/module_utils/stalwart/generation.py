# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One authenticated ``GET /api/schema`` tells generation, schema and whether the credential works (design 6)."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from ..failure import Failure
from ..http_client import HttpClient
from .v016.cache import is_hash

GENERATIONS = ("0.15", "0.16")


class Probe(t.NamedTuple):
    """:param generation: ``0.15`` or ``0.16``. :param schema_hash: of a 0.16 server, else empty."""

    generation: str
    schema_hash: str = ""

    def told(self, http: HttpClient) -> dict[str, str]:
        """What a result tells of it, for later tasks of the same run to believe."""
        return {"server": http.base_url, "generation": self.generation, "schema_hash": self.schema_hash}


def probe(http: HttpClient, override: t.Optional[str] = None, told: t.Optional[t.Mapping[str, t.Any]] = None) -> Probe:
    """Ask the server what it is.

    :param override: the generation that the user names; another one is a failure.
    :param told: what an earlier task of the run found (:meth:`Probe.told`). At the same address it is believed without
        a request; a wrong credential then shows at the first read.
    :raises Failure: ``unauthorized`` at the first 401 (the server counts and bans), ``forbidden``,
        ``unknown_generation`` naming what was seen, ``protocol``; ``invalid_value`` for a hash that is none.
    """
    found = _believed(http, told) if told else None
    if found is None:
        found = _asked(http)
    if override and override != found.generation:
        raise Failure(
            "stalwart",
            "unknown_generation",
            f"{http.base_url} speaks the API of {found.generation}, but generation {override} was asked for.",
            hint="Correct tenant_generation, or leave the option out.",
        )
    return found


def _believed(http: HttpClient, told: t.Mapping[str, t.Any]) -> t.Optional[Probe]:
    if told.get("server") != http.base_url:
        return None
    found = Probe(str(told.get("generation")), str(told.get("schema_hash") or ""))
    # The hash becomes a file's name and part of a URL.
    if found.generation == "0.16" and not is_hash(found.schema_hash):
        raise Failure(
            "stalwart",
            "invalid_value",
            f"probe.schema_hash {found.schema_hash[:80]!r} is no hash of a schema.",
            hint="Give the return value probe of an earlier task as it is, or leave the option out.",
        )
    return found


def _asked(http: HttpClient) -> Probe:
    response = http.request("GET", "/api/schema", expected=(302, 404))
    if response.status_code == 302:
        return Probe("0.16", _hash_of(http, response.headers.get("Location", "")))
    principal = http.request("GET", "/api/principal", expected=(200, 400, 403, 404))
    if principal.status_code == 404:
        raise Failure(
            "stalwart",
            "unknown_generation",
            f"{http.base_url} is no Stalwart that is known here: /api/schema and /api/principal both answered 404.",
            hint=f"Check the address; known generations are {' and '.join(GENERATIONS)}.",
        )
    return Probe("0.15")


def _hash_of(http: HttpClient, location: str) -> str:
    """The schema's hash from the redirect; the redirect itself is followed by own code, on the same origin only."""
    target = urlsplit(location)
    own = urlsplit(http.base_url)
    schema_hash = target.path.rsplit("/", 1)[-1]
    foreign = target.netloc and (target.scheme, target.netloc) != (own.scheme, own.netloc)
    if foreign or not target.path.startswith("/api/schema/") or not is_hash(schema_hash):
        raise Failure(
            "stalwart",
            "protocol",
            f"GET {http.base_url}/api/schema leads to {location[:120]!r}, which is no schema of this server.",
            hint="Something between here and the server rewrites answers, or the address is another service's.",
        )
    return schema_hash
