"""Runs the production playbook as a user would and reads what it printed."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.sandbox import facts

LINK = Path(os.environ.get("TENANTMAIL_LINK", Path(__file__).parents[2]))
INVENTORY = "inventories/sandbox"
_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
_LINE = re.compile(r"^(?:\x1b\[[0-9;]*m)?(\S+): ((?:would change|changed) \d+|FAILED at )", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Run:
    """One finished ansible-playbook process."""

    status: int
    output: str
    seconds: float

    @property
    def changed(self) -> dict[str, int]:
        """``changed`` of the recap, by host."""
        return {m[1]: int(m[3]) for m in _RECAP.finditer(self.output)}

    @property
    def failed(self) -> dict[str, int]:
        """``failed`` of the recap, by host."""
        return {m[1]: int(m[5]) for m in _RECAP.finditer(self.output)}

    @property
    def lines(self) -> dict[str, list[str]]:
        """The tenants' lines, by tenant; a correct run has one each."""
        found: dict[str, list[str]] = {}
        for line in self.output.splitlines():
            if match := _LINE.match(line):
                found.setdefault(match[1], []).append(line)
        return found

    def line(self, tenant: str) -> str:
        """The one line of a tenant."""
        lines = self.lines.get(tenant, [])
        assert len(lines) == 1, f"{len(lines)} lines of {tenant} in:\n{self.output[-3000:]}"
        return lines[0]


def command(*args: str, inventory: str | list[str] = INVENTORY, extra: dict | None = None) -> list[str]:
    """The command line; extra variables that are no secret go in as JSON, so that booleans stay booleans."""
    sources = [inventory] if isinstance(inventory, str) else inventory
    return [
        str(Path(sys.executable).parent / "ansible-playbook"),
        "playbooks/provision_tenant.yml",
        *(part for source in sources for part in ("-i", source)),
        *(("-e", json.dumps(extra)) if extra else ()),
        *args,
    ]


def environment(**env: str) -> dict[str, str]:
    return {**os.environ, **facts.environment(), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **env}


def provision(
    *args: str, inventory: str | list[str] = INVENTORY, extra: dict | None = None, verify: bool = False, **env: str
) -> Run:
    """Run the playbook to its end.

    :param verify: end with the proof. A server takes 25 messages an hour from one domain to one mailbox, and these tests run
        the playbook more often than that.
    """
    if not verify:
        args = ("--skip-tags", "verify", *args)
    begin = time.monotonic()
    done = subprocess.run(
        command(*args, inventory=inventory, extra=extra),
        cwd=LINK,
        env=environment(**env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    return Run(done.returncode, done.stdout, time.monotonic() - begin)
