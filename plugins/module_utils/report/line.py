# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one line that a run ends with for each tenant (design 1): changed, proven, missing, in a plan also unchecked."""

from __future__ import annotations

import contextlib
import typing as t

from ..failure import CODES, LAYERS, Failure

#: The layer that a role writes to: whom to suspect when a failure does not say. The playbook's tags are the roles' names.
LAYER_OF_ROLE = {
    "tenant": "inventory",
    "secrets": "openbao",
    "realm": "keycloak",
    "chart": "kubernetes",
    "server_settings": "stalwart",
    "oidc_directory": "stalwart",
    "admin_principal": "stalwart",
    "mailboxes": "stalwart",
    "dns_records": "powerdns",
    "verify": "mail",
}
#: The same by the task's action, for tasks that run whatever the tags.
LAYER_OF_ACTION = {
    "release_plan": "kubernetes",
    "tenant_lock": "kubernetes",
    "kubernetes.core.k8s": "kubernetes",
}

RAISE_SPEC: dict[str, t.Any] = {
    "layer": {"type": "str", "required": True, "choices": list(LAYERS)},
    "code": {"type": "str", "required": True, "choices": sorted(CODES)},
    "msg": {"type": "str", "required": True},
    "hint": {"type": "str", "default": ""},
}

REPORT_SPEC: dict[str, t.Any] = {
    "tenant": {"type": "str", "required": True},
    "report": {
        "type": "dict",
        "default": {},
    },
    "failed_result": {"type": "dict"},
    "failed_task": {
        "type": "dict",
        "options": {
            "name": {"type": "str"},
            "action": {"type": "str", "required": True},
            "tags": {"type": "list", "elements": "str", "default": []},
        },
    },
}


def raise_failure(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Raise what the options say: how a role reports the failure of another collection's module.

    :raises Failure: always.
    """
    raise Failure(params["layer"], params["code"], params["msg"], hint=params["hint"])


def line_of(tenant: str, report: t.Mapping[str, t.Any], *, check_mode: bool) -> str:
    """The line of a tenant whose run went through.

    :param report: role → ``{changed: [str], proven: [str], missing: [str]}``; ``unchecked: [str]`` is what a plan could not
        check, which nobody has to act on.
    """
    total = sum(len(entry.get("changed") or []) for entry in report.values())
    verb = "would change" if check_mode else "changed"
    shares = shares_of(report)
    proven = [fact for entry in report.values() for fact in entry.get("proven") or []]
    missing = [fact for entry in report.values() for fact in entry.get("missing") or []]
    unchecked = [fact for entry in report.values() for fact in entry.get("unchecked") or []]
    parts = [f"{tenant}: {verb} {total}" + (f" ({shares})" if shares else "")]
    parts.append("proven: " + ("; ".join(proven) or "nothing"))
    parts.append("missing: " + ("; ".join(missing) or "nothing"))
    if unchecked:
        parts.append("unchecked: " + "; ".join(unchecked))
    return one_line(" | ".join(parts))


def shares_of(report: t.Mapping[str, t.Any]) -> str:
    """How many changes each role made, for those that made some."""
    counts = {role: len(entry.get("changed") or []) for role, entry in report.items()}
    return ", ".join(f"{role} {count}" for role, count in counts.items() if count)


def failure_of(
    failed_result: t.Mapping[str, t.Any], task: t.Mapping[str, t.Any] | None, tenant: str | None = None
) -> Failure:
    """The failure of a failed task; one that is not ours gets the layer of the role or of the action that failed."""
    failure = failed_result.get("failure")
    if isinstance(failure, t.Mapping):
        # Another collection's result may have a key of this name.
        with contextlib.suppress(ValueError):
            return Failure.from_dict(failure, tenant)
    task = task or {}
    layers = [LAYER_OF_ROLE[tag] for tag in task.get("tags") or [] if tag in LAYER_OF_ROLE]
    action = str(task.get("action") or "")
    layers += [layer for name, layer in LAYER_OF_ACTION.items() if action in (name, f"tenantmail.stalwart.{name}")]
    return Failure(
        layers[0] if layers else "inventory",
        "unexpected",
        f"the task {task.get('name')!r} failed: {failed_result.get('msg') or 'no message'}",
        hint="Run again with -vvv and --limit for this tenant.",
        tenant=tenant,
    )


def failed_line(tenant: str, report: t.Mapping[str, t.Any], failure: Failure, *, check_mode: bool) -> str:
    """The line of a tenant whose run failed: which layer, what, what to do, and what had been done before."""
    text = f"{tenant}: FAILED at {failure.layer} ({failure.code}): {failure.message}"
    if failure.hint:
        text += f" | next: {failure.hint}"
    verb = "planned" if check_mode else "changed"
    tail = "nothing was written" if check_mode else "a re-run goes on from there"
    return one_line(f"{text} | {verb} by the roles before it: {shares_of(report) or 'nothing'}; {tail}")


def one_line(text: str) -> str:
    """Line breaks of a server's message must not tear the line apart."""
    return " ".join(text.split())
