# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small Kubernetes API client: the library's credentials and TLS, the collection's requests, retries and failures.

The library's generated call functions changed their signatures between majors; its configuration and its connection
pool did not. So the pool is mounted into :class:`HttpClient`, and paths of the API are used as they are documented.
"""

from __future__ import annotations

import typing as t

from ..failure import Failure
from ..http_client import REQUESTS_IMPORT_ERROR, HttpClient
from .connection import api_client, normalise, secrets_of

if REQUESTS_IMPORT_ERROR is None:
    from requests.adapters import HTTPAdapter
else:
    HTTPAdapter = object  # type: ignore[misc,assignment]

if t.TYPE_CHECKING:
    from kubernetes.client import ApiClient
    from requests import Response

__all__ = ["KubernetesClient", "api_client", "connect"]

#: Stores nothing, and refuses fields that the server does not know.
_DRY_RUN = {"dryRun": "All", "fieldValidation": "Strict"}


class _PoolAdapter(HTTPAdapter):
    """Sends through the library's own connection pool, whose TLS and proxy settings come from the kubeconfig."""

    def __init__(self, pool: t.Any) -> None:
        super().__init__()
        self._pool = pool

    def get_connection_with_tls_context(
        self, request: t.Any, verify: t.Any, proxies: t.Any = None, cert: t.Any = None
    ) -> t.Any:
        return self._pool.connection_from_url(request.url)

    def get_connection(self, url: t.Any, proxies: t.Any = None) -> t.Any:
        return self._pool.connection_from_url(url)

    def cert_verify(self, conn: t.Any, url: t.Any, verify: t.Any, cert: t.Any) -> None:
        """Nothing to set: the pool verifies as it was configured."""


class _KubernetesHttp(HttpClient):
    """Failures say what the API server's ``Status`` object says, without its JSON around."""

    def failure_of(self, response: Response) -> Failure:
        failure = super().failure_of(response)
        message = ""
        try:
            body = response.json()
        except ValueError:
            body = None
        if isinstance(body, t.Mapping) and body.get("kind") == "Status":
            message = self.redactor.body(str(body.get("message") or body.get("reason") or ""))
        if message:
            failure.message = (
                f"{response.request.method} {failure.request['url'] if failure.request else ''}: {message.rstrip('.')}."
            )
            failure.args = (failure.message,)
        if failure.code == "forbidden":
            failure.hint = "Grant the run's user this permission (docs: least privilege, Kubernetes RBAC)."
        return failure


class KubernetesClient:
    """One cluster.

    :param connection: kubernetes.core's connection options.
    :raises Failure: as :func:`..connection.configuration`.
    """

    def __init__(self, connection: t.Mapping[str, t.Any] | None) -> None:
        self.api_client: ApiClient = api_client(connection)
        self.host = str(self.api_client.configuration.host)
        config = self.api_client.configuration
        headers: dict[str, str] = {}
        secrets = secrets_of(normalise(connection))
        token = config.auth_settings().get("BearerToken")
        if token and token.get("value"):
            headers["Authorization"] = str(token["value"])
            secrets.append(headers["Authorization"].split(" ", 1)[-1])
        elif config.username and config.password:
            headers["Authorization"] = str(config.get_basic_auth_token())
        self._http = _KubernetesHttp(
            "kubernetes",
            str(config.host),
            headers=headers,
            secrets=secrets,
            adapter=_PoolAdapter(self.api_client.rest_client.pool_manager),
            hints={"unauthorized": "Check the credential in tenant_kubernetes or the kubeconfig."},
        )

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._http.requests

    def get(self, path: str, params: t.Mapping[str, str] | None = None) -> dict[str, t.Any]:
        """GET one object or list.

        :param path: the API's path (``/api/v1/namespaces/x``).
        :raises Failure: layer ``kubernetes``; ``not_found`` when it does not exist.
        """
        return self._http.json(self._http.request("GET", path, params=params), dict)

    def find(self, path: str, params: t.Mapping[str, str] | None = None) -> dict[str, t.Any] | None:
        """As :meth:`get`, but none when it does not exist."""
        response = self._http.request("GET", path, params=params, expected=(200, 404))
        return None if response.status_code == 404 else self._http.json(response, dict)

    def items(self, path: str, selector: str | None = None) -> list[dict[str, t.Any]] | None:
        """The items of a list, by label selector; none when the cluster does not serve that resource."""
        answer = self.find(path, {"labelSelector": selector} if selector else None)
        return None if answer is None else list(answer.get("items") or [])

    def text(self, path: str, params: t.Mapping[str, str] | None = None) -> str:
        """GET plain text (a container's log)."""
        return self._http.request("GET", path, params=params, headers={"Accept": "*/*"}).text

    def create(self, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """POST an object. :raises Failure: ``conflict`` when it exists."""
        return self._http.json(self._http.request("POST", path, json=body, expected=(200, 201, 202)), dict)

    def replace(self, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """PUT an object. :raises Failure: ``conflict`` when its resourceVersion is not the server's any more."""
        return self._http.json(self._http.request("PUT", path, json=body, expected=(200, 201)), dict)

    def try_create(self, path: str, body: t.Mapping[str, t.Any]) -> None:
        """Let the API server judge a POST: every check of it is made, nothing is stored.

        :raises Failure: what a real one would fail with.
        """
        self._http.request("POST", path, json=body, params=_DRY_RUN, expected=(200, 201, 202))

    def try_patch(self, path: str, body: t.Mapping[str, t.Any]) -> None:
        """As :meth:`try_create`, for a merge patch (RFC 7396) of an object that exists."""
        headers = {"Content-Type": "application/merge-patch+json"}
        self._http.request("PATCH", path, json=body, params=_DRY_RUN, headers=headers)

    def close(self) -> None:
        """Close the pooled connections."""
        self._http.close()
        t.cast("t.Any", self.api_client).close()


def connect(connection: t.Mapping[str, t.Any] | None) -> KubernetesClient:
    """A client for kubernetes.core's connection options (or ``K8S_AUTH_*``); makes no request.

    :raises Failure: ``missing_library`` or ``invalid_value``.
    """
    return KubernetesClient(connection)
