"""Twins in a play: in the controller's process or as a module, a task's result is the same and says whose it is."""

from __future__ import annotations

import http.server
import json
import sys
import threading
import typing as t
from pathlib import Path

import pytest

from tests import playbook

KEY = "canary-powerdns-key"
#: In-process, as a module by another interpreter, as a module because of async, and without a tenant.
HOSTS = ("twin", "module", "background", "bystander")


HELD = {"name": "mail.held.test.", "type": "A", "ttl": 300, "records": [{"content": "192.0.2.1"}]}
ZONES = {"omantel.test.": [], "held.test.": [HELD]}


class Handler(http.server.BaseHTTPRequestHandler):
    """Two zones; any other one is an error that quotes the key, as servers do."""

    def do_GET(self) -> None:
        rrsets = ZONES.get(self.path.rpartition("/")[2])
        text = f"cannot read with {self.headers['X-API-Key']}" if rrsets is None else json.dumps({"rrsets": rrsets})
        body = text.encode()
        self.send_response(422 if rrsets is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: t.Any) -> None:
        """Nothing to log."""


@pytest.fixture(scope="module")
def url() -> t.Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def rrset_task(url: str, zone: str, register: str, **more: t.Any) -> dict[str, t.Any]:
    rrset = {"zone": zone, "name": f"mail.{zone}", "type": "A", "values": ["192.0.2.1"]}
    options = {"api_url": url, "api_key": KEY, "ownership": "none", "rrsets": [rrset]}
    return {"tenantmail.stalwart.powerdns_rrset": options, "register": register, **more}


@pytest.fixture(scope="module")
def played(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, dict[str, t.Any]], Path]:
    """The play's output, the results by host and name, and the other interpreter's log."""
    folder = tmp_path_factory.mktemp("play")
    log, other = folder / "started", folder / "python"
    other.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {sys.executable} "$@"\n')
    other.chmod(0o700)
    broken = {"owner": "{{ inventory_hostname }}", "outcome": {"verdict": "match"}}
    tasks = [
        rrset_task(url, "omantel.test", "planned", check_mode=True, when="inventory_hostname != 'background'"),
        rrset_task(
            url, "held.test", "background", **{"async": 60, "poll": 1}, when="inventory_hostname == 'background'"
        ),
        {"block": [rrset_task(url, "refused.test", "refused")], "rescue": [{"ansible.builtin.meta": "noop"}]},
        {
            "block": [{"tenantmail.stalwart.dns_outcome": broken, "register": "broken"}],
            "rescue": [{"ansible.builtin.meta": "noop"}],
        },
        {
            "ansible.builtin.copy": {
                "content": "{{ {'planned': planned, 'background': background, 'refused': refused, 'broken': broken} | to_json }}",
                "dest": f"{folder}/{{{{ inventory_hostname }}}}.json",
                "mode": "0600",
            },
            "diff": False,
        },
    ]
    hosts: dict[str, dict[str, t.Any]] = {host: {"tenant_model": {"slug": "acme"}} for host in HOSTS}
    del hosts["bystander"]["tenant_model"]
    hosts["module"]["ansible_python_interpreter"] = str(other)
    shared = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    done = playbook.run(
        folder, {"all": {"hosts": hosts, "vars": shared}}, plays, "--diff", "-vvv", **playbook.own_settings(folder)
    )
    output = done.stdout
    assert done.returncode == 0, output[-3000:]
    return output, {host: json.loads((folder / f"{host}.json").read_text()) for host in HOSTS}, log


def test_the_module_runs_where_the_interpreter_is_another(played: t.Any) -> None:
    _output, _results, log = played
    assert log.read_text().count("AnsiballZ_powerdns_rrset") == 2
    assert log.read_text().count("AnsiballZ_dns_outcome") == 1


@pytest.mark.parametrize(("task", "code"), [("planned", None), ("refused", "invalid_value"), ("broken", "unexpected")])
def test_twin_and_module_return_the_same(played: t.Any, task: str, code: str | None) -> None:
    _output, results, _log = played
    assert results["twin"][task] == results["module"][task]
    assert results["twin"][task].get("failure", {}).get("code") == code


@pytest.mark.parametrize(("host", "whose"), [("twin", "acme"), ("module", "acme"), ("bystander", "bystander")])
def test_diffs_and_failures_name_the_tenant(played: t.Any, host: str, whose: str) -> None:
    output, results, _log = played
    [diff] = results[host]["planned"]["diff"]
    assert diff["before_header"] == diff["after_header"] == f"{whose}: A mail.omantel.test."
    assert f"+++ after: {whose}: A mail.omantel.test.\n" in output
    assert (results[host]["refused"]["failure"]["code"], results[host]["refused"]["failure"]["tenant"]) == (
        "invalid_value",
        whose,
    )


def test_a_task_in_the_background_runs_the_module(played: t.Any) -> None:
    _output, results, _log = played
    background = results["background"]["background"]
    assert background["finished"]
    assert (background["changed"], background["rrsets"][0]["action"]) == (False, "none")


def test_the_key_is_nowhere(played: t.Any) -> None:
    output, results, _log = played
    assert KEY not in output
    assert KEY not in json.dumps(results)
    assert "cannot read with ********" in results["twin"]["refused"]["msg"]
