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

if t.TYPE_CHECKING:
    from requests import Response

GENERATIONS = ("0.15", "0.16")
#: Schemas of the servers that this release was tested with. Another one only gives a warning: types and names come from
#: the server's own schema.
TESTED_SCHEMAS = {"25gnm1_xB9bPk-puX9VTFMP1W5V-1muUWuK964-_uEw": "0.16.18"}
#: What this release's own simulator of 0.16 serves: a part of the tested schema, so a sandbox warns of nothing.
SIMULATED_SCHEMA = "1T6lFQghGoyD9k4c3vd2OcCw4dYWbX10ImP3XYS3NBo"
_ANY = tuple(status for status in range(200, 500) if status not in (401, 402, 403, 429))


class Probe(t.NamedTuple):
    """:param generation: ``0.15`` or ``0.16``. :param schema_hash: of a 0.16 server, else empty.
    :param assumed: nobody has asked the server; its first answer must show it (:func:`refute`).
    """

    generation: str
    schema_hash: str = ""
    assumed: bool = False

    def warnings(self, http: HttpClient) -> list[str]:
        """What to tell of a server that this release was not tested with."""
        if self.generation != "0.16" or self.schema_hash in (*TESTED_SCHEMAS, SIMULATED_SCHEMA):
            return []
        tested = ", ".join(TESTED_SCHEMAS.values())
        return [
            f"{http.base_url} runs a version of Stalwart 0.16 that this release was not tested with ({tested} is; this"
            f" server's schema is {self.schema_hash}). Names and types are taken from the server itself, so what it"
            " accepts works; read the diff of --check --diff before the first run, or update the collection."
        ]

    def told(self, http: HttpClient) -> dict[str, str]:
        """What a result tells of it, for later tasks of the same run to believe."""
        return {"server": http.base_url, "generation": self.generation, "schema_hash": self.schema_hash}


def probe(
    http: HttpClient,
    override: t.Optional[str] = None,
    told: t.Optional[t.Mapping[str, t.Any]] = None,
    *,
    assume: bool = False,
) -> Probe:
    """Ask the server what it is.

    :param override: the generation that the user names; another one is a failure.
    :param assume: the caller reads from the server anyway. One of 0.15 has nothing more to tell than what the user says,
        so it is not asked: its first answer shows whether that is right.
    :param told: what an earlier task of the run found (:meth:`Probe.told`). At the same address it is believed without
        a request; a wrong credential then shows at the first read.
    :raises Failure: ``unauthorized`` at the first 401 (the server counts and bans), ``forbidden``,
        ``unknown_generation`` naming what was seen, ``protocol``; ``invalid_value`` for a hash that is none.
    """
    found = _believed(http, told) if told else None
    if found is None and assume and override == "0.15":
        return Probe("0.15", assumed=True)
    if found is None:
        found = _asked(http)
    if override and override != found.generation:
        raise _other(http, found.generation, override)
    return found


def refute(http: HttpClient, assumed: str, failure: Failure) -> Failure:
    """The failure to raise for one that a server gave whose generation was assumed: a path that is not there, or a page
    in the place of an answer, may mean that it is another server than the user says.
    """
    if failure.request is None or failure.request.get("status") not in (200, 404):
        return failure
    if failure.code not in ("not_found", "protocol"):
        return failure
    try:
        found = _asked(http)
    except Failure as unknown:
        return unknown
    return failure if found.generation == assumed else _other(http, found.generation, assumed)


def _other(http: HttpClient, found: str, asked: str) -> Failure:
    return Failure(
        "stalwart",
        "unknown_generation",
        f"{http.base_url} speaks the API of {found}, but generation {asked} was asked for.",
        hint="Correct the option generation (for the roles tenant_generation), or leave it out.",
    )


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
    response = http.request("GET", "/api/schema", expected=_ANY)
    if response.status_code == 302:
        return Probe("0.16", _hash_of(http, response.headers.get("Location", "")))
    if response.status_code == 404 and _is_problem(response):
        # 0.15 knows no such path below /api and says so in its own form (contract of 0.15, 2.1).
        return Probe("0.15")
    seen = f"GET /api/schema answered HTTP {response.status_code} ({_kind(response)})"
    if response.status_code == 404:
        # Something in front may have changed the body of the error; an answer to what only 0.15 has settles it.
        asked = http.request("GET", "/api/settings/keys", params={"keys": "version.spam-filter"}, expected=_ANY)
        if asked.status_code == 200 and _is_json(asked):
            return Probe("0.15")
        seen += f", GET /api/settings/keys HTTP {asked.status_code} ({_kind(asked)})"
    raise Failure(
        "stalwart",
        "unknown_generation",
        f"{http.base_url} is no Stalwart that is known here: {seen}.",
        hint=f"Check the address and what answers in front of it; known generations are {' and '.join(GENERATIONS)}.",
    )


def _kind(response: Response) -> str:
    return (response.headers.get("Content-Type") or "no content type").split(";")[0].strip()


def _is_problem(response: Response) -> bool:
    try:
        body = response.json()
    except ValueError:
        return False
    return (
        _kind(response) == "application/problem+json"
        and isinstance(body, dict)
        and body.get("type") == "about:blank"
        and body.get("status") == response.status_code
    )


def _is_json(response: Response) -> bool:
    try:
        return isinstance(response.json().get("data"), dict)
    except (ValueError, AttributeError):
        return False


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
