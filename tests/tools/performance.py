"""Measure an unchanged tenant's run on the sandbox and write the README's performance table.

Requests are counted at the servers; wall times are those of one run with one tenant.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tests.live.run import Run, provision
from tests.live.stalwart import Stalwart
from tests.sandbox import facts

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- performance:begin -->", "<!-- performance:end -->"
_ROLE = re.compile(r"^(?:tenantmail\.stalwart\.)?([a-z_]+) -+ ([\d.]+)s$", re.MULTILINE)


def measure(tenant: str) -> tuple[dict[str, dict[str, int]], dict[str, float], Run]:
    """Requests by back end and purpose, seconds by role, and the run itself."""
    with Stalwart(tenant) as server:
        before = server.requests() if server.simulated else 0
        mark = facts.mark()
        run = provision("--limit", tenant, ANSIBLE_CALLBACKS_ENABLED="ansible.posix.profile_roles")
        if run.status or run.changed != {tenant: 0}:
            raise SystemExit(f"{tenant} is not unchanged:\n{run.output[-3000:]}")
        counts = facts.counts(mark)
        if server.simulated:
            # `simulated` and `requests` are asked once before and once after the run.
            total = server.requests() - before - 1
            counts["stalwart"] = {"total": total, "read": total, "login": 0, "lock": 0, "write": 0}
    seconds = {name: float(value) for name, value in _ROLE.findall(run.output) if name != "total"}
    return counts, seconds, run


def table(counts: dict[str, dict[str, int]], seconds: dict[str, float], run: Run) -> str:
    """The two tables as Markdown."""
    lines = ["| back end | requests | reads | logins | lock | writes |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {name} | {c['total']} | {c['read']} | {c['login']} | {c['lock']} | {c['write']} |"
        for name, c in counts.items()
    ]
    lines += ["", "| role | seconds |", "|---|---|"]
    lines += [f"| {name} | {value:.1f} |" for name, value in seconds.items()]
    lines.append(f"| whole run of one tenant, `ansible-playbook` included | {run.seconds:.1f} |")
    return "\n".join(lines)


def main() -> int:
    text = README.read_text()
    head, rest = text.split(BEGIN)
    tail = rest.split(END)[1]
    new = table(*measure("acme"))
    README.write_text(f"{head}{BEGIN}\n{new}\n{END}{tail}")
    print(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
