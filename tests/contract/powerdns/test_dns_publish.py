"""What all tenants offer, published by one task of a play against a real server: one host's fault is never another's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import publish_task
from tests import playbook
from tests.contract.powerdns.server import PowerDns

pytestmark = pytest.mark.usefixtures("powerdns")

ROLE = "tenantmail.stalwart.dns_records"
UNDEFINED = "{{ nothing_of_this_name }}"


def rrset(host: str, **changes: Any) -> dict[str, Any]:
    name = f"{host}.omantel.test"
    return {"zone": "omantel.test", "name": name, "type": "A", "values": ["192.0.2.1"], "owner": host, **changes}


def offer(powerdns: PowerDns, host: str, *rrsets: dict[str, Any], **server: Any) -> dict[str, Any]:
    options = {"api_url": powerdns.url, "server_id": "localhost", "ca_path": None, "ownership": "comment"}
    return {"rrsets": list(rrsets or [rrset(host)]), "server": {**options, "server": "present", **server}}


def publish(offers: dict[str, Any], check_mode: bool = False) -> dict[str, Any]:
    return publish_task.run({}, check_mode=check_mode, offers=offers)


def codes(outcomes: dict[str, Any]) -> dict[str, str | None]:
    return {host: share["failure"] and share["failure"]["code"] for host, share in outcomes.items()}


class TestTask:
    def test_one_read_and_one_write_for_all(self, powerdns: PowerDns) -> None:
        offers = {host: {**offer(powerdns, host), "api_key": powerdns.key} for host in ("one", "two")}
        result, counts = powerdns.counted(lambda: publish(offers))
        assert counts == {"GET": 2, "PATCH": 1}
        assert result["requests"] == 3
        assert {host: len(share["changes"]) for host, share in result["outcomes"].items()} == {"one": 1, "two": 1}

    def test_each_fault_is_its_own_hosts(self, powerdns: PowerDns, monkeypatch: pytest.MonkeyPatch) -> None:
        canary = "canary-wrong-key-4711"
        real = publish_task.publish

        def publisher(params: dict[str, Any], **more: Any) -> dict[str, Any]:
            if params["server_id"] == "odd":
                raise RuntimeError(f"unexpected {canary}")
            return real(params, **more)

        monkeypatch.setattr(publish_task, "publish", publisher)
        good = {"api_key": powerdns.key}
        offers = {
            "argument": {**offer(powerdns, "argument", rrset("argument", ttl="soon")), **good},
            "bug": {**offer(powerdns, "bug", server_id="odd"), "api_key": canary},
            "key": {**offer(powerdns, "key"), "api_key": canary},
            "keyless": offer(powerdns, "keyless"),
            "odd": {"rrsets": [rrset("odd")], "api_key": "12345678"},
            "unread": {"error": "its variables cannot be read"},
            "url": {**offer(powerdns, "url", api_url="no url"), **good},
            "nothing": {"rrsets": [], "server": {}},
            "fine": {**offer(powerdns, "fine"), **good},
        }
        result = publish(offers)
        assert codes(result["outcomes"]) == {
            "argument": "invalid_value",
            "bug": "unexpected",
            "key": "unauthorized",
            "keyless": "invalid_value",
            "odd": "unexpected",
            "unread": "unexpected",
            "url": "invalid_value",
            "fine": None,
        }
        assert canary not in json.dumps(result)
        assert ("fine.omantel.test.", "A") in powerdns.rrsets()


def play(folder: Path, powerdns: PowerDns, hosts: dict[str, Any], **variables: Any) -> dict[str, Any]:
    """Run the role's publication, and each host's report; host → the report's result."""
    shared = {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "dns_records_owner": "{{ inventory_hostname }}",
        "dns_records_dns": {},
        "dns_records_api_url": powerdns.url,
        "dns_records_server_id": "localhost",
        "__dns_records_plan": {"publish": [rrset("{{ inventory_hostname }}")]},
    }
    report = {
        "block": [
            {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": "publish.yml"}},
            {
                "tenantmail.stalwart.dns_outcome": {
                    "owner": "{{ inventory_hostname }}",
                    "outcome": "{{ __dns_records_published.outcomes[inventory_hostname] | default(omit) }}",
                },
                "register": "told",
                "when": "__dns_records_offer.rrsets | length > 0",
            },
        ],
        "rescue": [{"ansible.builtin.set_fact": {"told": "{{ ansible_failed_result }}"}}],
        "always": [
            {
                "ansible.builtin.copy": {
                    "content": "{{ told | to_json }}",
                    "dest": f"{folder}/{{{{ inventory_hostname }}}}.json",
                    "mode": "0600",
                }
            }
        ],
    }
    plays = [{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": [report]}]
    done = playbook.run(
        folder, {"all": {"hosts": hosts, "vars": shared}}, plays, "-vvv", **playbook.own_settings(folder)
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert powerdns.key not in done.stdout
    return {host: json.loads((folder / f"{host}.json").read_text()) for host in hosts}


class TestRole:
    def test_one_tenants_broken_url_and_a_key_of_the_play(self, tmp_path: Path, powerdns: PowerDns) -> None:
        # The first host publishes nothing, and the key is no variable of any host.
        hosts = {
            "own": {"__dns_records_plan": {"publish": []}},
            "one": {"dns_records_api_url": "https://["},
            "two": {},
        }
        told = play(tmp_path, powerdns, hosts, platform_powerdns_api_key=powerdns.key)
        assert told["own"]["skipped"]
        assert told["one"]["failure"]["code"] in ("invalid_value", "unexpected"), told["one"]
        assert told["one"]["failure"]["layer"] == "powerdns"
        assert [change["key"] for change in told["two"]["changes"]] == ["two.omantel.test."]
        assert ("two.omantel.test.", "A") in powerdns.rrsets()

    def test_a_key_that_cannot_be_told_is_its_own_hosts_failure(self, tmp_path: Path, powerdns: PowerDns) -> None:
        hosts = {
            "own": {"__dns_records_plan": {"publish": []}},
            "one": {"platform_powerdns_api_key": UNDEFINED},
            "two": {"platform_powerdns_api_key": powerdns.key},
        }
        told = play(tmp_path, powerdns, hosts)
        assert told["one"]["failure"]["layer"] == "powerdns"
        assert told["one"]["failure"]["tenant"] == "one"
        assert told["two"]["changed"] is True
