# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the management API tells for the checks: keys, addresses, the running directory, and why a login fails."""

from __future__ import annotations

import base64
import binascii
import contextlib
import threading
import typing as t

from ..failure import Failure
from ..stalwart.connection import Connection, connect
from ..stalwart.driver import Addresses, InfoAsk
from ..stalwart.task import open_driver
from . import addresses as cluster_addresses
from .checks import NotApplicable, Wrong
from .probe_jmap import Jmap
from .probe_policy import Wanted, judge

Params = t.Mapping[str, t.Any]


class Server:
    """One server: its management API with the recovery administrator, and its web port without.

    :param params: options of the Stalwart modules, and ``admin``.
    :raises Failure: ``invalid_value``, ``missing_library``.
    """

    def __init__(self, params: Params, domain: str) -> None:
        self._params = params
        self._domain = domain
        self._lock = threading.Lock()
        self._web: Connection = connect({**params, "api_username": None, "api_password": None}, anonymous=True)
        self.jmap = Jmap(self._web.http)
        self.generation = ""
        self.keys: list[dict[str, t.Any]] = []
        self.running_issuer: t.Optional[str] = None
        self.known: t.Optional[Addresses] = None
        self._requests = 0

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""
        return self._web.http.requests + self._requests

    def close(self) -> None:
        """Close all connections."""
        self._web.close()

    def read(self) -> str:
        """``server.admin``: log in and read all that the other checks need.

        :raises Wrong: with the place where the secret differs. :raises Failure: when there is no answer to tell.
        """
        ask = InfoAsk(frozenset({"dkim", "directory"}), self._domain)
        try:
            with open_driver(self._params) as (driver, connection):
                try:
                    info = driver.info(ask)
                    self.known = driver.addresses()
                finally:
                    self._requests += connection.http.requests
        except Failure as failure:
            if failure.code == "unauthorized":
                raise self._secret_differs(failure) from None
            raise
        self.generation, self.keys, self.running_issuer = driver.generation, info["dkim_keys"], info["running_issuer"]
        return f"{self._params['api_username']} logs in to {driver.generation}"

    def directory(self, issuer: str) -> str:
        """``server.directory``"""
        if self.running_issuer is None:
            raise NotApplicable(f"{self.generation or 'the server'} does not tell what it runs; the logins prove it")
        if not self.running_issuer:
            raise Wrong("directory_internal", "the server runs its internal directory")
        if self.running_issuer != issuer.rstrip("/"):
            raise Wrong("directory_other", f"the server runs the directory of {self.running_issuer}")
        return self.running_issuer

    def blocked(self) -> tuple[str, ...]:
        """Network addresses that the server has blocked."""
        found = self._now()
        return found.blocked if found else ()

    def fullness(self, address: str) -> t.Optional[tuple[int, int]]:
        """Bytes used and allowed in a mailbox; none without a quota."""
        found = self._now()
        return found.full.get(address) if found else None

    def _now(self) -> t.Optional[Addresses]:
        """Read anew: a ban or a message comes in between. None where the server does not tell."""
        with self._lock, contextlib.suppress(Failure), open_driver(self._params) as (driver, connection):
            try:
                return driver.addresses()
            finally:
                self._requests += connection.http.requests
        return None

    def mail_addresses(self, host: str) -> list[str]:
        """The addresses of the tenant's Services; empty where no cluster is given.

        :raises Failure: as :meth:`KubernetesClient.items`; ``conflict``.
        """
        if self._web.cluster is None:
            return []
        place = self._params["kubernetes"]
        items = self._web.cluster.items(f"/api/v1/namespaces/{place['namespace']}/services") or []
        services = {item["metadata"]["name"]: item for item in items}
        release = str(place["service"]).rpartition("-")[0]
        return cluster_addresses.mail_addresses(services, release, host)

    def network_policy(self, wanted: Wanted) -> str:
        """``network.policy``

        :raises NotApplicable: where no cluster is given. :raises Failure: as :meth:`KubernetesClient.items`.
        """
        cluster = self._web.cluster
        if cluster is None:
            raise NotApplicable("no cluster is given")
        place = self._params["kubernetes"]
        release = str(place["service"]).rpartition("-")[0]
        # Not the pod of the chart's Job, which stays when it has ended.
        selector = f"app.kubernetes.io/instance={release},app.kubernetes.io/component!=setup"
        pods = cluster.items(f"/api/v1/namespaces/{place['namespace']}/pods", selector)
        if not pods:
            raise NotApplicable(f"release {release} in {place['namespace']} has no pod")
        policies = cluster.items(f"/apis/networking.k8s.io/v1/namespaces/{place['namespace']}/networkpolicies")
        return judge(policies or [], pods[0], wanted)

    def _secret_differs(self, failure: Failure) -> Exception:
        """Where the secret that the server refuses came to differ from OpenBao's."""
        admin, cluster = self._params["admin"], self._web.cluster
        if cluster is None or not admin.get("secret_name"):
            return Wrong("admin_refused", failure.message)
        place = f"Secret {admin['secret_name']} in {self._params['kubernetes']['namespace']}"
        path = f"/api/v1/namespaces/{self._params['kubernetes']['namespace']}/secrets/{admin['secret_name']}"
        try:
            secret = cluster.find(path)
        except Failure as unreadable:
            return Wrong("admin_refused", f"{failure.message} {place} cannot be read: {unreadable.message}")
        if secret is None:
            return Wrong("secret_missing", f"there is no {place}")
        try:
            value = base64.b64decode((secret.get("data") or {}).get(admin["secret_property"]) or "").decode()
        except (binascii.Error, UnicodeDecodeError):
            value = ""
        if value != self._params["api_password"]:
            return Wrong("secret_unsynced", f"{place} is not what OpenBao holds")
        return Wrong("pod_outdated", f"the pod refuses the value of {place}, which is OpenBao's")
