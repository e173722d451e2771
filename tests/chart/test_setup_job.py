"""The Job that configures the server in the cluster: as rendered, and what it would run, on a server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from tests import playbook
from tests.contract import servers
from tests.contract.api import Target
from tests.contract.issuer import Issuer

from .conftest import Manifest, Refused

Render = Callable[..., Manifest]

WEB = "http://stalwart-web.tenant-acme.svc:8080"
REALM = "https://keycloak.acme.test/realms/sme-acme"
ALONE: dict[str, Any] = {"setupJob": {}, "domain": {"primary": "acme.omantel.test"}, "keycloak": {"realmURL": REALM}}
VERSION = yaml.safe_load((Path(__file__).parents[2] / "galaxy.yml").read_text())["version"]


def inventory(manifest: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(manifest.one("ConfigMap", "stalwart-setup")["data"]["inventory.yml"])
    return found["all"]["children"]["tenants"]["hosts"]


def test_the_job_is_a_hook_with_an_end(render: Render) -> None:
    job = render(ALONE).one("Job", "stalwart-setup")
    assert job["metadata"]["annotations"] == {
        "helm.sh/hook": "post-install,post-upgrade",
        "helm.sh/hook-weight": "5",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert (job["spec"]["backoffLimit"], job["spec"]["activeDeadlineSeconds"]) == (6, 600)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["image"] == f"docker.io/tenantmail/stalwart-ee:{VERSION}"
    assert container["resources"].keys() == {"requests", "limits"}
    assert container["command"][-1] == "tenantmail.stalwart.configure_server"
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_servers_services_do_not_lead_to_the_job(render: Render) -> None:
    manifest = render(ALONE)
    labels = manifest.one("Job", "stalwart-setup")["spec"]["template"]["metadata"]["labels"]
    for name in manifest.names("Service"):
        selector = manifest.one("Service", name)["spec"]["selector"]
        assert not selector.items() <= labels.items(), name
    peers = [
        peer
        for rule in manifest.one("NetworkPolicy", "stalwart-allow")["spec"]["ingress"]
        for peer in rule.get("from", [])
        if {"protocol": "TCP", "port": 8080} in rule["ports"]
    ]
    assert peers == [{"podSelector": {"matchLabels": labels}}]


@pytest.mark.parametrize(
    "values",
    [
        {"setupJob": {}},
        {**ALONE, "setupJob": {"enabled": False}},
    ],
    ids=["no domain", "switched off"],
)
def test_no_job(render: Render, values: dict[str, Any]) -> None:
    manifest = render(values)
    assert manifest.names("Job") == []
    assert "stalwart-setup" not in manifest.names("ConfigMap")
    assert "setup" not in str(manifest.one("NetworkPolicy", "stalwart-allow"))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"setupJob": {}, "domain": {"primary": "acme.test"}}, "keycloak.realmURL: needed"),
        ({**ALONE, "setupJob": {"variables": {"tennant_settings": {}}}}, "tennant_settings"),
        ({**ALONE, "setupJob": {"image": {"repository": "a", "tag": "a b"}}}, "tag"),
        ({**ALONE, "setupJob": {"deadline": 5}}, "deadline"),
        ({**ALONE, "domain": {"primary": "1acme.test"}}, 'setupJob.variables.tenant_slug: "1acme"'),
        (
            {**ALONE, "setupJob": {"variables": {"tenant_relay": {"host": "relay.test", "username": "acme"}}}},
            "setupJob.variables.tenant_relay.username: the relay's password comes from relay.secretName",
        ),
        (
            {**ALONE, "setupJob": {"variables": {"tenant_relay": {"host": "relay.test", "port": 2525}}}},
            "networkPolicy.outboundSMTPPorts: has to name 2525",
        ),
    ],
)
def test_refused(render: Render, values: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        render(values)


def test_what_the_chart_is_told_of_the_server_reaches_the_server(render: Render) -> None:
    """On 0.16 these are settings, which the Job writes."""
    told = {
        "proxyProtocol": {"trustedNetworks": ["192.0.2.0/24"]},
        "spamFilter": {"enabled": True},
        "webAdmin": {"url": "https://files.test/webui.zip"},
        "tls": {"secretName": "acme-tls"},
    }
    (variables,) = inventory(render({**ALONE, **told})).values()
    assert variables["platform_proxy_networks"] == ["192.0.2.0/24"]
    assert variables["tenant_overlay"]["spamFilter"] == {"enabled": True}
    assert variables["tenant_chart_values"] == {"webAdmin": {"url": "https://files.test/webui.zip"}}
    assert variables["tenant_certificate_secret"] == "acme-tls"
    rules = render({**ALONE, **told}).one("Role", "stalwart-setup")["rules"]
    assert {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["acme-tls"], "verbs": ["get"]} in rules


def test_an_image_by_digest_needs_no_tag(render: Render) -> None:
    digest = "sha256:" + "0" * 64
    job = render({**ALONE, "setupJob": {"image": {"digest": digest}}}).one("Job", "stalwart-setup")
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == f"docker.io/tenantmail/stalwart-ee@{digest}"


# --- what it runs ------------------------------------------------------------------------------------
@pytest.fixture
def server(tmp_path: Path) -> Iterator[Target]:
    with servers.opened("simulator", tmp_path) as target:
        yield target


def configure(
    folder: Path, manifest: Manifest, server: Target, password: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the Job's command with the Job's inventory, where the server's place and the Secret's are others.

    There is no cluster whose pod could be restarted (tests/live has one).
    """
    secret = folder / "password"
    secret.write_text(password or server.password)
    text = manifest.one("ConfigMap", "stalwart-setup")["data"]["inventory.yml"]
    for place, other in ((WEB, server.base_url), ("/etc/stalwart-admin/ADMIN_PASSWORD", str(secret))):
        assert place in text
        text = text.replace(place, other)
    (folder / "inventory.yml").write_text(text)
    (container,) = manifest.one("Job", "stalwart-setup")["spec"]["template"]["spec"]["containers"]
    program, *words = container["command"]
    words[words.index("/etc/stalwart-setup/inventory.yml")] = str(folder / "inventory.yml")
    return subprocess.run(
        [
            str(Path(sys.executable).parent / program),
            *words,
            "-vvv",
            "-e",
            '{"server_settings_restart_kubernetes": null}',
        ],
        env={**os.environ, **playbook.own_settings(folder), "XDG_CACHE_HOME": str(folder / "cache")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_configures_a_server(render: Render, server: Target, tmp_path: Path) -> None:
    assert server.simulator
    issuer = Issuer("sme-acme").start()
    try:
        values = {
            **ALONE,
            "keycloak": {"realmURL": issuer.url("sme-acme")},
            "setupJob": {"variables": {"tenant_mailboxes": [{"name": "alice@acme.omantel.test"}]}},
        }
        manifest = render(values)
        first = configure(tmp_path, manifest, server)
        assert "acme: FAILED at stalwart (not_ready): " in first.stdout, first.stdout[-3000:]
        assert "imap, submission; by api_url it cannot be restarted" in first.stdout
        server.restart()
        done = configure(tmp_path, manifest, server)
        assert done.returncode == 0, done.stdout[-4000:]
        assert server.password not in first.stdout + done.stdout
        before = server.simulator.writes()
        assert before
        again = configure(tmp_path, manifest, server)
        assert "acme: changed 0 | proven: " in again.stdout
        assert server.simulator.writes() == before
    finally:
        issuer.stop()


def test_the_command_fails_when_the_server_refuses_it(render: Render, server: Target, tmp_path: Path) -> None:
    assert server.simulator
    done = configure(tmp_path, render(ALONE), server, "another-password-than-that")
    assert done.returncode != 0
    assert "acme: FAILED at stalwart (unauthorized)" in done.stdout, done.stdout[-3000:]
    assert "another-password-than-that" not in done.stdout
    assert server.simulator.writes() == []
