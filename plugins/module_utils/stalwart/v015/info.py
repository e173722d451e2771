# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_info`` on 0.15: the same facts under the same names as on 0.16."""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...mail import dkim
from ..driver import InfoAsk, no_info
from ..problem import host_name
from .client import RestClient
from .domains import ALGORITHMS
from .errors import ApiError
from .localkeys import PREFIX as LOCAL_KEYS
from .settings import host_of, running_issuer
from .special import Issuer
from .store import DEFAULT_DIRECTORY, PENDING, Store

#: What an authorization request is asked for; its one-time code is thrown away and expires after ten minutes (contract 2.5).
_AUTHORIZATION = {"type": "code", "client_id": "tenantmail", "redirect_uri": None}
#: Longest string of a TXT record (RFC 1035 section 3.3.14).
_STRING = 255


def gather(client: RestClient, ask: InfoAsk) -> dict[str, t.Any]:
    """The parts that were asked for; parts that were not are null or empty.

    :raises Failure: ``not_found`` for a domain that does not exist, ``timeout`` for keys that nobody has made.
    """
    info: dict[str, t.Any] = {**no_info(), "version": None}
    if "account" in ask.gather:
        info.update(_account(client))
    name = host_name(ask.domain) if ask.domain else None
    if "directory" in ask.gather or (name is None and ask.gather & {"domain", "dkim"}):
        stored = client.keys([DEFAULT_DIRECTORY, "report.domain"], ["directory", PENDING, LOCAL_KEYS])
        info["default_directory"] = _directory(Store(stored))
        if "directory" in ask.gather:
            info["running_issuer"] = running_issuer(Store(stored))
        name = name or stored.get("report.domain")
    if name and ask.gather & {"domain", "dkim"}:
        _domain_facts(client, ask, name, info)
    return info


def _domain_facts(client: RestClient, ask: InfoAsk, name: str, info: dict[str, t.Any]) -> None:
    records = _records(client, name)
    keys = _keys(name, records)
    # The server proposes records for any name; a name with a key has been a domain here.
    if "domain" in ask.gather or not keys:
        principal = _domain(client, name, asked=bool(ask.domain))
        if principal is None:
            return
        if "domain" in ask.gather:
            info["domain"] = _shown(principal, host_of(records), keys)
            info["zone_text"] = zone_text(records)
    if "dkim" in ask.gather:
        if ask.wait_dkim > 0 and not keys:
            raise Failure(
                "stalwart",
                "timeout",
                f"{name} has no DKIM key, and 0.15 makes none by itself.",
                hint="Give the domain to stalwart_settings (role server_settings), which makes them.",
            )
        info["dkim_keys"] = keys


def _account(client: RestClient) -> dict[str, t.Any]:
    data = client.post("/api/oauth", _AUTHORIZATION)
    if not isinstance(data, dict) or not isinstance(data.get("permissions"), list):
        raise Failure("stalwart", "protocol", f"POST {client.http.base_url}/api/oauth: unknown answer.")
    return {
        "edition": "enterprise" if data.get("isEnterprise") else "community",
        "permissions": sorted(str(name) for name in data["permissions"]),
        "version": data.get("version"),
    }


def _directory(store: Store) -> t.Optional[dict[str, t.Any]]:
    """The stored default directory, null for the internal one."""
    name = store.default_directory
    if name is None:
        return None
    kind = store.keys.get(f"directory.{name}.type", "")
    url = store.keys.get(f"directory.{name}.endpoint.url")
    return {
        "description": store.keys.get(f"directory.{name}.description") or name,
        "type": {"oidc": "Oidc", "ldap": "Ldap", "sql": "Sql"}.get(kind, kind),
        "issuer": Issuer().decode("url", {"url": url}) if url else None,
    }


def _domain(client: RestClient, name: str, *, asked: bool) -> t.Optional[dict[str, t.Any]]:
    try:
        data = client.get(f"/api/principal/{name}")
    except ApiError as error:
        if error.kind != "notFound":
            raise
        data = None
    if isinstance(data, dict) and data.get("type") == "domain":
        return data
    if asked:
        raise Failure(
            "stalwart",
            "not_found",
            f"the server has no domain {name}.",
            hint="Create it first (role server_settings, or stalwart_settings with domain).",
        )
    return None


def _records(client: RestClient, name: str) -> list[dict[str, str]]:
    data = client.get(f"/api/dns/records/{name}")
    if not isinstance(data, list) or not all(isinstance(entry, dict) for entry in data):
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/dns/records/{name}: unknown answer.")
    return [{key: str(entry.get(key) or "") for key in ("type", "name", "content")} for entry in data]


def zone_text(records: t.Iterable[t.Mapping[str, str]]) -> str:
    """The records as lines of a master file, as 0.16 gives them: TXT quoted and split (RFC 1035 section 5.1)."""
    lines = []
    for record in records:
        content = record["content"]
        if record["type"] == "TXT":
            escaped = [part.replace("\\", "\\\\").replace('"', '\\"') for part in _split(content)]
            content = " ".join(f'"{part}"' for part in escaped)
        lines.append(f"{record['name']} IN {record['type']} {content}")
    return "".join(f"{line}\n" for line in lines)


def _split(text: str) -> list[str]:
    return [text[start : start + _STRING] for start in range(0, len(text), _STRING)] or [""]


def _keys(domain: str, records: t.Iterable[t.Mapping[str, str]]) -> list[dict[str, t.Any]]:
    """The domain's signing keys from what it publishes. :raises Failure: ``protocol`` for a record that is no key."""
    suffix = f"._domainkey.{domain}."
    found = []
    for record in records:
        if record["type"] != "TXT" or not record["name"].endswith(suffix):
            continue
        try:
            algorithm = dkim.parse(record["content"]).key_type
        except dkim.KeyRecordError as exc:
            raise Failure("stalwart", "protocol", f"the server's DKIM record {record['name']}: {exc}.") from None
        found.append(
            {
                "selector": record["name"][: -len(suffix)],
                "name": record["name"].rstrip("."),
                "algorithm": algorithm,
                "stage": "active",
                "public_key_record": record["content"],
            }
        )
    return sorted(found, key=lambda key: (key["algorithm"], key["selector"]))


def _shown(
    principal: t.Mapping[str, t.Any], hostname: t.Optional[str], keys: t.Sequence[t.Mapping[str, t.Any]]
) -> dict[str, t.Any]:
    held = {key["algorithm"] for key in keys}
    algorithms = {name: True for name, (prefix, _api) in ALGORITHMS.items() if prefix in held}
    management = {"@type": "Automatic", "algorithms": algorithms} if algorithms else {"@type": "Manual"}
    return {
        "name": principal.get("name"),
        "description": principal.get("description") or None,
        "hostname": hostname,
        "aliases": {},
        "dkimManagement": management,
        "dnsManagement": {"@type": "Manual"},
        "certificateManagement": {"@type": "Manual"},
        "reportAddressUri": "mailto:postmaster",
        "catchAllAddress": None,
    }
