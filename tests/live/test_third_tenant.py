"""A tenant more: only it is touched, its certificate comes in the same run, and nothing that is told on the way holds a secret."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Iterator

import pytest

from tests.sandbox import facts

from . import helm, issuer, ports
from .conftest import kubernetes_json
from .run import provision
from .stalwart import secret
from .tenant import Tenant, remove

APPS = ("stalwart", "wordpress", "openclaw")
TLS_KEY = "stalwart-tls#tls.key"
#: Characters of a full line of PEM (RFC 7468); a shorter one may stand anywhere by chance.
PEM_LINE = 64


def secrets_of(slug: str) -> dict[str, str]:
    """Every secret that a run for this tenant handles, by where it comes from."""
    found = {}
    bao = facts.openbao().secrets.kv.v2
    for path in (f"stalwart/{slug}/admin", *(f"{app}/{slug}/oidc" for app in APPS)):
        answer = bao.read_secret_version(
            path=f"sovereign/{facts.platform_fqdn()}/{path}", mount_point="secret", raise_on_deleted_version=True
        )
        found.update({f"{path}#{name}": value for name, value in answer["data"]["data"].items()})
    for name in ("powerdns-api-key", "keycloak-provisioner-secret", "openbao-provisioner-secret-id"):
        found[name] = (facts.settings().credentials / name).read_text().strip()
    return found | private_key(f"tenant-{slug}")


def private_key(namespace: str) -> dict[str, str]:
    """The key of the server's certificate, as a whole and by its lines: a diff or a log may break it anywhere between them."""
    pem = secret(namespace, "stalwart-tls", "tls.key")
    lines = [line for line in pem.splitlines() if len(line) == PEM_LINE and not line.startswith("-----")]
    assert lines, "a key has a line of its own"
    return {
        TLS_KEY: pem.strip(),
        f"{TLS_KEY} in a Secret": pem,
        **{f"{TLS_KEY} {n}": line for n, line in enumerate(lines)},
    }


def found_in(places: dict[str, str], secrets: dict[str, str]) -> list[tuple[str, str]]:
    """Which secret stands where, as it is or encoded as in a Secret."""
    return [
        (where, place)
        for where, value in secrets.items()
        for place, text in places.items()
        if value in text or base64.b64encode(value.encode()).decode() in text
    ]


def places_of(namespace: str) -> dict[str, str]:
    """Everything about a tenant that more people read than its Secrets."""
    return {
        "helm get values": helm.output(namespace, "get", "values", "stalwart", "--all"),
        "helm get manifest": helm.output(namespace, "get", "manifest", "stalwart"),
        "Helm's record": json.dumps(helm.contents(helm.record(namespace))),
        **{
            f"{kind}s": json.dumps(kubernetes_json("get", kind, "-n", namespace))
            for kind in ("event", "configmap", "pod", "statefulset", "lease")
        },
        "the pod's log": facts.kubernetes("logs", "stalwart-0", "-n", namespace),
    }


@pytest.fixture
def delta(tmp_path: Path) -> Iterator[Tenant]:
    remove("delta")
    try:
        yield Tenant("delta", 4, tmp_path, {"platform_certificate_issuer": issuer.ISSUER})
    finally:
        remove("delta")


def test_a_third_tenant_changes_only_itself_and_no_secret_is_told(delta: Tenant) -> None:
    host = f"mail.{delta.domain}"
    with issuer.signing(delta.namespace, host) as signed:
        run = provision("-vvvv", "--diff", inventory=delta.inventory())
    assert run.status == 0, run.output[-4000:]
    assert (run.changed["acme"], run.changed["beta"]) == (0, 0)
    assert run.changed["delta"] > 0

    # The issuer signs only what is published, so the server is given its certificate after the DNS records.
    assert len(signed) == 1
    assert f"certificate of {host} until " in run.line("delta")
    assert "self-signed" not in run.line("delta")
    with ports.secured(host, delta.address, 465, ports.context()) as secured:
        assert secured.greeting.startswith("220 ")

    # The key that the server started with is gone with its certificate; none is told, whichever it was.
    assert "PRIVATE KEY-----" not in run.output
    places = {"the run's output": run.output, **places_of(delta.namespace)}
    assert json.loads(places["events"])["items"], "there have been events"
    secrets = secrets_of("delta")
    assert len([where for where in secrets if not where.startswith(TLS_KEY)]) == 7
    assert found_in(places, secrets) == []
