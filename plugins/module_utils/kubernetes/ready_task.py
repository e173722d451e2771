# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``release_ready``: wait until a release works, and say what is waited for. Never writes."""

from __future__ import annotations

import contextlib
import time
import typing as t

from ..failure import Failure
from ..redact import Redactor, check_secret
from ..stalwart.connection import Connection
from ..stalwart.connection import connect as connect_server
from ..stalwart.portforward import PodFinder, PortForward
from .client import KubernetesClient, connect
from .readiness import SecretCheck, Waiting, rollout, stale, started_before, unsynced

#: Seconds between two looks, and for the banner.
INTERVAL = 1.0
BANNER_TIMEOUT = 10.0
#: Failures of a server that has only just started; they end by waiting.
_PASSING = frozenset(("unreachable", "not_ready", "not_found", "server_error"))


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Wait for the Secrets, the pods, the SMTP banner and the admin's session.

    :raises Failure: ``not_ready`` with what was waited for, or ``unauthorized`` when the server refuses the admin (with
        ``on_outdated=report``, that is a result).
    """
    checks = []
    for item in params["secrets"]:
        check_secret("kubernetes", f"secrets: the value of {item['name']}.{item['property']}", item["value"])
        checks.append(SecretCheck(item["name"], item["property"], item["value"], item["read_at_start"]))
    client = connect(params["connection"])
    waiter = _Waiter(client, params, checks)
    try:
        return waiter.wait()
    finally:
        waiter.close()
        client.close()


class _Waiter:
    """One wait; keeps the connections that it opened."""

    def __init__(
        self, client: KubernetesClient, params: t.Mapping[str, t.Any], checks: t.Sequence[SecretCheck]
    ) -> None:
        self._client = client
        self._params = params
        self._checks = checks
        self._namespace: str = params["namespace"]
        self._release: str = params["release"]
        self._redactor = Redactor([check.value for check in checks])
        self._server: Connection | None = None
        self._requests = 0
        self._found: dict[str, t.Any] = {}
        self._pods: list[t.Any] = []

    def wait(self) -> dict[str, t.Any]:
        """Look until nothing is waited for, or the time is over."""
        start = time.monotonic()
        while True:
            stale_names, missing = self._secrets()
            unsynced_one = self._unsynced()
            if unsynced_one is None:
                # Synced once and not there: somebody deleted it since.
                stale_names += missing
            if stale_names and self._params["on_stale"] == "report":
                return self._result(stale_names=stale_names)
            try:
                waiting = unsynced_one or self._waiting(stale_names)
            except Failure as failure:
                refused = (failure.layer, failure.code) == ("stalwart", "unauthorized")
                if refused and self._params["on_outdated"] == "report":
                    return self._result(outdated=True)
                raise
            if waiting is None:
                older = self._older()
                if older is None:
                    return self._result(proven=self._proven())
                if self._params["on_outdated"] == "report":
                    return self._result(outdated=True)
                raise older
            if waiting.hopeless or time.monotonic() - start >= self._params["timeout"]:
                raise self._failure(waiting, time.monotonic() - start)
            time.sleep(INTERVAL)

    def close(self) -> None:
        """Close what was opened."""
        if self._server is not None:
            self._server.close()

    def _path(self, kind: str, group: str = "/api/v1") -> str:
        return f"{group}/namespaces/{self._namespace}/{kind}"

    def _secrets(self) -> tuple[list[str], list[str]]:
        """The Secrets that hold something else, and those that are not there."""
        names: list[str] = []
        missing: list[str] = []
        for check in self._checks:
            secret = self._found[check.name] = self._client.find(self._path(f"secrets/{check.name}"))
            if secret is None:
                missing.append(check.name)
            elif stale(check, secret):
                names.append(check.name)
        return names, missing

    @property
    def _selector(self) -> str:
        # Not the pod of the chart's Job, which stays when it has ended.
        return f"app.kubernetes.io/instance={self._release},app.kubernetes.io/component!=setup"

    def _unsynced(self) -> Waiting | None:
        if not self._checks:
            return None
        group = f"/apis/{self._params['external_secrets_api_version']}"
        found = self._client.items(self._path("externalsecrets", group), self._selector) or []
        external = {item["metadata"]["name"]: item for item in found}
        waits = (unsynced(check.name, external.get(check.name)) for check in self._checks)
        return next(filter(None, waits), None)

    def _waiting(self, stale_names: t.Sequence[str]) -> Waiting | None:
        if stale_names:
            return Waiting(
                f"the Secret {stale_names[0]} does not hold OpenBao's value yet",
                "External Secrets reads it again at its refresh interval, or when the ExternalSecret is annotated.",
            )
        statefulset = self._client.find(self._path(f"statefulsets/{self._release}", "/apis/apps/v1"))
        if statefulset is None:
            return Waiting(f"there is no StatefulSet {self._release}", "Run role chart again.", True)
        self._pods = list(self._client.items(self._path("pods"), self._selector) or [])
        waiting = rollout(statefulset, self._pods)
        return waiting or self._passing(self._banner) or self._passing(self._session)

    def _older(self) -> Failure | None:
        """A pod that runs since before a Secret changed that is read at the start only."""
        for check in self._checks:
            if check.read_at_start and started_before(self._found.get(check.name), self._pods):
                return Failure(
                    "kubernetes",
                    "not_ready",
                    f"release {self._release} in {self._namespace} runs since before the Secret {check.name} changed.",
                    hint=f"Restart it (kubectl delete pod --namespace {self._namespace} --selector {self._selector}).",
                )
        return None

    def _passing(self, probe: t.Callable[[], Waiting | None]) -> Waiting | None:
        try:
            return probe()
        except Failure as failure:
            if failure.code not in _PASSING:
                raise
            return Waiting(failure.message.rstrip("."), failure.hint)

    def _banner(self) -> Waiting | None:
        """RFC 5321 section 3.1: the server opens with 220."""
        service = f"{self._release}-smtp"
        finder = PodFinder(self._client, self._namespace, service, "smtp")
        try:
            # The answer may come in pieces, and a multi-line one in several lines; the first three digits are enough.
            with contextlib.closing(PortForward(self._params["connection"], finder, self._namespace).open()) as sock:
                sock.settimeout(BANNER_TIMEOUT)
                greeting = b""
                while b"\n" not in greeting and len(greeting) < 1024:
                    part = sock.recv(1024)
                    if not part:
                        break
                    greeting += part
        except OSError as exc:
            return Waiting(f"port 25 of {service} does not answer ({type(exc).__name__})")
        finally:
            self._requests += 1
        if greeting.startswith(b"220"):
            return None
        shown = self._redactor.body(greeting.decode("utf-8", "replace")) or "nothing"
        return Waiting(f"port 25 of {service} greets with {shown!r} instead of 220")

    def _session(self) -> Waiting | None:
        """The recovery admin logs in: RFC 8620 section 2, an authenticated session."""
        admin = self._params["admin"]
        if not admin:
            return None
        if self._server is None:
            cluster = {"namespace": self._namespace, "service": f"{self._release}-web", "port": "http"}
            self._server = connect_server(
                {
                    "kubernetes": {**(self._params["connection"] or {}), **cluster},
                    "api_username": admin["username"],
                    "api_password": admin["password"],
                }
            )
        try:
            self._server.http.request("GET", "/jmap/session")
        except Failure as failure:
            if failure.code == "unauthorized":
                failure.hint = (
                    "A pod keeps the password that it started with: if OpenBao's was changed since, restart it "
                    f"(kubectl delete pod --namespace {self._namespace} --selector {self._selector}). "
                    f"A pod that is newer than the Secret has another administrator than {admin['username']}."
                )
            raise
        return None

    def _proven(self) -> list[str]:
        proven = [f"{len(self._checks)} Secrets equal OpenBao"] if self._checks else []
        proven += ["StatefulSet ready", "SMTP banner"]
        return [*proven, "admin session"] if self._params["admin"] else proven

    def _result(
        self, *, stale_names: t.Sequence[str] = (), outdated: bool = False, proven: t.Sequence[str] = ()
    ) -> dict[str, t.Any]:
        requests = self._client.requests + self._requests
        if self._server is not None:
            requests += self._server.http.requests + (self._server.cluster.requests if self._server.cluster else 0)
        return {
            "changed": False,
            "ready": bool(proven),
            "stale": list(stale_names),
            "outdated": outdated,
            "proven": list(proven),
            "requests": requests,
        }

    def _failure(self, waiting: Waiting, seconds: float) -> Failure:
        what = waiting.what
        if waiting.pod:
            line = self._last_line(waiting.pod)
            what += f"; its last log line: {line}" if line else ""
        if waiting.events:
            event = self._last_event(waiting.events)
            what += f": {event}" if event else ""
        for claim in waiting.claims:
            event = self._last_event(claim)
            what += f"; volume claim {claim}: {event}" if event else ""
        return Failure(
            "kubernetes",
            "not_ready",
            f"release {self._release} in {self._namespace} is not ready after {seconds:.0f} s: {self._redactor.text(what)}.",
            hint=waiting.hint,
        )

    def _last_line(self, pod: str) -> str:
        for previous in ("true", "false"):
            with contextlib.suppress(
                Failure
            ):  # No earlier container, or no permission to read logs: not the fault told of.
                text = self._client.text(self._path(f"pods/{pod}/log"), {"previous": previous, "tailLines": "5"})
                lines = [line for line in text.splitlines() if line.strip()]
                if lines:
                    return self._redactor.body(lines[-1])
        return ""

    def _last_event(self, name: str) -> str:
        with contextlib.suppress(Failure):  # As above: a reason that cannot be read must not hide the one that can.
            found = self._client.find(self._path("events"), {"fieldSelector": f"involvedObject.name={name}"})
            events = sorted((found or {}).get("items") or [], key=lambda event: str(event.get("lastTimestamp") or ""))
            if events:
                return str(events[-1].get("message") or "")
        return ""
