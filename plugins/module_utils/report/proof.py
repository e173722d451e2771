# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``mail_probe`` found, as a document, as a table, and as the failure that ends a run. Pure but for :func:`write`."""

from __future__ import annotations

import json
import os
import tempfile
import typing as t

from ..failure import LAYERS, Failure
from .line import REPORT_SPEC, one_line

#: Version of the document's form (docs/report.schema.json).
FORM = 1
STATUSES = ("ok", "failed", "warning", "skipped")

VERIFY_REPORT: dict[str, t.Any] = {
    "tenant": {"type": "str", "required": True},
    "domain": {"type": "dict", "required": True},
    "checks": {"type": "list", "elements": "dict"},
    "failed_result": REPORT_SPEC["failed_result"],
    "failed_task": REPORT_SPEC["failed_task"],
    "directory": {"type": "path"},
    "seconds": {"type": "float", "default": 0.0},
}

VERIFY_REPORT_RULES: dict[str, t.Any] = {
    "required_one_of": [("checks", "failed_result")],
    "mutually_exclusive": [("checks", "failed_result")],
}

Checks = t.Sequence[t.Mapping[str, t.Any]]


def counts(checks: Checks) -> dict[str, int]:
    """How many checks have each status."""
    return {status: sum(check["status"] == status for check in checks) for status in STATUSES}


def document(
    tenant: str, domain: t.Mapping[str, t.Any], checks: Checks, *, at: str, seconds: float
) -> dict[str, t.Any]:
    """The content of ``report/<tenant>.json``.

    :param at: time of the run (RFC 3339). :param seconds: that it took.
    """
    found = counts(checks)
    return {
        "form": FORM,
        "tenant": tenant,
        "domain": domain["primary"],
        "mode": domain["mode"],
        "mail_host": domain["mail_host"],
        "checked_at": at,
        "seconds": round(seconds, 1),
        "ok": found["failed"] == 0,
        "counts": found,
        "checks": [dict(check) for check in checks],
    }


def unproven(failure: Failure) -> dict[str, t.Any]:
    """The record of a run that ended before it could check anything."""
    return {
        "name": "verify",
        "ok": False,
        "status": "failed",
        "expected": "every check is made",
        "observed": failure.message,
        "layer": failure.layer,
        "hint": failure.hint,
        "cause": failure.code,
        "because": "",
        "duration_ms": 0,
    }


def table(report: t.Mapping[str, t.Any]) -> list[str]:
    """Lines for people: one for each kind of check, then every check that failed with its fix."""
    found = report["counts"]
    told = ", ".join(f"{found[status]} {status}" for status in STATUSES if found[status])
    verdict = "verified" if report["ok"] else "NOT VERIFIED"
    lines = [
        f"{report['tenant']}: {verdict}: {told or 'nothing was checked'} ({report['domain']}, {report['seconds']} s)"
    ]
    kinds: dict[str, list[t.Mapping[str, t.Any]]] = {}
    for check in report["checks"]:
        kinds.setdefault(check["name"].partition(".")[0], []).append(check)
    for kind, checks in kinds.items():
        states = [check["status"] for check in checks]
        worst = next(status for status in ("failed", "warning", "ok", "skipped") if status in states)
        lines.append(f"  {kind:<12}{worst if worst != 'failed' else 'FAILED':<9}{_names(checks)}".rstrip())
    for check in report["checks"]:
        if check["status"] in ("failed", "warning"):
            lines += [
                f"  {check['status'].upper()} {check['name']} ({check['layer']}): {one_line(check['observed'])}",
                f"    expected: {one_line(check['expected'])}",
                f"    next: {one_line(check['hint'])}",
            ]
        elif check["status"] == "skipped" and not check["because"]:
            lines.append(f"  skipped {check['name']}: {one_line(check['observed'])}")
    return lines


def _names(checks: Checks) -> str:
    marks = {"ok": "", "failed": "!", "warning": "?", "skipped": "-"}
    return " ".join(marks[check["status"]] + check["name"].partition(".")[2] for check in checks).strip()


def failure(report: t.Mapping[str, t.Any]) -> t.Optional[Failure]:
    """The failure that a run ends with, in the layer of the first check that failed; none when none did."""
    failed = [check for check in report["checks"] if check["status"] == "failed"]
    if not failed:
        return None
    first = failed[0]
    names = ", ".join(check["name"] for check in failed)
    return Failure(
        first["layer"] if first["layer"] in LAYERS else "mail",
        "verify_failed",
        f"mail of {report['domain']} does not work as it should ({names}): {one_line(first['observed'])}.",
        hint=first["hint"],
        details=failed,
    )


def write(directory: str, report: t.Mapping[str, t.Any]) -> str:
    """Write the document, so that readers never see half of it; its path.

    :raises Failure: ``invalid_value`` for a directory that cannot be written to.
    """
    path = os.path.join(directory, f"{report['tenant']}.json")
    try:
        os.makedirs(directory, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=directory, prefix=".report-", suffix=".json")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(report, file, indent=2, ensure_ascii=False)
            file.write("\n")
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as exc:
        raise Failure(
            "inventory",
            "invalid_value",
            f"the report {path} cannot be written: {exc.strerror or exc}.",
            hint="Set verify_report_dir to a directory that the controller may write to.",
        ) from None
    return path
