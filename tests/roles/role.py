"""Runs one role alone, with explicit variables, as its README shows."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

from tests import playbook

_RECAP = re.compile(r"^probe\s+: ok=\d+\s+changed=(\d+)\s+unreachable=\d+\s+failed=(\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """One finished ansible-playbook process.

    :param report: the role's entry of ``tenant_report``; none if the role failed.
    """

    status: int
    output: str
    changed: int
    report: dict[str, list[str]] | None

    @property
    def text(self) -> str:
        """The output without the line breaks that the callback puts into long messages."""
        return " ".join(self.output.split())


def read_report(path: Path) -> dict[str, list[str]]:
    """A role's entry of ``tenant_report``, with each change as ``action kind key``."""
    report = json.loads(path.read_text())
    return {**report, "changed": [f"{c['action']} {c['kind']} {c['key']}" for c in report["changed"]]}


def run(folder: Path, role: str, variables: dict[str, Any], *args: str) -> Run:
    """Run the role on a host ``probe``; its variables, which may hold secrets, go by a file."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    tasks = [
        {"ansible.builtin.import_role": {"name": f"tenantmail.stalwart.{role}"}},
        {
            "ansible.builtin.copy": {
                "content": f"{{{{ tenant_report['{role}'] | to_json }}}}",
                "dest": str(report),
                "mode": "0600",
            },
            "check_mode": False,
            "changed_when": False,
            "diff": False,
        },
    ]
    plays = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
    inventory = {"all": {"hosts": {"probe": playbook.LOCAL}}}
    done = playbook.run(folder, inventory, plays, *args, variables=variables)
    recap = _RECAP.search(done.stdout)
    assert recap, done.stdout[-3000:]
    return Run(
        status=done.returncode,
        output=done.stdout,
        changed=int(recap[1]),
        report=read_report(report) if report.exists() else None,
    )
