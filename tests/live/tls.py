"""The certificate in a tenant's Secret, and what each of its TLS ports shows a client."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from tests.sandbox.process import wait_until

from . import ports
from .conftest import kubernetes_json, report
from .stalwart import secret

SECRET = "stalwart-tls"
PORTS = (443, 465, 993, 25, 587, 143)


@dataclass(frozen=True)
class Served:
    """:param host: the mail host. :param address: where mail is taken; the web Service is asked by its own."""

    namespace: str
    host: str
    address: str

    def in_secret(self) -> bytes:
        """The certificate (DER) in the Secret."""
        leaf = secret(self.namespace, SECRET, "tls.crt").split("-----END")[0]
        return ssl.PEM_cert_to_DER_cert(leaf + "-----END CERTIFICATE-----\n")

    def shown(self, context: ssl.SSLContext) -> dict[int, bytes]:
        """What each port shows a client that asks for the mail host. Raises ssl.SSLError where the client refuses it."""
        found: dict[int, bytes] = {}
        for port in PORTS:
            with ports.secured(self.host, self._address(port), port, context) as secured:
                found[port] = secured.connection.getpeercert(binary_form=True) or b""
        return found

    def renewed(self) -> bytes:
        """Let cert-manager issue it anew, as it does some time before the end; the new one (DER)."""
        before = self.in_secret()
        report(kubernetes_json("get", "certificate", SECRET, "-n", self.namespace), "Issuing", "ManuallyTriggered")
        wait_until(lambda: self.in_secret() != before, "a renewed certificate in the Secret", timeout=30)
        return self.in_secret()

    def _address(self, port: int) -> str:
        if port == 443:
            service = kubernetes_json("get", "service", "stalwart-web", "-n", self.namespace)
            return str(service["spec"]["clusterIP"])
        return self.address
