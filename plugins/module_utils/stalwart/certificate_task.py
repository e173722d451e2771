# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of ``stalwart_certificate``: every TLS port serves the certificate that it is to serve, without a restart."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import hashlib
import socket
import time
import typing as t
from urllib.parse import urlsplit

from .. import tls
from ..failure import Failure, missing_library
from ..kubernetes.certificate import held
from ..reconcile import Change, Plan
from . import served
from .connection import base_url
from .served import Broken, Chain, Closed, Port
from .task import open_driver

if t.TYPE_CHECKING:
    from ..kubernetes.client import KubernetesClient

if tls.CRYPTOGRAPHY_IMPORT_ERROR is None:
    from cryptography import x509

#: Seconds between two reloads while a changed Secret is awaited in the pod.
INTERVAL = 3.0


@dataclasses.dataclass(frozen=True)
class Desired:
    """The certificate to serve, with its chain: without that, clients that do not know the issuer refuse it.

    :param source: where it is, for messages. :param fault: why no server serves it; else empty.
    """

    chain: Chain
    source: str
    fault: str = ""


class Ports:
    """The server's ports, each connection a new one.

    :param server_name: the name that clients ask for.
    """

    def __init__(self, connect: t.Callable[[int], t.Any], server_name: str, ports: t.Sequence[Port]) -> None:
        self._connect = connect
        self._name = server_name
        self._ports = ports

    def first(self) -> tuple[Port, Chain | None, str]:
        """The first port that answers, what it serves, and why it serves nothing.

        All listeners of a server look the certificate up in one place, so one of them tells.

        :raises Failure: ``unreachable`` when none answers.
        """
        closed = []
        for port in self._ports:
            try:
                return port, self._look(port), ""
            except Broken as exc:
                return port, None, str(exc)
            except Closed as exc:
                closed.append(f"{port.number} ({exc})")
        raise Failure(
            "stalwart",
            "unreachable",
            f"no TLS port of {self._name} answers: {', '.join(closed)}.",
            hint="Look at the pod, and at the server's listeners.",
        )

    def all(self, chain: Chain) -> tuple[list[int], list[int], list[str]]:
        """The ports that serve this certificate with its chain, those that are closed, and what is wrong with the others."""
        serving, closed, wrong = [], [], []
        for port in self._ports:
            try:
                seen = self._look(port)
                if seen == chain:
                    serving.append(port.number)
                else:
                    what = "it with another chain" if seen[0] == chain[0] else "another one"
                    wrong.append(f"{port.number} serves {what}")
            except Broken as exc:
                wrong.append(f"{port.number}: {exc}")
            except Closed:
                closed.append(port.number)
        return serving, closed, wrong

    def _look(self, port: Port) -> Chain:
        return _without_root(served.chain(port, self._connect, self._name))


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Compare one port with the certificate; if it differs, reload until it does not, and prove every port.

    :raises Failure: see the module's documentation.
    """
    if tls.CRYPTOGRAPHY_IMPORT_ERROR is not None:
        raise missing_library("stalwart", "cryptography", "to read certificates")
    if bool(params["secret"]) == bool(params["certificate"]) or (params["secret"] and not params["kubernetes"]):
        raise _invalid("give either certificate, or secret together with kubernetes.")
    with contextlib.ExitStack() as stack:
        cluster, connect = _way(params, stack)
        ports = Ports(connect, params["server_name"], [_port(given) for given in params["ports"]])
        desired = _desired(params, cluster, check_mode)
        result = _converge(params, ports, desired, check_mode)
        requests = (cluster.requests if cluster else 0) + result.pop("requests", 0)
        return {**result, "requests": requests}


def _converge(
    params: t.Mapping[str, t.Any], ports: Ports, desired: Desired | None, check_mode: bool
) -> dict[str, t.Any]:
    name = params["server_name"]
    if desired is not None and desired.fault:
        return _result(Plan(), None, unusable=f"{desired.source} {desired.fault}")
    port, before, why = ports.first()
    if desired is not None and before == desired.chain:
        return _result(Plan(), desired, serving=[port.number])
    after = shown(desired.chain) if desired else {"certificate": "the one that the Secret will have"}
    change = Change("update", "certificate", name, shown(before) if before else {"certificate": why}, after)
    if check_mode or desired is None:
        return _result(Plan((change,)), desired)
    reloads, requests = _reload(params, ports, desired)
    serving, closed, wrong = ports.all(desired.chain)
    if wrong:
        raise Failure(
            "stalwart",
            "not_converged",
            f"the server serves the certificate in {desired.source} on port {', '.join(map(str, serving)) or 'none'} only: "
            f"{'; '.join(wrong)}.",
            hint="A listener may have TLS settings of its own; look at x:NetworkListener.",
        )
    result = _result(Plan((change,)), desired, serving=serving, closed=closed)
    return {**result, "reloads": reloads, "requests": requests}


def _reload(params: t.Mapping[str, t.Any], ports: Ports, desired: Desired) -> tuple[int, int]:
    """Reload until the first port serves it; how many reloads and requests that took.

    :raises Failure: ``timeout``.
    """
    start, reloads = time.monotonic(), 0
    with open_driver(params) as (driver, connection):
        while True:
            why = driver.reload_certificates()
            reloads += 1
            seen, found, broken = _first(ports)
            if found == desired.chain:
                return reloads, connection.http.requests
            waited = time.monotonic() - start
            if waited >= params["timeout"]:
                other = "its chain is another one" if found and found[0] == desired.chain[0] else ""
                reason = broken or why or other or "the files that it reads still hold another one"
                raise Failure(
                    "stalwart",
                    "timeout",
                    f"{seen} of {params['server_name']} does not serve the certificate in {desired.source} after "
                    f"{reloads} reloads in {waited:.0f} s: {reason.rstrip('.')}.",
                    hint="A changed Secret reaches a running pod within about a minute, and one that the pod does not mount never: "
                    "run role chart first, then run again.",
                )
            # Nothing announces that the kubelet has written the files.
            time.sleep(min(INTERVAL, max(0.0, params["timeout"] - waited)))


def _first(ports: Ports) -> tuple[str, Chain | None, str]:
    """As :meth:`Ports.first`, for a server that may have read half of a pair of files, and then ends every handshake."""
    try:
        port, found, broken = ports.first()
    except Failure as failure:
        if failure.code != "unreachable":
            raise
        return "every port", None, failure.message
    return f"port {port.number}", found, broken


def _way(
    params: t.Mapping[str, t.Any], stack: contextlib.ExitStack
) -> tuple[KubernetesClient | None, t.Callable[[int], t.Any]]:
    """How ports are reached: by the Kubernetes API, or at the URL's host."""
    options = params["kubernetes"]
    if not options:
        if not params["api_url"]:
            raise _invalid("nothing says where the server is: give api_url or kubernetes.")
        host = str(urlsplit(base_url(params["api_url"])).hostname)
        return None, lambda number: socket.create_connection((host, number), served.TIMEOUT)
    # Here, because the Kubernetes library is for those who use it.
    from ..kubernetes.client import connect
    from .portforward import PodFinder, PodPort, PortForward

    rest = dict(options)
    namespace, service, port = (str(rest.pop(name)) for name in ("namespace", "service", "port"))
    cluster = connect(rest)
    stack.callback(cluster.close)
    finder = PodFinder(cluster, namespace, service, port)
    pods: list[str] = []

    def opened(number: int) -> t.Any:
        if not pods:
            pods.append(finder.find().pod)
        return PortForward(rest, PodPort(pods[0], number), namespace).open()

    return cluster, opened


def _desired(params: t.Mapping[str, t.Any], cluster: KubernetesClient | None, check_mode: bool) -> Desired | None:
    """The certificate to serve; none in check mode where the Secret is still to be made.

    :raises Failure: ``not_found``, ``invalid_value``.
    """
    if cluster is None or not params["secret"]:
        return Desired(_chain(str(params["certificate"]).encode()), "option certificate")
    namespace, name = params["kubernetes"]["namespace"], params["secret"]
    secret = cluster.find(f"/api/v1/namespaces/{namespace}/secrets/{name}")
    if secret is None:
        if check_mode:
            return None
        raise Failure(
            "kubernetes",
            "not_found",
            f"there is no Secret {name} in {namespace}, which holds the server's certificate.",
            hint="Run role chart first.",
        )
    source = f"the Secret {name}"
    found = held(secret, (), datetime.datetime.now(datetime.timezone.utc))
    if found.fault:
        return Desired((), source, found.fault)
    return Desired(_chain(base64.b64decode(secret["data"]["tls.crt"])), source)


def _chain(pem: bytes) -> Chain:
    from cryptography.hazmat.primitives.serialization import Encoding

    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise _invalid("certificate: no PEM text of a certificate.") from None
    return _without_root(tuple(part.public_bytes(Encoding.DER) for part in found))


def _without_root(chain: Chain) -> Chain:
    """A root that is sent along tells no client anything, so a server may leave it out (RFC 8446 section 4.4.2)."""
    leaf, *rest = chain
    return (leaf, *(der for der in rest if not _is_root(der)))


def _is_root(der: bytes) -> bool:
    found = _read(der)
    return found is not None and tls.self_signed(found)


def _read(der: bytes) -> x509.Certificate | None:
    """A certificate of a chain; a server may send anything behind its own."""
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError:
        return None


def shown(chain: Chain) -> dict[str, t.Any]:
    """What a diff and a result tell of a certificate."""
    der, *rest = chain
    found = x509.load_der_x509_certificate(der)
    return {
        "names": tls.host_names(found),
        "issuer": found.issuer.rfc4514_string(),
        "until": f"{found.not_valid_after_utc:%Y-%m-%d}",
        "sha256": hashlib.sha256(der).hexdigest(),
        "chain": [_subject(part) for part in rest],
    }


def _subject(der: bytes) -> str:
    found = _read(der)
    return "unreadable" if found is None else found.subject.rfc4514_string()


def _port(given: t.Mapping[str, t.Any]) -> Port:
    if given["starttls"] and given["protocol"] == "http":
        raise _invalid(f"ports: port {given['port']} cannot have STARTTLS, because http has none.")
    return Port(given["port"], given["protocol"], given["starttls"])


def _result(
    plan: Plan,
    desired: Desired | None,
    *,
    serving: t.Sequence[int] = (),
    closed: t.Sequence[int] = (),
    unusable: str | None = None,
) -> dict[str, t.Any]:
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "certificate": shown(desired.chain) if desired else None,
        "serving": list(serving),
        "closed": list(closed),
        "unusable": unusable,
        "reloads": 0,
    }


def _invalid(message: str) -> Failure:
    return Failure("stalwart", "invalid_value", message)
