# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import types
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
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
        """What only the controller knows: the names of the host's variables (a misspelt one is not among the arguments), where
        the inventory is, and the vault."""
        return {
            "variables": misspelt.candidates(task_vars),
            "folder": str(task_vars.get("inventory_dir") or os.getcwd()),
            "decrypted": self._decrypted,
        }

    def _decrypted(self, path: str) -> str:
        """The loader removes the copy of an encrypted file at the end of the run."""
        try:
            return str(self._loader.get_real_file(path))
        except AnsibleError as exc:
            raise OSError(str(exc)) from None

    def validate_argument_spec(self, argument_spec: t.Any = None, *args: t.Any, **kwargs: t.Any) -> t.Any:
        """Hand the values on as they are: Ansible's own check would stop before the other mistakes are found."""
        given = dict(self._task.args)
        unknown = sorted(set(given) - set(argument_spec))
        if unknown:
            raise AnsibleActionFail(f"Unsupported parameters for tenant_model: {', '.join(unknown)}")
        masked = types.SimpleNamespace(_no_log_values=set(secrets.values(given)))
        return masked, {name: given.get(name) for name in argument_spec}
