# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A pod's port as a transport of ``requests``: the admin API is reached without being exposed (design 6).

Each connection is a port-forward of its own, because one cannot be used again once it is closed. The pod is looked up
anew for each, so a connection after a restart finds the new pod.
"""

from __future__ import annotations

import queue
import threading
import traceback
import typing as t

from ..failure import Failure, missing_library
from ..http_client import REQUESTS_IMPORT_ERROR
from ..kubernetes.client import KubernetesClient, api_client

PORTFORWARD_IMPORT_ERROR: t.Optional[str]
try:
    from kubernetes.client import CoreV1Api
    from kubernetes.client.exceptions import ApiException
    from kubernetes.stream import portforward
    from requests.adapters import HTTPAdapter
    from urllib3.connection import HTTPConnection
    from urllib3.connectionpool import HTTPConnectionPool
    from urllib3.exceptions import NewConnectionError

    PORTFORWARD_IMPORT_ERROR = None
except ImportError:
    PORTFORWARD_IMPORT_ERROR = traceback.format_exc()
    HTTPAdapter = object  # type: ignore[misc,assignment]

if t.TYPE_CHECKING:
    import socket

    from kubernetes.stream.ws_client import PortForward as _PortForward

#: Seconds within which the API server must have opened a stream.
OPEN_TIMEOUT = 15.0
ResultT = t.TypeVar("ResultT")


class Target(t.NamedTuple):
    """A ready pod and the container port behind a Service's port. :param uid: the pod's, which a successor does not have."""

    pod: str
    port: int
    uid: str = ""


def choose_target(slices: t.Sequence[t.Mapping[str, t.Any]], service: str, port: str) -> Target:
    """The first ready pod behind a Service, by its EndpointSlices. Pure.

    :param port: the Service's port name, or the container's port number.
    :raises Failure: layer ``kubernetes``: ``not_ready`` without a ready pod, ``invalid_value`` for another port.
    """
    offered: set[str] = set()
    unready: list[str] = []
    for entry in slices:
        ports = entry.get("ports") or []
        offered |= {f"{p.get('name') or ''} ({p.get('port')})".strip() for p in ports}
        number = next((p.get("port") for p in ports if port in (p.get("name"), str(p.get("port")))), None)
        for endpoint in entry.get("endpoints") or []:
            target = endpoint.get("targetRef") or {}
            if target.get("kind") != "Pod":
                continue
            # An absent condition counts as ready (API documentation of EndpointConditions).
            if (endpoint.get("conditions") or {}).get("ready") is False:
                unready.append(str(target.get("name")))
            elif number is not None:
                return Target(str(target["name"]), int(number), str(target.get("uid") or ""))
    if offered and not any(port in offer.replace("(", "").replace(")", "").split() for offer in offered):
        raise Failure(
            "kubernetes",
            "invalid_value",
            f"the Service {service} has no port {port!r}; it offers {', '.join(sorted(offered))}.",
        )
    pods = f" (not ready: {', '.join(sorted(unready))})" if unready else ""
    raise Failure(
        "kubernetes",
        "not_ready",
        f"no pod behind the Service {service} is ready{pods}.",
        hint="Look at the pod's events and log; the server is not reachable before it is ready.",
    )


class PodFinder:
    """Finds the pod behind a Service.

    :raises Failure: layer ``kubernetes``; ``not_found`` when the Service does not exist.
    """

    def __init__(self, cluster: KubernetesClient, namespace: str, service: str, port: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._service = service
        self._port = port

    def find(self) -> Target:
        """Ask the API server."""
        slices = self._cluster.items(
            f"/apis/discovery.k8s.io/v1/namespaces/{self._namespace}/endpointslices",
            f"kubernetes.io/service-name={self._service}",
        )
        if not slices and not self.exists():
            raise Failure(
                "kubernetes",
                "not_found",
                f"there is no Service {self._service} in the namespace {self._namespace}.",
                hint="The chart is not installed there, or release and namespace are other ones.",
            )
        return choose_target(slices or [], self._service, self._port)

    def exists(self) -> bool:
        """Whether the Service exists."""
        return self._cluster.find(f"/api/v1/namespaces/{self._namespace}/services/{self._service}") is not None


class Finder(t.Protocol):
    """Says where a port-forward goes."""

    def find(self) -> Target:
        """Asked for each connection."""


class PodPort:
    """A pod that has been found, and any port of it, also one that its Service does not have."""

    def __init__(self, pod: str, port: int) -> None:
        self._target = Target(pod, port)

    def find(self) -> Target:
        """Known."""
        return self._target


class PortForward:
    """Opens sockets to a Service's pod.

    :param connection: kubernetes.core's connection options.
    """

    def __init__(self, connection: t.Mapping[str, t.Any], finder: Finder, namespace: str) -> None:
        if PORTFORWARD_IMPORT_ERROR is not None:
            name = "requests" if REQUESTS_IMPORT_ERROR else "kubernetes"
            raise missing_library("kubernetes", name, "for the port-forward to the mail server")
        # One of its own: the library replaces a client's request function while it opens a stream.
        self._connection = connection
        self._core = CoreV1Api(api_client(connection))
        self._finder = finder
        self._namespace = namespace

    def open(self) -> socket.socket:
        """A connected socket.

        :raises Failure: as :meth:`PodFinder.find`; ``forbidden`` without the right to forward ports.
        :raises OSError: when the API server cannot be reached.
        """
        target = self._finder.find()
        sock: socket.socket = self.forward(target.pod, [target.port]).socket(target.port)
        sock.setblocking(True)
        return sock

    def forward(self, pod: str, ports: t.Sequence[int]) -> _PortForward:
        """Streams to several ports of a pod in one request; ``socket(port)`` is one, ``error(port)`` why it has ended.

        :raises Failure: ``forbidden``. :raises OSError: when the API server cannot be reached.
        """
        core, listed = self._core, ",".join(map(str, ports))
        try:
            return _within(
                OPEN_TIMEOUT,
                lambda: portforward(core.connect_get_namespaced_pod_portforward, pod, self._namespace, ports=listed),
            )
        except _Stalled:
            # The thread that hangs keeps its client.
            self._core = CoreV1Api(api_client(self._connection))
            raise OSError(f"port-forward to pod {pod}: no answer within {OPEN_TIMEOUT:g} seconds") from None
        except ApiException as exc:
            if exc.status == 403 or "403" in str(exc.reason):
                raise Failure(
                    "kubernetes",
                    "forbidden",
                    f"the run's user may not open a port-forward to pod {pod} in {self._namespace}.",
                    hint="Grant it 'create' and 'get' on pods/portforward (docs: least privilege, Kubernetes RBAC).",
                ) from None
            raise OSError(f"port-forward to pod {pod}: {exc.reason}") from None


class _Stalled(Exception):
    """A call did not end in time."""


def _within(seconds: float, call: t.Callable[[], ResultT]) -> ResultT:
    """What the call returns or raises; the library's port-forward takes no time-out of its own and could hang for ever.

    :raises _Stalled: after ``seconds``; the call's thread does not keep the process from ending.
    """
    done: queue.Queue[tuple[t.Optional[ResultT], t.Optional[BaseException]]] = queue.Queue(1)

    def work() -> None:
        try:
            done.put((call(), None))
        except BaseException as exc:
            done.put((None, exc))

    threading.Thread(target=work, daemon=True).start()
    try:
        result, raised = done.get(timeout=seconds)
    except queue.Empty:
        raise _Stalled from None
    if raised is not None:
        raise raised
    return t.cast("ResultT", result)


def adapter(forward: PortForward) -> t.Any:
    """A transport adapter that sends everything through port-forwards."""

    class Connection(HTTPConnection):
        def _new_conn(self) -> t.Any:
            try:
                return forward.open()
            except OSError as exc:
                # So that callers know that nothing was sent.
                raise NewConnectionError(self, str(exc)) from exc

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class Adapter(HTTPAdapter):
        def init_poolmanager(self, *args: t.Any, **kwargs: t.Any) -> None:
            super().init_poolmanager(*args, **kwargs)
            self.poolmanager.pool_classes_by_scheme = {"http": Pool}

    return Adapter()
