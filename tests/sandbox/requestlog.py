# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the servers' own records of the requests they received. Pure: lines in, requests out."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from .settings import PROVISIONER

Purpose = Literal["read", "login", "lock", "write"]

KUBERNETES_WRITES = {"create", "update", "patch", "delete", "deletecollection"}
# Requests that are answered without anything being stored.
KUBERNETES_QUESTIONS = {
    "tokenreviews",
    "subjectaccessreviews",
    "selfsubjectaccessreviews",
    "selfsubjectreviews",
    "selfsubjectrulesreviews",
    "localsubjectaccessreviews",
}
KUBERNETES_STREAMS = {"portforward", "exec", "attach", "log", "proxy"}
HTTP_WRITES = {"POST", "PUT", "PATCH", "DELETE"}

_KEYCLOAK = re.compile(r'ACCESS (?P<peer>\S+) "(?P<method>[A-Z]+) (?P<target>\S+) [^"]*" (?P<status>\d+)')
_POWERDNS = re.compile(
    r'\[webserver\] (?:\S+ )?(?P<peer>[0-9a-fA-F.:]+?):\d+ "(?P<method>[A-Z]+) (?P<target>\S+)[^"]*" '
    r"(?P<status>\d+)"
)


@dataclass(frozen=True)
class Request:
    """One answered request.

    `method` is the server's own word (Kubernetes verb, Vault operation, HTTP method); `caller` the user, or the peer's
    address where the server's record knows no user; `purpose` is `login` and `lock` (a Lease of Kubernetes) for the
    only two kinds of writes that an unchanged run sends.
    """

    backend: str
    method: str
    path: str
    status: int | None
    caller: str
    purpose: Purpose


def kubernetes(line: str) -> Request | None:
    """An entry of the API server's audit log (audit.k8s.io/v1 Event); a dry run counts as a read.

    A watch or stream has two entries: the one of its beginning counts, None is returned for the one of its end.
    """
    event = json.loads(line)
    reference: dict[str, Any] = event.get("objectRef") or {}
    verb, uri = event["verb"], event["requestURI"]
    resource, subresource = reference.get("resource"), reference.get("subresource")
    if (verb == "watch" or subresource in KUBERNETES_STREAMS) and event["stage"] == "ResponseComplete":
        return None
    dry_run = "All" in parse_qs(urlsplit(uri).query).get("dryRun", [])
    purpose: Purpose = "read"
    asks = resource in KUBERNETES_QUESTIONS or subresource in KUBERNETES_STREAMS - {"proxy"}
    if verb in KUBERNETES_WRITES and not dry_run and not asks:
        purpose = "lock" if resource == "leases" else "write"
    return Request(
        "kubernetes", verb, uri, (event.get("responseStatus") or {}).get("code"), event["user"]["username"], purpose
    )


def openbao(line: str) -> Request | None:
    """An entry of Vault's audit device `file`; None for the half that was logged before the request was handled."""
    entry = json.loads(line)
    if entry.get("type") != "response":
        return None
    request = entry["request"]
    path, operation = request["path"], request["operation"]
    login = (path.startswith("auth/") and path.endswith("/login")) or path in (
        "auth/token/revoke-self",
        "auth/token/renew-self",
    )
    purpose: Purpose = "login" if login else "write" if operation in ("create", "update", "patch", "delete") else "read"
    if path in ("sys/capabilities-self", "auth/token/lookup-self"):
        purpose = "read"  # asked by POST
    authentication = entry.get("auth") or {}
    # The role's name stands in the metadata of logins by AppRole and by Kubernetes alike.
    metadata = authentication.get("metadata") or {}
    caller = metadata.get("role_name") or metadata.get("role") or authentication.get("display_name") or ""
    if not caller and path == "auth/approle/login":
        caller = PROVISIONER  # refused: only the playbooks use this method
    return Request("openbao", operation, path, None, caller, purpose)


def keycloak(line: str) -> Request | None:
    """A line of Keycloak's log; None unless it belongs to the access log."""
    return _http("keycloak", _KEYCLOAK.search(line))


def powerdns(line: str) -> Request | None:
    """A line of PowerDNS's log; None unless it reports an API request."""
    return _http("powerdns", _POWERDNS.search(line))


def _http(backend: str, found: re.Match[str] | None) -> Request | None:
    if found is None:
        return None
    purpose: Purpose = "write" if found["method"] in HTTP_WRITES else "read"
    if found["method"] == "POST" and urlsplit(found["target"]).path.endswith(
        ("/protocol/openid-connect/token", "/protocol/openid-connect/logout", "/protocol/openid-connect/revoke")
    ):
        purpose = "login"
    return Request(backend, found["method"], found["target"], int(found["status"]), found["peer"], purpose)
