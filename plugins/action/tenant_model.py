# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import types
import typing as t

from ansible.errors import AnsibleActionFail
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant import misspelt, secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.argspec import SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.task import run
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """Derives the model on the controller, wherever the host is: there is nothing to read on it."""

    SPEC = SPEC
    TASK = staticmethod(run)
    HAS_MODULE = False

    def context(self, task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """The names of the host's variables: a misspelt one is not among the arguments, nothing would read it."""
        return {"variables": misspelt.candidates(task_vars)}

    def validate_argument_spec(self, argument_spec: t.Any = None, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Hand the values on as they are: Ansible's own check would stop before the other mistakes are found."""
        given = dict(self._task.args)
        unknown = sorted(set(given) - set(argument_spec))
        if unknown:
            raise AnsibleActionFail(f"Unsupported parameters for tenant_model: {', '.join(unknown)}")
        masked = types.SimpleNamespace(_no_log_values=set(secrets.values(given)))
        return masked, {name: given.get(name) for name in argument_spec}
