# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PowerDNS's HTTP API, authoritative server 4.6 and newer: one zone in, one PATCH out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import typing as t
from urllib.parse import urlsplit, urlunsplit

from ..failure import Failure
from ..http_client import HttpClient
from ..redact import check_secret
from .rrset import NormalFormError, canonical_name

DEFAULT_SERVER_ID = "localhost"
#: PowerDNS refuses a body over `webserver-max-bodysize`, by default 2 MiB; what is left is room for the envelope.
MAX_BODY = 1_900_000

_API_PATH = re.compile(r"(?P<prefix>.*?)/api(?:/v1(?:/servers(?:/(?P<server>[^/]+))?)?)?\Z")
_SERVER_ID = re.compile(r"[A-Za-z0-9._-]+\Z")
_HEADER_VALUE = re.compile(r"[!-~]+\Z")


@dataclasses.dataclass(frozen=True)
class Comment:
    """One comment of an RRset, as the API holds it."""

    account: str
    content: str
    modified_at: int | None = None

    def as_wire(self) -> dict[str, t.Any]:
        wire: dict[str, t.Any] = {"account": self.account, "content": self.content}
        if self.modified_at is not None:
            wire["modified_at"] = self.modified_at
        return wire


@dataclasses.dataclass(frozen=True)
class StoredRRset:
    """An RRset as the server stores it.

    :param records: the server's own texts (not yet in normal form) and whether each is disabled.
    """

    name: str
    type: str
    ttl: int
    records: tuple[tuple[str, bool], ...]
    comments: tuple[Comment, ...] = ()


ItemT = t.TypeVar("ItemT")

#: A zone's RRsets that hold records, by name (lower case) and type.
Zone = t.Dict[t.Tuple[str, str], StoredRRset]


def api_base(api_url: str, server_id: str | None) -> tuple[str, str]:
    """The URL in front of ``/api/v1`` and the server's id.

    :param api_url: with or without ``/api``, ``/api/v1`` or ``/api/v1/servers/<id>`` at its end.
    :raises Failure: ``invalid_value`` for anything that is no such URL, or an id that contradicts the URL's.
    """
    # A password in the URL must not come back in the message.
    if "@" in api_url.split("//", 1)[-1].split("/", 1)[0]:
        raise _invalid(
            "api_url holds a user or password; accepted is http(s)://host[:port][/path]", "Give api_key instead."
        )
    try:
        parts = urlsplit(api_url)
        port_is_valid = parts.port != 0
    except ValueError:
        parts, port_is_valid = urlsplit(""), False
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or not port_is_valid
        or parts.query
        or parts.fragment
    ):
        raise _invalid(
            f"api_url {api_url!r} is not accepted; accepted is http(s)://host[:port], with or without /api, /api/v1 or"
            " /api/v1/servers/<id>",
            "",
        )
    path = parts.path.rstrip("/")
    match = _API_PATH.match(path)
    named = match.group("server") if match else None
    if named and server_id and named != server_id:
        raise _invalid(
            f"server_id {server_id!r} contradicts api_url {api_url!r}, which names {named!r}", "Give one of both."
        )
    server = server_id or named or DEFAULT_SERVER_ID
    if not _SERVER_ID.match(server):
        raise _invalid(f"server_id {server!r} is not accepted; accepted are letters, digits, '.', '_' and '-'", "")
    return urlunsplit((parts.scheme, parts.netloc, match.group("prefix") if match else path, "", "")), server


def check_api_key(api_key: str) -> str:
    """Refuse a key that cannot be masked or cannot be sent.

    :raises Failure: ``invalid_value``, never with the key.
    """
    check_secret("powerdns", "api_key", api_key)
    if not _HEADER_VALUE.match(api_key):
        # Checked here because requests quotes the value in its own error.
        raise _invalid("api_key holds a blank, a line break or a character outside ASCII, which no header carries", "")
    return api_key


def _invalid(message: str, hint: str) -> Failure:
    return Failure("powerdns", "invalid_value", f"{message}.", hint=hint)


def zone_id(zone: str) -> str:
    """The id of a zone in URLs: PowerDNS writes everything but letters, digits, ``.`` and ``-`` as ``=XX``."""
    return "".join(c if c.isalnum() or c in ".-" else "".join(f"={octet:02X}" for octet in c.encode()) for c in zone)


class PowerDnsClient:
    """One authoritative server.

    :param api_url: see :func:`api_base`.
    :param server_id: ``localhost`` unless the URL names another.
    :param ca_path: PEM file of a private CA.
    """

    def __init__(self, api_url: str, api_key: str, server_id: str | None = None, ca_path: str | None = None) -> None:
        base, server = api_base(api_url, server_id)
        check_api_key(api_key)
        self.server_id = server
        self.http = HttpClient(
            "powerdns",
            f"{base}/api/v1/servers/{server}",
            headers={"X-API-Key": api_key},
            ca_path=ca_path,
            secrets=[api_key],
            hints={"unauthorized": "Check the API key (platform_powerdns_api_key)."},
        )

    @property
    def requests(self) -> int:
        """Requests made so far."""
        return self.http.requests

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def check_access(self) -> None:
        """Make sure that the server is there and takes the key.

        :raises Failure: ``not_found`` when there is no server with this id, ``unauthorized``, ``unreachable``.
        """
        if self.http.request("GET", "", expected=(200, 404)).status_code == 404:
            raise Failure(
                "powerdns",
                "not_found",
                f"{self.http.base_url} is no PowerDNS server.",
                hint="Check the API's URL and the server id (platform_powerdns_url, platform_powerdns_server_id).",
                request={"method": "GET", "url": self.http.base_url, "status": 404},
            )

    def zone(self, zone: str) -> Zone | None:
        """The zone's RRsets, or none when the zone does not exist.

        One request for the whole zone: the API's filters take one name per request, and before 4.8 the answer carries
        the comments of all RRsets whatever the filter (5,000 tenants with eight RRsets each: 11 MB in 0.8 s).

        :param zone: canonical name.
        :raises Failure: also ``not_found`` when there is no server with this id.
        """
        response = self.http.request("GET", f"/zones/{zone_id(zone)}", expected=(200, 404))
        if response.status_code == 404:
            # A wrong server id or a path that is no API answers 404 as well.
            self.check_access()
            return None
        document = self.http.json(response, dict)
        try:
            return parse_zone(document)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Failure(
                "powerdns",
                "protocol",
                f"GET {self.http.base_url}/zones/{zone_id(zone)}: the answer is no zone of PowerDNS's API.",
                hint="Check that the URL is PowerDNS's API (authoritative server, 4.6 or newer).",
            ) from None

    def patch(self, zone: str, rrsets: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Apply RRset changes; PowerDNS takes a PATCH as a whole or not at all.

        :raises Failure: ``invalid_value`` when the server refuses an RRset, or as :meth:`HttpClient.request`.
        """
        # REPLACE and DELETE say what shall be, so sending them again after a lost answer is safe.
        self.http.request(
            "PATCH", f"/zones/{zone_id(zone)}", json={"rrsets": list(rrsets)}, expected=(204,), idempotent=True
        )


def parse_zone(document: t.Mapping[str, t.Any]) -> Zone:
    """A zone document's RRsets; one without records (a comment alone) is no RRset."""
    zone: Zone = {}
    for item in document["rrsets"]:
        records = item["records"]
        if not records:
            continue
        stored = StoredRRset(
            name=str(item["name"]),
            type=str(item["type"]),
            ttl=int(item["ttl"]),
            records=tuple((str(record["content"]), bool(record.get("disabled"))) for record in records),
            comments=tuple(
                Comment(str(c.get("account", "")), str(c.get("content", "")), c.get("modified_at"))
                for c in item.get("comments", ())
            ),
        )
        zone[_key(stored)] = stored
    return zone


def _key(stored: StoredRRset) -> tuple[str, str]:
    # Canonicalising every name of a large zone costs seconds; only names with escapes need it.
    name = stored.name.lower()
    if "\\" in name:
        with contextlib.suppress(NormalFormError):
            name = canonical_name(name)
    return name, stored.type


def split_bodies(
    items: t.Sequence[ItemT], body: t.Callable[[ItemT], t.Mapping[str, t.Any]], limit: int = MAX_BODY
) -> list[list[ItemT]]:
    """Cut RRset changes into parts whose PATCH stays below ``limit`` octets, in order.

    :param body: an item's RRset as the API takes it.
    """
    parts: list[list[ItemT]] = []
    size = limit
    for item in items:
        octets = len(json.dumps(body(item)).encode()) + 2
        if size + octets > limit:
            parts.append([])
            size = 0
        parts[-1].append(item)
        size += octets
    return parts
