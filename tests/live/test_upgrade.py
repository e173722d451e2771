"""Upgrades from older charts: the volume, the Secrets and the mail stay, and a mail client finds them again."""

from __future__ import annotations

import imaplib
import json
from pathlib import Path
from typing import Any, Iterator

import pytest

from tests.sandbox import facts

from . import keycloak, older
from .conftest import kubernetes_json
from .older import PASSWORD
from .tenant import Tenant, remove

pytestmark = pytest.mark.lifecycle

FQDN = facts.platform_fqdn()
VOLUME = {"size": "20Gi", "storageClassName": "sandbox-local"}


def paths(slug: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where the Secrets come from, as both charts name it."""
    prefix = f"sovereign/{FQDN}/stalwart/{slug}"
    return {"remoteRef": {"key": f"{prefix}/admin"}}, {"remoteRef": {"key": f"{prefix}/oidc"}}


@pytest.fixture
def tenant(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Tenant]:
    """A namespace, secrets and a realm, and no release yet."""
    slug, number = request.param
    found = Tenant(slug, number, tmp_path)
    remove(slug)
    try:
        run = found.provision("--tags", "secrets,realm")
        assert run.status == 0, run.output[-4000:]
        yield found
    finally:
        remove(slug)


def fixed(tenant: Tenant) -> dict[str, Any]:
    """What an upgrade must not touch."""
    claim = tenant.object("persistentvolumeclaim", "data-stalwart-0")
    secret = tenant.object("secret", "stalwart-admin")
    return {
        "claim": (claim["metadata"]["uid"], claim["spec"]["volumeName"]),
        "secret": (secret["metadata"]["uid"], secret["data"]),
    }


def planned(tenant: Tenant) -> str:
    """What the check run of the release shows; it writes nothing. The Stalwart roles would find no pod behind the Service."""
    mark = facts.mark()
    run = tenant.provision("--check", "--diff", "--tags", "chart")
    assert run.status == 0, run.output[-4000:]
    assert {backend: count["write"] for backend, count in facts.counts(mark).items()} == dict.fromkeys(
        facts.BACKENDS, 0
    )
    return run.output


def served_by(tenant: Tenant, service: str) -> list[str]:
    """The pods behind a Service."""
    slices = kubernetes_json(
        "get", "endpointslices", "-n", tenant.namespace, "-l", f"kubernetes.io/service-name={service}"
    )["items"]
    return [endpoint["targetRef"]["name"] for item in slices for endpoint in item["endpoints"] or []]


def ended(client: imaplib.IMAP4) -> None:
    """A client that stayed logged in sees its connection end; now it does what mail clients do, and connects again."""
    with pytest.raises((OSError, imaplib.IMAP4.abort)):
        client.noop()


@pytest.mark.usual
@pytest.mark.parametrize("tenant", [("legacy", 8)], indirect=True)
def test_from_the_original_chart_with_a_mail_client_that_stays_logged_in(tenant: Tenant) -> None:
    admin, oidc = paths(tenant.slug)
    values = {
        "image": older.image(),
        "domain": {"primary": tenant.domain},
        "admin": {"externalSecret": admin},
        "keycloak": {"oidcExternalSecret": oidc},
        "persistence": VOLUME,
        "externalIPs": [tenant.address],
    }
    older.install(tenant, "original-0.1.2", values)
    with older.server_of(tenant) as server:
        domain = server.create("Domain", {"name": tenant.domain})
        credentials = {"0": {"@type": "Password", "secret": PASSWORD}}
        server.create("Account", {"@type": "User", "name": "alice", "domainId": domain, "credentials": credentials})
    client = older.imap(tenant.address)
    client.login(f"alice@{tenant.domain}", PASSWORD)
    older.append(client, "from the original")
    stored = older.inbox(client)
    before, pod = fixed(tenant), tenant.object("pod", "stalwart-0")
    assert served_by(tenant, "stalwart-web") == [], "the original's web Service selects another pod"

    shown = planned(tenant)
    for needle in ("StatefulSet stalwart", "volumeClaimTemplates", "Pod stalwart-0", "bp-stalwart-tenant-0.1.2"):
        assert needle in shown, f"the diff does not show {needle}:\n{shown[-12000:]}"
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] == pod["metadata"]["uid"]
    assert client.noop()[0] == "OK"

    run = tenant.provision()
    assert run.status == 0, run.output[-6000:]
    assert fixed(tenant) == before
    assert tenant.object("pod", "stalwart-0")["metadata"]["uid"] != pod["metadata"]["uid"]
    assert served_by(tenant, "stalwart-web") == ["stalwart-0"]
    assert tenant.names("poddisruptionbudget") == []
    ended(client)
    with (
        keycloak.user(tenant.realm, "alice", tenant.domain),
        keycloak.client(tenant.realm, "probe"),
        older.imap(tenant.address) as again,
    ):
        older.bearer(again, f"alice@{tenant.domain}", keycloak.token(tenant.realm, "probe", "alice"))
        assert older.inbox(again) == stored
    assert tenant.provision().changed == {tenant.slug: 0}


@pytest.mark.parametrize("tenant", [("previous", 9)], indirect=True)
def test_from_the_chart_before_with_a_mail_client_that_stays_logged_in(tenant: Tenant) -> None:
    admin, oidc = paths(tenant.slug)
    values = {
        "image": older.image_values(older.image()),
        "domain": {"primary": tenant.domain},
        "admin": {"externalSecret": admin},
        "keycloak": {
            "realmURL": f"{facts.settings().keycloak_url}/realms/{tenant.realm}",
            "oidcExternalSecret": oidc,
        },
        "ca": {"bundle": facts.settings().ca_file.read_text()},
        "persistence": VOLUME,
        "service": {"externalIPs": [tenant.address]},
    }
    older.install(tenant, "bp-stalwart-tenant-0.1.0", values)
    # As the collection of that chart configured it: its pod has no certificate's files.
    settings = {
        "domain": {tenant.domain: {}},
        "systemSettings": {"defaultHostname": f"mail.{tenant.domain}", "defaultDomainId": tenant.domain},
        "tracer": {"stdout": {"@type": "Stdout", "level": "info", "ansi": False}},
        "spamSettings": {"enable": False, "spamFilterRulesUrl": None},
        "spamPyzor": {"enable": False},
    }
    before_chart = {"server_settings_settings": settings, "server_settings_certificate_secret": ""}
    tags = ("--tags", "server_settings,oidc_directory,mailboxes")
    ready = tenant.provision(*tags, "-e", json.dumps(before_chart))
    assert ready.status == 0, ready.output[-4000:]
    before, realm, user = fixed(tenant), tenant.realm, f"alice@{tenant.domain}"
    with keycloak.user(realm, "alice", tenant.domain), keycloak.client(realm, "probe"):
        client = older.imap(tenant.address)
        older.bearer(client, user, keycloak.token(realm, "probe", "alice"))
        older.append(client, "from the chart before")
        stored = older.inbox(client)

        run = tenant.provision()
        assert run.status == 0, run.output[-6000:]
        assert "chart" in run.line(tenant.slug).split(" | ")[0]
        assert fixed(tenant) == before
        release = tenant.object("statefulset", "stalwart")
        assert release["metadata"]["labels"]["helm.sh/chart"] != "bp-stalwart-tenant-0.1.0"
        ended(client)
        with older.imap(tenant.address) as again:
            older.bearer(again, user, keycloak.token(realm, "probe", "alice"))
            assert older.inbox(again) == stored
    assert tenant.provision().changed == {tenant.slug: 0}
