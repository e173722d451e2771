# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hold a tenant's lock during a run."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import lock_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import TENANT_LOCK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.tenant_lock"""

    SPEC = TENANT_LOCK
    TASK = staticmethod(lock_task.run)
    SECRETS = staticmethod(inline_secrets)
    # Whether a holder still runs can be told on its own machine only, which is the controller.
    HAS_MODULE = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Name this run: AWX's job is among the task's variables."""
        if not self._task.args.get("holder"):
            self._task.args["holder"] = lock_task.this_run(task_vars)
        return super().run(tmp, task_vars)
