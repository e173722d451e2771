# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan the changes to a Helm release."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes import lock_task, release_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import RELEASE_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.release_plan"""

    SPEC = RELEASE_PLAN
    TASK = staticmethod(release_task.run)
    SECRETS = staticmethod(inline_secrets)

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Name this run, as the tenant's lock does: a module could not."""
        if not self._task.args.get("holder"):
            self._task.args["holder"] = lock_task.this_run(task_vars)
        return super().run(tmp, task_vars)
