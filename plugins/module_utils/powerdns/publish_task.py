# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``dns_publish``: what all tenants offer, published by one call of ``powerdns_rrset``'s task for each server.

It runs once for all, and a failure would be everybody's. So it never fails: whatever goes wrong is an outcome of the hosts
concerned, and ``dns_outcome`` makes it each host's own failure.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from ..failure import Failure
from ..shell import with_env
from .argspec import POWERDNS_RRSET
from .task import run as publish

#: No options: the offers are variables of the hosts, and a template that fails here would fail for everybody.
SPEC: dict[str, t.Any] = {}

Offer = t.Mapping[str, t.Any]


def run(
    params: t.Mapping[str, t.Any], *, check_mode: bool, offers: t.Mapping[str, Offer] | None = None
) -> dict[str, t.Any]:
    """The result of action dns_publish.

    :param offers: inventory host → ``rrsets``, ``server`` (connection options of ``powerdns_rrset``) and ``api_key``, or
        ``error``, a sentence, when they could not be read.
    :returns: ``outcomes`` by host; a host that offers nothing has none.
    """
    del params
    outcomes: dict[str, t.Any] = {}
    valid: list[tuple[str, dict[str, t.Any]]] = []
    for host, offer in (offers or {}).items():
        try:
            if offer.get("error"):
                raise _unexpected(offer["error"])
            if offer.get("rrsets"):
                valid.append((host, _validated(offer)))
        except Failure as exc:
            outcomes[host] = _failed(exc)
        except Exception as exc:
            outcomes[host] = _failed(_unexpected(f"the offer cannot be used: {type(exc).__name__}: {exc}"))
    requests = 0
    for members in _by_server(valid):
        shares, made = _publish(members, check_mode)
        outcomes.update(shares)
        requests += made
    keys = {params["api_key"] for _host, params in valid if params["api_key"]}
    keys |= {str(offer["api_key"]) for offer in (offers or {}).values() if offer.get("api_key")}
    return remove_values({"changed": False, "outcomes": outcomes, "requests": requests}, keys)


def _validated(offer: Offer) -> dict[str, t.Any]:
    given = {name: value for name, value in offer["server"].items() if value is not None}
    given.update(rrsets=offer["rrsets"], on_conflict="report")
    if offer.get("api_key"):
        given["api_key"] = offer["api_key"]
    checked = ArgumentSpecValidator(with_env(POWERDNS_RRSET)).validate(given)
    if checked.error_messages:
        raise Failure(
            "powerdns",
            "invalid_value",
            f"the record sets cannot be published: {'; '.join(checked.error_messages)}.",
            hint="Correct the dns_records_* variables of this tenant.",
        )
    return checked.validated_parameters


def _by_server(
    valid: list[tuple[str, dict[str, t.Any]]],
) -> list[list[tuple[str, dict[str, t.Any]]]]:
    """Those who publish to the same server with the same key, together: each zone is then read once."""
    groups: dict[str, list[tuple[str, dict[str, t.Any]]]] = {}
    for host, params in valid:
        server = {name: value for name, value in params.items() if name != "rrsets"}
        groups.setdefault(repr(sorted(server.items())), []).append((host, params))
    return list(groups.values())


def _publish(members: list[tuple[str, dict[str, t.Any]]], check_mode: bool) -> tuple[dict[str, t.Any], int]:
    together = {**members[0][1], "rrsets": [item for _host, params in members for item in params["rrsets"]]}
    try:
        result = publish(together, check_mode=check_mode)
        return {host: _share(params, result["owners"]) for host, params in members}, result["requests"]
    except Failure as exc:
        return {host: _failed(exc) for host, _params in members}, 0
    except Exception as exc:
        return {host: _failed(_unexpected(f"{type(exc).__name__}: {exc}")) for host, _params in members}, 0


def _share(params: dict[str, t.Any], owners: dict[str, t.Any]) -> dict[str, t.Any]:
    """The outcome of the owner that a host speaks for; all its record sets have the same owner."""
    names = sorted({str(item.get("owner") or "") for item in params["rrsets"]})
    if len(names) != 1 or names[0] not in owners:
        return _failed(_unexpected(f"one owner is needed, not {names}"))
    return owners[names[0]]


def _failed(failure: Failure) -> dict[str, t.Any]:
    return {"verdict": "unknown", "failure": failure.as_dict(), "changes": [], "diff": []}


def _unexpected(sentence: str) -> Failure:
    return Failure(
        "powerdns",
        "unexpected",
        f"the record sets were not published in this run: {sentence}.",
        hint="Run again; if it comes back, report it with this sentence.",
    )
