# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import duplicates_task, identity
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """Compares the tenants of the inventory with each other; the variables of all hosts are known only here."""

    SPEC = duplicates_task.SPEC
    TASK = staticmethod(duplicates_task.run)
    HAS_MODULE = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ansible's entry point; it runs once for all, so a failure here would end the play for every host but one."""
        try:
            result = super().run(tmp, task_vars)
        except Exception as exc:
            # The text may hold secrets.
            result = {"failed": True, "msg": type(exc).__name__}
        if result.get("failed"):
            warning = f"The tenants were not compared with each other ({result.get('msg')})."
            return {"changed": False, "duplicates": {}, "requests": 0, "warnings": [warning]}
        return result

    def context(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The variables of every host of the group that the comparison needs."""
        group = self._task.args.get("group", "tenants")
        hostvars = task_vars["hostvars"]
        hosts = task_vars.get("groups", {}).get(group, [])
        return {"tenants": {str(host): self._variables(hostvars, str(host)) for host in hosts}}

    @staticmethod
    def _variables(hostvars: t.Mapping[str, t.Mapping[str, t.Any]], host: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {"host": host}
        for name in identity.VARIABLES:
            try:
                if name in hostvars[host]:
                    found[name] = hostvars[host][name]
            except Exception:
                # A template that fails, in whatever way, is that host's own mistake; its own tenant_model reports it.
                continue
        return found
