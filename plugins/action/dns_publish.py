# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publish what all hosts of the play offer, in the controller's process."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns import publish_task
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

OFFER = "__dns_records_offer"
#: Play variables and role defaults are not among other hosts' variables; the running host's own value stands in for them.
KEYS = ("dns_records_api_key", "platform_powerdns_api_key")


class ActionModule(TaskAction):
    """Collects the offers itself, because a template that fails in a task that runs once fails for every host."""

    SPEC = publish_task.SPEC
    TASK = staticmethod(publish_task.run)
    HAS_MODULE = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ansible's entry point; a failure here would end the play for every host but one."""
        try:
            return super().run(tmp, task_vars)
        except Exception as exc:
            # Without an outcome dns_outcome says on each host that nothing was published. The text may hold secrets.
            warning = f"dns_publish failed unexpectedly ({type(exc).__name__}); nothing more was published."
            return {"changed": False, "outcomes": {}, "requests": 0, "warnings": [warning]}

    def context(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the hosts of the batch offer, each with its key."""
        offers: dict[str, dict[str, t.Any]] = {}
        hostvars = task_vars["hostvars"]
        for host in task_vars.get("ansible_play_batch", []):
            try:
                offer = hostvars[host].get(OFFER)
                if offer and offer.get("rrsets"):
                    offers[str(host)] = {**offer, "api_key": self._key(host, hostvars, task_vars)}
            except Exception as exc:
                offers[str(host)] = {"error": f"its variables cannot be read ({type(exc).__name__})"}
        return {"offers": offers}

    def _key(self, host: str, hostvars: t.Mapping[str, t.Any], mine: t.Mapping[str, t.Any]) -> str | None:
        if host != mine.get("inventory_hostname"):
            theirs = hostvars[host]
            for name in KEYS:
                if theirs.get(name):
                    return str(theirs[name])
        for name in KEYS:
            try:
                value = self._templar.template(mine[name]) if name in mine else None
            except AnsibleError:
                # Undefined on the host that happens to run the task: no key, which the offer's outcome says.
                continue
            if value:
                return str(value)
        return None
