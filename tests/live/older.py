"""A tenant as an older chart left it, and its mailbox as a mail client sees it."""

from __future__ import annotations

import imaplib
import json
import ssl
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.sandbox import facts

from .conftest import kubernetes_json
from .run import LINK, Run, provision
from .stalwart import Stalwart

FIXTURES = Path(__file__).parents[1] / "chart" / "fixtures"
PASSWORD = "Zeta-Pass-7731-xx"
SECONDS = 20


@dataclass
class Tenant:
    """A tenant of its own, besides those of the inventory.

    :param number: of its mail address. :param folder: where its inventory goes.
    """

    slug: str
    number: int
    folder: Path
    variables: dict[str, Any] = field(default_factory=dict)
    first: str = ""

    @property
    def namespace(self) -> str:
        return f"tenant-{self.slug}"

    @property
    def domain(self) -> str:
        return f"{self.slug}.{facts.platform_fqdn()}"

    @property
    def address(self) -> str:
        return facts.settings().mail_address(self.number)

    def provision(self, *args: str, extra: dict[str, Any] | None = None, **more: Any) -> Run:
        """The playbook for this tenant only."""
        addition = self.folder / f"{self.slug}.yml"
        host = {"tenant_mail_addresses": [self.address], **self.variables}
        addition.write_text(json.dumps({"tenants": {"hosts": {self.slug: host}}}))
        sources = ["inventories/sandbox", str(addition)]
        return provision("--limit", self.slug, *args, inventory=sources, extra=extra, **more)

    def object(self, kind: str, name: str) -> dict[str, Any]:
        return kubernetes_json("get", kind, name, "-n", self.namespace)

    def names(self, kind: str) -> list[str]:
        return [item["metadata"]["name"] for item in kubernetes_json("get", kind, "-n", self.namespace)["items"]]

    def helm(self, *words: str, stdin: str | None = None) -> str:
        """Helm by hand, as the cluster's administrator."""
        done = subprocess.run(
            [
                str(facts.settings().bin / "helm"),
                "--kubeconfig",
                str(facts.settings().kubeconfig),
                *words,
                "--namespace",
                self.namespace,
            ],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def install(self, chart: str, values: dict[str, Any]) -> None:
        """An older chart; returns when its pod is ready."""
        self.helm("install", "stalwart", str(FIXTURES / chart), "--values", "-", stdin=json.dumps(values))
        facts.kubernetes("rollout", "status", "statefulset/stalwart", "-n", self.namespace, "--timeout=90s")

    def server(self) -> Stalwart:
        """The admin API at the pod itself: an older chart's Service may lead elsewhere."""
        server = Stalwart(self.slug)
        server.url = f"http://{self.object('pod', 'stalwart-0')['status']['podIP']}:8080"
        return server

    def imap(self) -> imaplib.IMAP4_SSL:
        """A connection by the mail address, from outside the cluster; awaited, because the pod may be the next one."""
        context = ssl._create_unverified_context()
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return imaplib.IMAP4_SSL(self.address, 993, ssl_context=context, timeout=SECONDS)
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def remove(self) -> None:
        """The namespace with all that is in it; the volume is freed at the sandbox's next start."""
        facts.kubernetes("delete", "namespace", self.namespace, "--ignore-not-found", "--wait=false")
        facts.kubernetes("delete", "pod", "--all", "-n", self.namespace, "--grace-period=1", "--wait=false")
        gone = ("wait", "--for=delete", f"namespace/{self.namespace}", "--timeout=120s")
        facts.kubernetes(*gone)


def image() -> str:
    """The sandbox's image of Stalwart."""
    variables = yaml.safe_load((LINK / "inventories/sandbox/group_vars/tenants.yml").read_text())
    return str(variables["sandbox_images"]["0.16"])


def bearer(client: imaplib.IMAP4_SSL, user: str, token: str) -> None:
    """Log in by a token of the realm (RFC 7628)."""
    client.authenticate("OAUTHBEARER", lambda _: f"n,a={user},\x01auth=Bearer {token}\x01\x01".encode())


def append(client: imaplib.IMAP4_SSL, subject: str) -> None:
    """Put a message into the inbox."""
    text = f"From: a@b.test\r\nSubject: {subject}\r\n\r\nkept\r\n".encode()
    assert client.append("INBOX", "", imaplib.Time2Internaldate(time.time()), text)[0] == "OK"


def inbox(client: imaplib.IMAP4_SSL) -> tuple[str, list[bytes]]:
    """UIDVALIDITY and the messages' UIDs and texts: what a client compares its cache with."""
    assert client.select("INBOX", readonly=True)[0] == "OK"
    validity = client.response("UIDVALIDITY")[1][0].decode()
    found = client.uid("FETCH", "1:*", "(RFC822)")[1]
    return validity, [part for item in found if isinstance(item, tuple) for part in item]
