# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask every back end once, before anything is written: does it answer, and does it take the credential?"""

from __future__ import annotations

import concurrent.futures
import typing as t

from ..failure import Failure
from ..http_client import HttpClient
from ..keycloak import argspec as keycloak_argspec
from ..keycloak.client import KeycloakClient
from ..kubernetes.argspec import CONNECTION as KUBERNETES
from ..kubernetes.client import connect
from ..openbao import argspec as openbao_argspec
from ..openbao.client import OpenBaoClient
from ..powerdns.client import PowerDnsClient

Options = t.Mapping[str, t.Any]


def _options(connection: Options, *names: str) -> dict[str, t.Any]:
    """Connection options; without a credential there is nothing to check."""
    return {name: {**connection[name], **({"required": True} if name == "auth" else {})} for name in names}


SPEC: dict[str, t.Any] = {
    "openbao": {
        "type": "dict",
        "options": _options(openbao_argspec.CONNECTION, "url", "mount", "auth", "ca_path"),
    },
    "keycloak": {
        "type": "dict",
        "no_log": False,
        "options": _options(keycloak_argspec.CONNECTION, "admin_url", "auth", "auth_realm", "ca_path"),
    },
    "issuer": {"type": "str"},
    "kubernetes": {"type": "dict", "options": KUBERNETES["options"]},
    "powerdns": {
        "type": "dict",
        "options": {
            "api_url": {"type": "str", "required": True},
            "api_key": {"type": "str", "required": True, "no_log": True},
            "server_id": {"type": "str"},
            "ca_path": {"type": "path"},
        },
    },
}


def _openbao(options: Options) -> int:
    with OpenBaoClient(options["url"], options["mount"], options["auth"], options["ca_path"]) as client:
        client.login()
        client.check_engine()
        return client.requests


def _keycloak(options: Options) -> int:
    with KeycloakClient(
        options["admin_url"],
        options["auth_realm"],
        auth=options["auth"],
        auth_realm=options["auth_realm"],
        ca_path=options["ca_path"],
    ) as client:
        client.login()
        return client.requests


def _issuer(url: str) -> int:
    """The certificate of the realm's server, by the public roots alone: whether the realm is there yet is no matter here."""
    if not url.startswith("https:"):
        return 0
    client = HttpClient("keycloak", url)
    try:
        client.request("GET", "/.well-known/openid-configuration", expected=tuple(range(200, 600)))
    except Failure as failure:
        if failure.code != "tls_untrusted":
            raise
        raise Failure(
            "keycloak",
            "tls_untrusted",
            f"the certificate of {url} is of no public authority, and a server of generation 0.15 trusts no other: it would"
            " refuse every login.",
            hint="Give Keycloak a certificate of a public authority, name the realm by http:// where the network is trusted"
            ' (tenant_realm_url), or use tenant_generation: "0.16", which takes platform_ca_file.',
            request=failure.request,
        ) from None
    finally:
        client.close()
    return client.requests


def _kubernetes(options: Options) -> int:
    client = connect(options)
    try:
        # Everybody may read /version, whatever the credential; only a question about oneself tests it.
        client.create(
            "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
            {"spec": {"resourceAttributes": {"verb": "get", "resource": "namespaces"}}},
        )
        return client.requests
    finally:
        client.close()


def _powerdns(options: Options) -> int:
    client = PowerDnsClient(options["api_url"], options["api_key"], options["server_id"], options["ca_path"])
    try:
        client.check_access()
        return client.requests
    finally:
        client.close()


CHECKS: dict[str, t.Callable[[t.Any], int]] = {
    "openbao": _openbao,
    "keycloak": _keycloak,
    "issuer": _issuer,
    "kubernetes": _kubernetes,
    "powerdns": _powerdns,
}


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Check the back ends that the options name, all at once.

    :raises Failure: the first layer's failure in the order of the data flow; the others are in its message and details.
    """
    asked = {layer: params[layer] for layer in CHECKS if params[layer] is not None}
    failures: dict[str, Failure] = {}
    requests = 0
    # A back end that is down costs its whole deadline; together they cost one.
    with concurrent.futures.ThreadPoolExecutor(len(CHECKS)) as pool:
        running = {layer: pool.submit(CHECKS[layer], options) for layer, options in asked.items()}
        for layer, future in running.items():
            try:
                requests += future.result()
            except Failure as failure:
                failures[layer] = failure
    if failures:
        raise _combined(list(failures.values()))
    return {"changed": False, "layers": list(asked), "requests": requests}


def _combined(failures: t.Sequence[Failure]) -> Failure:
    first = failures[0]
    if len(failures) == 1:
        return first
    each = " ".join(f"({n}) {failure.layer}: {failure.message}" for n, failure in enumerate(failures, 1))
    hints = dict.fromkeys(failure.hint for failure in failures if failure.hint)
    return Failure(
        first.layer,
        first.code,
        f"{len(failures)} back ends do not serve this run: {each}",
        hint=" ".join(hints),
        request=first.request,
        details=[failure.as_dict() for failure in failures],
    )
