"""Role ``server_settings`` on a server that is named by its URL, which it cannot restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.model import STARTTLS_LISTENERS
from tests.contract.issuer import Issuer

from .play import output_of
from .server import Server
from .test_budget import variables
from .test_provision import SETTINGS

ROLE = [{"ansible.builtin.import_role": {"name": "tenantmail.stalwart.server_settings"}}]
LISTENERS = {"submission": {"protocol": "smtp", "bind": ["[::]:587"]}}


def test_a_listener_that_waits_for_a_restart_is_a_failure(simulated: Server, issuer: Issuer, tmp_path: Path) -> None:
    given = variables(simulated, issuer) | {"server_settings_settings": {**SETTINGS, "networkListener": LISTENERS}}
    check = output_of(tmp_path / "check", ROLE, given, "--check")
    assert "failed=0" in check
    output = output_of(tmp_path / "run", ROLE, given)
    assert "failed=1" in output
    assert "the server opens listeners that are stored only when it starts again: submission" in output
    assert "by api_url it cannot be restarted" in output
    assert "Restart the server (its unit or its container)" in output
    (stored,) = (
        o for o in simulated.api().call("x:NetworkListener/get", ids=None)["list"] if o["name"] == "submission"
    )
    assert stored["bind"] == {"[::]:587": True}
    assert simulated.simulator
    simulated.simulator.restart()
    again = output_of(tmp_path / "again", ROLE, given)
    assert "changed=0" in again
    assert "failed=0" in again


def test_a_certificate_that_is_not_in_the_pod_yet_is_waited_for(
    simulated: Server, issuer: Issuer, tmp_path: Path
) -> None:
    """Where the role keeps a pod. The server that is named by its URL has the files of whoever keeps it."""
    file = {"@type": "File", "filePath": f"{tmp_path}/missing"}
    own = {"server_settings_settings": {**SETTINGS, "certificate": {"mail": {"certificate": file, "privateKey": file}}}}
    given = variables(simulated, issuer) | own | {"server_settings_certificate_timeout": 4}

    def tries(name: str, **more: Any) -> int:
        before = simulated.writes().count(("Certificate", "create"))
        output = output_of(tmp_path / name, ROLE, given | more)
        assert "Failed to read certificate" in output
        return simulated.writes().count(("Certificate", "create")) - before

    assert tries("first") == 1
    assert tries("waiting", server_settings_restart_kubernetes={"namespace": "tenant-acme", "service": "web"}) > 1


def test_the_tenants_listeners_are_stored_once_and_need_a_restart(server: Server) -> None:
    settings = {"networkListener": STARTTLS_LISTENERS, "spamPyzor.enable": False}
    first = server.settings(settings)
    assert first["restart_required"] == ["networkListener"]
    assert {name: body["bind"] for name, body in first["settings"]["networkListener"].items()} == {
        "submission": ["[::]:587"],
        "imap": ["[::]:143"],
    }
    again = server.settings(settings)
    assert (again["changed"], again["restart_required"]) == (False, [])
    moved = {"networkListener": {"imap": {"tlsImplicit": True}}}
    assert server.settings(moved)["restart_required"] == ["networkListener"]
    assert [change["key"] for change in server.settings(settings)["changes"]] == ["imap"]
