# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sandbox that was stopped with a released volume comes up again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sandbox import kubeconfig, kubectl, settings
from tests.sandbox.servers.apiserver import ApiServer
from tests.sandbox.servers.controllers import ControllerManager

RELEASED = {"items": [{"metadata": {"name": "sandbox-01"}, "status": {"phase": "Released"}}]}


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the volumes that kubectl was asked to delete."""
    names: list[str] = []

    def run(_settings: settings.Settings, verb: str, kind: str, *words: str, **_options: object) -> str:
        if verb == "delete":
            names.extend(word for word in words if not word.startswith("-"))
        return json.dumps(RELEASED)

    monkeypatch.setattr(kubectl, "run", run)
    monkeypatch.setattr(kubectl, "apply", lambda *_: None)
    monkeypatch.setattr(kubeconfig, "ensure", lambda *_: None)
    return names


def test_a_released_volume_is_deleted_by_the_server_that_ends_its_deletion(tmp_path: Path, deleted: list[str]) -> None:
    found = settings.load({"TENANTMAIL_CACHE": str(tmp_path)})
    ApiServer(found).configure()  # nothing ends a deletion before kube-controller-manager runs
    assert deleted == []
    stale = found.volumes / "sandbox-01" / "mail"
    stale.mkdir(parents=True)
    ControllerManager(found).configure()
    assert deleted == ["sandbox-01"]
    assert not stale.exists()
    assert stale.parent.is_dir()
