"""An issuer that is none of cert-manager's own, and signs only for names that are published, as one that asks by HTTP does."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator

from tests.sandbox import facts
from tests.sandbox.pki import Authority

from .conftest import kubernetes_json, report
from .test_provisioned import answers

#: cert-manager leaves requests of a group that it does not know to others (its guide for external issuers).
ISSUER = {"group": "issuers.test", "kind": "Issuer", "name": "published"}
#: Seconds between two looks.
INTERVAL = 0.5


@contextlib.contextmanager
def signing(namespace: str, host: str) -> Iterator[list[str]]:
    """Sign that namespace's requests while the block runs; the list gets the names of those that are signed."""
    over, signed = threading.Event(), []

    def work() -> None:
        while not over.wait(INTERVAL):
            if answers(host, "A"):
                signed.extend(_sign(namespace))

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield signed
    finally:
        over.set()
        worker.join()


def _sign(namespace: str) -> list[str]:
    authority = Authority(facts.settings().pki)
    done = []
    for request in kubernetes_json("get", "certificaterequests.cert-manager.io", "-n", namespace)["items"]:
        conditions = request.get("status", {}).get("conditions", [])
        if request["spec"]["issuerRef"] != ISSUER or any(item["type"] == "Ready" for item in conditions):
            continue
        certificate = authority.sign(base64.b64decode(request["spec"]["request"]))
        report(request, "Ready", "Issued", certificate=base64.b64encode(certificate).decode())
        done.append(request["metadata"]["name"])
    return done
