# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a task reaches a server: a URL, or a Service through the Kubernetes API; and with which credential."""

from __future__ import annotations

import base64
import dataclasses
import os
import typing as t
from urllib.parse import urlsplit

from ..failure import Failure
from ..http_client import HttpClient
from ..redact import check_clean, check_secret

if t.TYPE_CHECKING:
    from ..kubernetes.client import KubernetesClient
    from .portforward import PodFinder

_HINTS = {
    "unauthorized": "Check api_username and api_password, or api_token (the roles take the recovery admin's from the "
    "admin secret). The server counts failures and bans, so this was tried once.",
    "forbidden": "The account of this credential lacks the administrator's permissions, or is suspended; stalwart_info "
    "with gather: [account] lists what a credential may do.",
    "tls_untrusted": "Give the private CA's PEM file in ca_path (for the roles platform_ca_file); the URL must have a name "
    "that the certificate is for.",
}


@dataclasses.dataclass
class Connection:
    """An open way to a server.

    :param secrets: values that must reach no message.
    :param finder: looks up the Service's pod; none for a URL.
    :param probe: what the server was found to be, for results; none before that. :param warnings: about it.
    """

    http: HttpClient
    secrets: tuple[str, ...]
    finder: t.Optional[PodFinder] = None
    cluster: t.Optional[KubernetesClient] = None
    probe: t.Optional[dict[str, str]] = None
    warnings: t.Sequence[str] = ()

    def close(self) -> None:
        """Close all connections."""
        self.http.close()
        if self.cluster is not None:
            self.cluster.close()


def authorization(params: t.Mapping[str, t.Any]) -> t.Optional[str]:
    """The ``Authorization`` header, or none without a credential.

    Only what is used is checked: a password that the environment holds for other tasks may be anything.

    :raises Failure: ``invalid_value`` for half a credential, two of them, a secret that is too short to be masked, white
        space at an end, or a control character (RFC 7617 section 2).
    """
    user, password, token = (params.get(name) or None for name in ("api_username", "api_password", "api_token"))
    if token:
        if password and not _from_environment("api_password", password):
            raise _invalid("give either api_token, or api_username and api_password, not both.")
        check_clean("stalwart", "api_token", token)
        check_secret("stalwart", "api_token", token)
        return f"Bearer {token}"
    for name, value in (("api_username", user), ("api_password", password)):
        if value:
            check_clean("stalwart", name, value)
    check_secret("stalwart", "api_password", password)
    if bool(user) != bool(password):
        raise _invalid("api_username and api_password belong together; one of them is missing.")
    if not user or not password:
        return None
    if ":" in user:
        raise _invalid(f"api_username {user!r} contains a colon, which HTTP Basic cannot carry.")
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def base_url(text: str) -> str:
    """The server's base URL as given, checked.

    :raises Failure: ``invalid_value``.
    """
    parts = urlsplit(text.strip())
    try:
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or parts.username or parts.query or parts.fragment or parts.path.strip("/"):
        raise _invalid(
            f"api_url {parts._replace(netloc=parts.netloc.rpartition('@')[2]).geturl()!r} must be http(s)://host[:port], "
            "without path, query or credentials."
        )
    return text.strip().rstrip("/")


def connect(params: t.Mapping[str, t.Any], *, anonymous: bool = False) -> Connection:
    """Open the way that the options describe; makes no request to the server yet.

    :param anonymous: no credential is needed.
    :raises Failure: ``invalid_value``, ``missing_library``.
    """
    header = authorization(params)
    if header is None and not anonymous:
        raise Failure(
            "stalwart",
            "invalid_value",
            "no credential is given: api_username and api_password, or api_token.",
            hint="For a tenant of an inventory, see 'One task for one tenant' in the README.",
        )
    secrets = tuple(s for s in (params.get("api_password"), params.get("api_token"), header) if s)
    headers = {"Authorization": header} if header else {}
    url, cluster = params.get("api_url"), params.get("kubernetes")
    if url and cluster and not _from_environment("api_url", url):
        raise _invalid("give either api_url or kubernetes, not both.")
    if cluster:
        return _through_cluster(cluster, headers, secrets)
    if not url:
        raise _invalid("nothing says where the server is: give api_url or kubernetes.")
    http = HttpClient(
        "stalwart",
        base_url(url),
        headers=headers,
        ca_path=params.get("ca_path"),
        secrets=secrets,
        hints=_HINTS,
    )
    return Connection(http, secrets)


def _through_cluster(options: t.Mapping[str, t.Any], headers: dict[str, str], secrets: tuple[str, ...]) -> Connection:
    # Here, because the Kubernetes library is for those who use it.
    from ..kubernetes.client import connect as connect_cluster
    from .portforward import PodFinder, PortForward, adapter

    rest = dict(options)
    namespace, service, port = (str(rest.pop(name)) for name in ("namespace", "service", "port"))
    cluster = connect_cluster(rest)
    finder = PodFinder(cluster, namespace, service, port)
    http = HttpClient(
        "stalwart",
        f"http://{service}.{namespace}",
        headers=headers,
        secrets=secrets,
        adapter=adapter(PortForward(rest, finder, namespace)),
        hints=_HINTS,
    )
    return Connection(http, secrets, finder, cluster)


def _from_environment(name: str, value: t.Any) -> bool:
    """Whether an option's value is only the environment's fall-back, which an explicit option overrules."""
    return bool(os.environ.get(f"STALWART_{name.upper()}") == value)


def _invalid(message: str) -> Failure:
    return Failure("stalwart", "invalid_value", message)
