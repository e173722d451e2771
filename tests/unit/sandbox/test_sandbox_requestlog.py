# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts as a read, a login, a lock and a write in each server's own record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.sandbox import requestlog


def audit(verb: str, resource: str, *, subresource: str = "", query: str = "", stage: str = "ResponseComplete") -> str:
    reference: dict[str, Any] = {"resource": resource, "namespace": "tenant-acme"}
    if subresource:
        reference["subresource"] = subresource
    return json.dumps(
        {
            "stage": stage,
            "verb": verb,
            "requestURI": f"/api/v1/namespaces/tenant-acme/{resource}{query}",
            "user": {"username": "provisioner"},
            "objectRef": reference,
            "responseStatus": {"code": 200},
        }
    )


@pytest.mark.parametrize(
    ("line", "purpose"),
    [
        (audit("get", "secrets"), "read"),
        (audit("create", "secrets"), "write"),
        (audit("patch", "services", query="?fieldManager=x&dryRun=All"), "read"),
        (audit("patch", "services", query="?fieldManager=dryRun"), "write"),
        (audit("deletecollection", "pods"), "write"),
        (audit("create", "leases"), "lock"),
        (audit("update", "leases"), "lock"),
        (audit("create", "selfsubjectaccessreviews"), "read"),
        (audit("create", "pods", subresource="portforward", stage="ResponseStarted"), "read"),
        (audit("get", "pods", subresource="portforward", stage="ResponseStarted"), "read"),
        (audit("create", "services", subresource="proxy", stage="ResponseStarted"), "write"),
        (audit("watch", "pods", stage="ResponseStarted"), "read"),
    ],
)
def test_kubernetes_purpose(line: str, purpose: str) -> None:
    request = requestlog.kubernetes(line)
    assert request is not None
    assert (request.purpose, request.caller, request.status) == (purpose, "provisioner", 200)


@pytest.mark.parametrize(
    "line",
    [
        audit("watch", "pods"),
        audit("get", "pods", subresource="portforward"),
        audit("create", "pods", subresource="exec"),
    ],
)
def test_end_of_a_stream_is_not_counted_again(line: str) -> None:
    assert requestlog.kubernetes(line) is None


def vault(operation: str, path: str, *, kind: str = "response", **auth: Any) -> str:
    return json.dumps({"type": kind, "request": {"operation": operation, "path": path}, "auth": auth})


@pytest.mark.parametrize(
    ("line", "purpose", "caller"),
    [
        (vault("read", "secret/data/a", metadata={"role_name": "provisioner"}), "read", "provisioner"),
        (vault("update", "secret/data/a", metadata={"role_name": "provisioner"}), "write", "provisioner"),
        (vault("create", "secret/data/a", metadata={"role": "external-secrets"}), "write", "external-secrets"),
        (vault("update", "auth/approle/login"), "login", "provisioner"),
        (vault("update", "auth/token/lookup-self", display_name="root"), "read", "root"),
        (vault("delete", "secret/metadata/a", display_name="root"), "write", "root"),
    ],
)
def test_openbao(line: str, purpose: str, caller: str) -> None:
    request = requestlog.openbao(line)
    assert request is not None
    assert (request.purpose, request.caller) == (purpose, caller)


def test_openbao_counts_answers_only() -> None:
    assert requestlog.openbao(vault("read", "secret/data/a", kind="request")) is None


KEYCLOAK = "2026-11-23 17:49:39,001 INFO  [org.keycloak.http.access-log] (vert.x-eventloop-thread-1) "


@pytest.mark.parametrize(
    ("text", "method", "path", "status", "purpose"),
    [
        (
            'ACCESS 10.0.0.1 "GET /admin/realms/a/clients?clientId=x HTTP/1.1" 200',
            "GET",
            "/admin/realms/a/clients?clientId=x",
            200,
            "read",
        ),
        ('ACCESS 10.0.0.1 "PUT /admin/realms/a HTTP/1.1" 204', "PUT", "/admin/realms/a", 204, "write"),
        (
            'ACCESS 10.0.0.1 "POST /realms/master/protocol/openid-connect/token HTTP/1.1" 401',
            "POST",
            "/realms/master/protocol/openid-connect/token",
            401,
            "login",
        ),
    ],
)
def test_keycloak(text: str, method: str, path: str, status: int, purpose: str) -> None:
    request = requestlog.keycloak(KEYCLOAK + text)
    assert request == requestlog.Request("keycloak", method, path, status, "10.0.0.1", purpose)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("peer", "method", "purpose"),
    [
        ("10.0.0.1", "GET", "read"),
        ("10.0.0.1", "PATCH", "write"),
        ("::1", "DELETE", "write"),
    ],
)
def test_powerdns(peer: str, method: str, purpose: str) -> None:
    line = (
        f"Nov 23 17:48:47 [webserver] 924640c5-5ac1-44a9-a90a-8f17d663bf32 {peer}:39852 "
        f'"{method} /api/v1/servers/localhost/zones/omantel.test. HTTP/1.1" 204 114'
    )
    assert requestlog.powerdns(line) == requestlog.Request(
        "powerdns", method, "/api/v1/servers/localhost/zones/omantel.test.", 204, peer, purpose
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line",
    [
        "Nov 23 17:44:02 No serial for 'omantel.test' found - zone is missing?",
        KEYCLOAK + "Keycloak 26.4.2 started",
    ],
)
def test_other_lines_are_no_requests(line: str) -> None:
    assert requestlog.powerdns(line) is None
    assert requestlog.keycloak(line) is None
