"""What the chart gives a server of 0.15. The simulator's own reader of config.toml checks it as the server does."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.v015.localkeys import LocalKeys

from tests.simulator.v015 import boot, toml, validate

from .conftest import Manifest

Render = Callable[..., Manifest]

OLD = {"generation": "0.15", "image": {"repository": "r/s", "tag": "v0.15.5"}, "domain": {"primary": "acme.test"}}
PORTS = {"smtp": 25, "submissions": 465, "submission": 587, "imap": 143, "imaptls": 993, "http": 8080, "https": 443}


def config(manifest: Manifest) -> dict[str, str]:
    return toml.parse(manifest.one("ConfigMap", "stalwart-config")["data"]["config.toml"])


def test_boots_as_the_image_expects(render: Render) -> None:
    manifest = render(OLD)
    # Not the image's entrypoint, which takes no argument and makes a configuration where there is none.
    assert manifest.container["command"] == ["/usr/local/bin/stalwart"]
    assert manifest.container["args"] == ["--config", "/opt/stalwart/etc/config.toml"]
    mounts = {mount["mountPath"]: mount for mount in manifest.container["volumeMounts"]}
    assert {path: mount["name"] for path, mount in mounts.items()} == {
        "/opt/stalwart": "data",
        "/opt/stalwart/etc": "config",
        "/etc/stalwart-tls": "tls",
        "/tmp": "tmp",
    }
    assert mounts["/opt/stalwart/etc"]["readOnly"] is True
    assert manifest.env == {"ADMIN_PASSWORD": {"secretKeyRef": {"name": "stalwart-admin", "key": "ADMIN_PASSWORD"}}}
    assert manifest.one("StatefulSet")["metadata"]["labels"]["app.kubernetes.io/version"] == "0.15"


def test_each_generation_gets_its_own_file_only(render: Render) -> None:
    assert set(render().one("ConfigMap", "stalwart-config")["data"]) == {"config.json"}
    assert set(render(OLD).one("ConfigMap", "stalwart-config")["data"]) == {"config.toml", "spam-filter.toml"}


def test_every_port_of_the_pod_is_listened_on(render: Render) -> None:
    manifest = render(OLD)
    keys = config(manifest)
    assert validate.listeners(keys) == {}
    found = {
        name: keys[f"server.listener.{name}.bind"] for name in validate.identifiers(keys, "server.listener", "bind")
    }
    assert found == {name: f"[::]:{port}" for name, port in PORTS.items()}
    assert {port["containerPort"] for port in manifest.container["ports"]} == set(PORTS.values())
    implicit = [name for name in PORTS if keys[f"server.listener.{name}.tls.implicit"] == "true"]
    assert implicit == ["submissions", "imaptls", "https"]


def test_the_file_is_all_that_the_api_cannot_write(render: Render) -> None:
    """It is mounted read-only: what is local must be in it, and what the modules manage must not be local."""
    for more in ({}, {"spamFilter": {"enabled": True}}, {"proxyProtocol": {"trustedNetworks": ["10.0.0.0/8"]}}):
        keys = config(render(OLD, **more))
        local = LocalKeys(keys)
        assert [key for key in keys if key not in local] == []
        managed = (
            "storage.directory",
            "directory.keycloak.type",
            "directory.keycloak.endpoint.url",
            "tracer.file.type",
            "server.auto-ban.auth.rate",
            "server.allowed-ip.192.0.2.1",
            "server.blocked-ip.192.0.2.1",
            "certificate.default.cert",
            "queue.route.relay.type",
            "spam-filter.enable",
            "version.spam-filter",
        )
        assert [key for key in managed if key in local] == []
        assert "storage.directory" not in keys
        # The one thing that is missing until the first setting is written, and then nothing is.
        assert set(validate.core(keys)) == {"storage.directory"}
        assert validate.core({**keys, "storage.directory": "internal"}) == {}


def test_what_it_says(render: Render) -> None:
    keys = config(render(OLD, domain={"primary": "acme.test", "webHost": "web.acme.test"}, admin={"username": "root"}))
    assert keys["server.hostname"] == "mail.acme.test"
    assert keys["http.url"] == "'https://web.acme.test'"
    assert keys["authentication.fallback-admin.user"] == "root"
    assert keys["authentication.fallback-admin.secret"] == "%{env:ADMIN_PASSWORD}%"
    assert (keys["tracer.stdout.type"], keys["tracer.stdout.ansi"]) == ("stdout", "false")
    assert [key for key in keys if key.startswith(("certificate.", "server.proxy."))] == []
    assert "server.hostname" not in config(render(OLD, domain={"primary": ""}))


def test_a_first_start_fetches_nothing_unless_it_is_asked_to(render: Render) -> None:
    manifest = render(OLD)
    keys = config(manifest)
    assert keys["spam-filter.resource"] == "file:///opt/stalwart/etc/spam-filter.toml"
    rules = toml.parse(manifest.one("ConfigMap", "stalwart-config")["data"]["spam-filter.toml"])
    assert rules == {"version.spam-filter": "0.0.1", "version.server": "0.15.0"}
    assert keys["webadmin.resource"].startswith("file:///")
    url = "https://mirror.test/webadmin.zip"
    keys = config(render(OLD, spamFilter={"enabled": True}, webAdmin={"url": url}))
    assert "spam-filter.resource" not in keys
    assert keys["webadmin.resource"] == url


def test_networks_that_send_the_proxy_protocol(render: Render) -> None:
    keys = config(render(OLD, proxyProtocol={"trustedNetworks": ["10.0.0.0/8", "192.0.2.7"]}))
    assert validate.listed(keys, "server.proxy.trusted-networks") == ["10.0.0.0/8", "192.0.2.7"]


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ({"@type": "RocksDb"}, {"type": "rocksdb", "path": "/opt/stalwart/data"}),
        (
            {"@type": "RocksDb", "path": "/d", "bufferSize": 134217728, "blobSize": 16834, "poolWorkers": 4},
            {
                "type": "rocksdb",
                "path": "/d",
                "write-buffer-size": "134217728",
                "min-blob-size": "16834",
                "pool.workers": "4",
            },
        ),
        ({"@type": "Sqlite"}, {"type": "sqlite", "path": "/opt/stalwart/stalwart.sqlite3"}),
        (
            {"@type": "Sqlite", "path": '/d/a"b', "poolMaxConnections": 5},
            {"type": "sqlite", "path": '/d/a"b', "pool.max-connections": "5"},
        ),
    ],
)
def test_store(render: Render, store: dict[str, Any], expected: dict[str, str]) -> None:
    assert validate.below(config(render(OLD, store=store)), "store.data") == expected


def test_the_pod_restarts_when_its_configuration_changes(render: Render) -> None:
    def template(**values: Any) -> Any:
        return render(OLD, **values)["StatefulSet", "stalwart"]["spec"]["template"]

    assert template(webAdmin={"url": "https://mirror.test/webadmin.zip"}) != template()
    assert template(service={"type": "ClusterIP"}) == template()


def test_the_simulator_starts_with_it(render: Render, tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text(render(OLD, store={"@type": "Sqlite"}).one("ConfigMap", "stalwart-config")["data"]["config.toml"])
    settings = boot.read(path, {})
    assert str(settings.database) == "/opt/stalwart/stalwart.sqlite3"
