# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``certificate_plan``: who can issue the tenant's certificate, and what its Secret holds. Never writes."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t

from ..failure import Failure
from ..reconcile import Plan
from . import certificate
from .client import KubernetesClient, connect
from .discovery import condition

#: The one version that the chart writes.
API_VERSION = "cert-manager.io/v1"
_PLURALS = {"ClusterIssuer": "clusterissuers", "Issuer": "issuers"}
#: Seconds between two looks.
INTERVAL = 1.0
_OTHERWISE = "or put a certificate into the Secret"


@dataclasses.dataclass(frozen=True)
class Issuing:
    """Whether cert-manager can be asked.

    :param possible: a Certificate can be written. :param why: what keeps it from being issued, and what to do; else empty.
    """

    possible: bool
    why: str = ""


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Look at the issuer and the Secret; with ``wait``, until the certificate is issued or the time is over.

    :raises Failure: layer ``kubernetes``.
    """
    if not params["names"]:
        raise Failure("kubernetes", "invalid_value", "names: at least one host name is needed.")
    if params["offline"]:
        if not check_mode:
            raise Failure(
                "kubernetes", "invalid_value", "offline is accepted in check mode only.", hint="Run with --check."
            )
        issuing = Issuing(True) if params["issuer"] else _nobody(params)
        return {**_result(params, issuing, None, requests=0), "awaited": False}
    client = connect(params["connection"])
    try:
        return _online(client, params)
    finally:
        client.close()


def _online(client: KubernetesClient, params: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    path = f"/api/v1/namespaces/{params['namespace']}/secrets/{params['secret']}"
    issuing = _issuing(client, params["issuer"], params)
    asked = issuing.possible and not issuing.why
    end = time.monotonic() + params["wait"]
    while True:
        awaited = _unissued(client, params) if asked else ""
        secret = client.find(path)
        current = certificate.held(secret, params["names"], _now()) if secret else None
        if asked and not awaited and params["wait"] and (current is None or current.own):
            # cert-manager's condition and its Secret are two objects, and one is seen before the other.
            awaited = f"cert-manager has issued it, but not written the Secret {params['secret']}; run role chart again"
        if not awaited or time.monotonic() >= end:
            seen = dataclasses.replace(issuing, why=issuing.why or awaited)
            issued = asked and not awaited and current is not None and not current.own
            result = _result(params, seen, current, requests=client.requests)
            return {**result, "awaited": asked and not issued}
        time.sleep(INTERVAL)


def _nobody(params: t.Mapping[str, t.Any]) -> Issuing:
    return Issuing(False, f"set platform_certificate_issuer, {_OTHERWISE} {params['secret']} (platform)")


def _issuing(client: KubernetesClient, issuer: t.Mapping[str, str] | None, params: t.Mapping[str, t.Any]) -> Issuing:
    """One request, and another where the answer is not clear."""
    if not issuer:
        return _nobody(params)
    otherwise = f"{_OTHERWISE} {params['secret']} (platform)"
    what = f"{issuer['kind']} {issuer['name']!r}"
    plural = _PLURALS.get(issuer["kind"]) if issuer["group"] == "cert-manager.io" else None
    if plural is not None:
        scope = f"namespaces/{params['namespace']}/" if issuer["kind"] == "Issuer" else ""
        try:
            found = client.find(f"/apis/{API_VERSION}/{scope}{plural}/{issuer['name']}")
        except Failure as failure:
            if failure.code != "forbidden":
                raise
            # A tenant's credential need not see the cluster's issuers; the Certificate tells whether this one works.
            found = {}
        if found:
            ready = condition(found, "Ready")
            if ready.get("status") == "True":
                return Issuing(True)
            reason = ready.get("message") or ready.get("reason") or "no status yet"
            return Issuing(True, f"{what} is not ready: {str(reason).rstrip('.')}; correct the issuer (platform)")
    served = client.find(f"/apis/{API_VERSION}")
    if served is None:
        return Issuing(False, f"the cluster does not serve {API_VERSION}; install cert-manager, {otherwise}")
    if plural is not None and found is None:
        return Issuing(
            False, f"there is no {what}; create it, name another in platform_certificate_issuer, {otherwise}"
        )
    return Issuing(True)


def _unissued(client: KubernetesClient, params: t.Mapping[str, t.Any]) -> str:
    """Why the Certificate has not been issued; empty when it has, or when this is the plan of the run that writes it."""
    issuer = params["issuer"]
    what = f"{issuer['kind']} {issuer['name']!r}"
    found = client.find(f"/apis/{API_VERSION}/namespaces/{params['namespace']}/certificates/{params['secret']}")
    if found is None:
        gone = f"the Certificate {params['secret']} of {what} does not exist; run role chart again"
        return gone if params["wait"] else ""
    ready = condition(found, "Ready")
    current = ready.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
    if ready.get("status") == "True" and current:
        return ""
    issuing = condition(found, "Issuing")
    said = ready if current and ready.get("message") else issuing
    reason = said.get("message") or said.get("reason") or "cert-manager has not looked at it yet"
    return f"{what} has not issued it yet ({str(reason).rstrip('.')}); the next run serves it as soon as it has"


def _result(
    params: t.Mapping[str, t.Any], issuing: Issuing, current: certificate.Held | None, *, requests: int
) -> dict[str, t.Any]:
    names = list(params["names"])
    change = certificate.plan(params["secret"], names, current, _now())
    plan = Plan((change,) if change else ())
    proven: list[str] = []
    missing: list[str] = []
    if issuing.why or (current is not None and not current.own):
        proven, missing = certificate.notes(
            params["secret"], names, current, why=issuing.why, asked=bool(params["issuer"]), planned=change is not None
        )
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "possible": issuing.possible,
        "proven": proven,
        "missing": missing,
        "requests": requests,
    }


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
