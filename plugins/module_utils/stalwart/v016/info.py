# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``stalwart_info`` on 0.16: what a server is and what its domain publishes."""

from __future__ import annotations

import time
import typing as t

from ...failure import Failure
from ...mail import dkim
from ..driver import InfoAsk, no_info
from ..problem import host_name
from .client import MAX_OBJECTS, Call, JmapClient
from .running import running_issuer
from .zonetext import dkim_values

#: ``k=`` of a DKIM record (RFC 6376, RFC 8463) by the signature's ``@type``.
ALGORITHMS = {
    "Dkim1Ed25519Sha256": "ed25519",
    "Dkim1RsaSha256": "rsa",
    "Dkim2Ed25519Sha256": "ed25519",
    "Dkim2RsaSha256": "rsa",
}
_KEY_PROPERTIES = ["@type", "domainId", "selector", "stage", "publicKey"]
_DOMAIN_PROPERTIES = [
    "name",
    "aliases",
    "description",
    "dkimManagement",
    "dnsManagement",
    "certificateManagement",
    "reportAddressUri",
    "catchAllAddress",
    "dnsZoneFile",
]
#: Seconds between two looks at keys that the server makes in the background.
_POLL = 0.5


def gather(client: JmapClient, ask: InfoAsk) -> dict[str, t.Any]:
    """The parts that were asked for; parts that were not are null or empty.

    :raises Failure: ``not_found`` for a domain that does not exist, ``timeout`` for keys that do not come.
    """
    info: dict[str, t.Any] = no_info()
    if "account" in ask.gather:
        info.update(_account(client))
    domain: t.Optional[dict[str, t.Any]] = None
    if ask.gather & {"domain", "dkim", "directory"}:
        domain, info["default_directory"], keys = _read(client, ask)
        if domain is not None and "dkim" in ask.gather:
            domain, keys = _await_keys(client, domain, keys, ask.wait_dkim)
            found = [_key(domain, key) for key in keys]
            info["dkim_keys"] = sorted(found, key=lambda key: (key["algorithm"], key["selector"]))
        if domain is not None and "domain" in ask.gather:
            info["zone_text"] = domain.get("dnsZoneFile")
            info["domain"] = {key: value for key, value in domain.items() if key not in ("id", "dnsZoneFile")}
    if "directory" in ask.gather:
        address = f"postmaster@{domain['name']}" if domain else "postmaster@localhost"
        info["running_issuer"] = running_issuer(client.http, address)
    return info


def _account(client: JmapClient) -> dict[str, t.Any]:
    account = client.http.json(client.http.request("GET", "/api/account"), dict)
    try:
        return {"edition": account.get("edition"), "permissions": sorted(account.get("permissions") or ())}
    except TypeError:
        raise Failure("stalwart", "protocol", f"GET {client.http.base_url}/api/account: unknown answer.") from None


def _results(client: JmapClient, calls: t.Sequence[Call]) -> list[dict[str, t.Any]]:
    results = []
    for (called, _arguments), (name, result) in zip(calls, client.call(calls)):
        if name == "error":
            code = "forbidden" if result.get("type") == "forbidden" else "protocol"
            why = client.http.redactor.body(str(result.get("description") or result.get("type")))
            raise Failure("stalwart", code, f"{called}: {why}.")
        results.append(result)
    return results


def _keys(index: int) -> list[Call]:
    """All DKIM keys, as call number ``index`` and the next one; they are few, and of which domain is seen then."""
    back = {"resultOf": str(index), "name": "x:DkimSignature/query", "path": "/ids"}
    return [
        ("x:DkimSignature/query", {"sort": [{"property": "id", "isAscending": True}], "limit": MAX_OBJECTS}),
        ("x:DkimSignature/get", {"#ids": back, "properties": _KEY_PROPERTIES}),
    ]


def _of(domain: t.Mapping[str, t.Any], keys: t.Iterable[t.Mapping[str, t.Any]]) -> list[t.Mapping[str, t.Any]]:
    return [key for key in keys if key.get("domainId") == domain["id"]]


_Read = t.Tuple[t.Optional[t.Dict[str, t.Any]], t.Optional[t.Dict[str, t.Any]], t.List[t.Mapping[str, t.Any]]]


def _read(client: JmapClient, ask: InfoAsk) -> _Read:
    """The domain that was asked for (or the default one), the stored default directory, and the domain's keys."""
    calls: list[Call] = [
        ("x:SystemSettings/get", {"ids": ["singleton"], "properties": ["defaultDomainId", "defaultHostname"]}),
        ("x:Authentication/get", {"ids": ["singleton"], "properties": ["directoryId"]}),
        ("x:Directory/get", {"ids": None}),
        *_keys(3),
    ]
    # Settings that were never written name a domain that cannot exist (contract 1.6), and nothing is found.
    back = {"resultOf": "0", "name": "x:SystemSettings/get", "path": "/list/*/defaultDomainId"}
    if ask.domain:
        back = {"resultOf": str(len(calls)), "name": "x:Domain/query", "path": "/ids"}
        calls.append(("x:Domain/query", {"filter": {"name": host_name(ask.domain)}, "limit": 2}))
    calls.append(("x:Domain/get", {"#ids": back, "properties": _DOMAIN_PROPERTIES}))
    results = _results(client, calls)
    system = (results[0].get("list") or [{}])[0]
    directory = _directory((results[1].get("list") or [{}])[0], results[2].get("list") or [])
    listed = results[-1].get("list") or []
    domain = next((entry for entry in listed if not ask.domain or entry.get("name") == host_name(ask.domain)), None)
    if domain is None:
        if ask.domain:
            raise Failure(
                "stalwart",
                "not_found",
                f"the server has no domain {ask.domain}.",
                hint="Create it first (role server_settings, or stalwart_settings with domain).",
            )
        return None, directory, []
    domain = {**domain, "hostname": system.get("defaultHostname") or None}
    return domain, directory, _of(domain, results[4].get("list") or ())


def _directory(
    authentication: t.Mapping[str, t.Any], directories: t.Sequence[t.Mapping[str, t.Any]]
) -> t.Optional[dict[str, t.Any]]:
    """The stored default directory, null for the internal one."""
    wanted = authentication.get("directoryId")
    for entry in directories:
        if wanted and entry.get("id") == wanted:
            return {
                "description": entry.get("description"),
                "type": entry.get("@type"),
                "issuer": entry.get("issuerUrl"),
            }
    return None


def _await_keys(
    client: JmapClient, domain: dict[str, t.Any], keys: list[t.Mapping[str, t.Any]], seconds: float
) -> tuple[dict[str, t.Any], list[t.Mapping[str, t.Any]]]:
    """The domain and its keys; the keys of an automatic domain are made in the background (contract 4.2).

    :param seconds: how long to wait for an active key of every algorithm; 0 = not at all.
    :raises Failure: ``timeout`` naming the algorithms that have none.
    """
    management = domain.get("dkimManagement") or {}
    names = (management.get("algorithms") or {}) if management.get("@type") == "Automatic" else {}
    wanted = {ALGORITHMS[name] for name, on in names.items() if on and name in ALGORITHMS}
    end = time.monotonic() + seconds
    while seconds > 0:
        active = {ALGORITHMS.get(str(key.get("@type"))) for key in keys if key.get("stage") == "active"}
        missing = sorted(wanted - active)
        if not missing:
            break
        if time.monotonic() >= end:
            raise Failure(
                "stalwart",
                "timeout",
                f"{domain['name']} has no active DKIM key for {', '.join(missing)} after {seconds:g} s.",
                hint="The server makes them in the background; look at its log, then run again.",
            )
        # Awaited with a deadline: nothing announces a finished task.
        time.sleep(min(_POLL, max(0.0, end - time.monotonic())))
        zone = ("x:Domain/get", {"ids": [domain["id"]], "properties": ["dnsZoneFile"]})
        _query, got, again = _results(client, [*_keys(0), zone])
        keys = _of(domain, got.get("list") or ())
        domain = {**domain, **(again.get("list") or [{}])[0]}
    return domain, keys


def _key(domain: t.Mapping[str, t.Any], key: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """A key with the TXT value to publish: the one of the zone text, which must carry the key the server signs with.

    :raises Failure: ``protocol`` when the two differ.
    """
    selector, algorithm = str(key.get("selector")), ALGORITHMS.get(str(key.get("@type")), "")
    name = f"{selector}._domainkey.{domain['name']}"
    try:
        # A key that the zone text does not list yet gets the form that it will have there (contract 4.2).
        composed = dkim.compose(algorithm, str(key.get("publicKey") or ""))
        held = dkim.parse(composed)
        values = dkim_values(str(domain.get("dnsZoneFile") or ""), name)
        record = next((text for text in values if dkim.parse(text).same_key(held)), None)
    except dkim.KeyRecordError as exc:
        raise Failure("stalwart", "protocol", f"the server's DKIM key {selector} of {domain['name']}: {exc}.") from None
    if values and record is None:
        raise Failure(
            "stalwart",
            "protocol",
            f"the zone text of {domain['name']} publishes another key for selector {selector} than the server holds.",
            hint="Two keys with one selector? Remove one of them.",
        )
    return {
        "selector": selector,
        "name": name,
        "algorithm": algorithm,
        "stage": key.get("stage"),
        "public_key_record": record or composed,
    }
