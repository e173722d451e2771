from __future__ import annotations

import base64
import gzip
import json
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.failure import Failure
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release import (
    decode,
    history,
)


def secret(
    revision: int = 1, status: str = "deployed", compress: bool = True, *, deleted: str = "", created: str = ""
) -> dict[str, Any]:
    record = {
        "name": "stalwart",
        "version": revision,
        "info": {"status": status, "deleted": deleted},
        "config": {"planMarker": f"abc-{revision}"},
        "chart": {"metadata": {"name": "bp-stalwart-tenant", "version": "0.1.0"}},
        "manifest": "---\nkind: ConfigMap\n",
    }
    payload = json.dumps(record).encode()
    inner = base64.b64encode(gzip.compress(payload) if compress else payload)
    return {
        "metadata": {"name": f"sh.helm.release.v1.stalwart.v{revision}", "creationTimestamp": created},
        "data": {"release": base64.b64encode(inner).decode()},
    }


class Cluster:
    """The API server's answer to a list of Secrets."""

    def __init__(self, items: list[dict[str, Any]] | None) -> None:
        self.answer = items
        self.asked: list[tuple[str, str | None]] = []

    def items(self, path: str, selector: str | None = None) -> list[dict[str, Any]] | None:
        self.asked.append((path, selector))
        return self.answer


@pytest.mark.parametrize("compress", [True, False])
def test_decode(compress: bool) -> None:
    release = decode(secret(3, "failed", compress))
    assert (release.name, release.revision, release.status) == ("stalwart", 3, "failed")
    assert (release.chart, release.chart_version) == ("bp-stalwart-tenant", "0.1.0")
    assert release.manifest == "---\nkind: ConfigMap\n"


CREATED = "2025-11-01T00:00:00Z"


@pytest.mark.parametrize(
    ("status", "deleted", "ours", "since"),
    [
        ("pending-upgrade", "", True, "2025-11-01T00:00:00+00:00"),
        ("uninstalling", "2026-01-01T13:00:00.123456789+01:00", False, "2026-01-01T12:00:00+00:00"),
        ("uninstalling", "", False, "2025-11-01T00:00:00+00:00"),
    ],
)
def test_who_gave_it_its_status_and_when(status: str, deleted: str, ours: bool, since: str) -> None:
    """An uninstall changes the record that a run may have written months ago."""
    release = decode(secret(3, status, deleted=deleted, created=CREATED))
    assert release.since is not None
    assert (release.ours, release.since.isoformat()) == (ours, since)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"release": "!"},
        {"release": base64.b64encode(b"e30=").decode()},
        {"release": base64.b64encode(b"H4sIAAAA").decode()},
    ],
    ids=["nothing", "no base64", "empty record", "torn archive"],
)
def test_what_is_no_release_is_refused(data: dict[str, str]) -> None:
    with pytest.raises(Failure) as caught:
        decode({"metadata": {"name": "sh.helm.release.v1.x.v1"}, "data": data})
    assert caught.value.code == "protocol"
    assert "sh.helm.release.v1.x.v1" in caught.value.message


def test_the_newest_revision_counts_by_number_not_by_name() -> None:
    cluster = Cluster([secret(10, "failed"), secret(2, "superseded"), secret(9, "deployed")])
    assert [release.revision for release in history(cluster, "tenant-acme", "stalwart")] == [2, 9, 10]
    assert cluster.asked == [("/api/v1/namespaces/tenant-acme/secrets", "owner=helm,name=stalwart")]


def test_what_is_being_uninstalled_is_not_gone() -> None:
    """Helm starts no upgrade from it, and no install over it."""
    found = history(Cluster([secret(1, "superseded"), secret(2, "uninstalling")]), "n", "stalwart")
    assert [release.status for release in found] == ["superseded", "uninstalling"]


@pytest.mark.parametrize("items", [None, [], [secret(1, "uninstalled")]], ids=["no namespace", "none", "uninstalled"])
def test_no_release(items: list[dict[str, Any]] | None) -> None:
    assert history(Cluster(items), "n", "stalwart") == []
