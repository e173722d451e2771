# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make, list and revoke app passwords of a Stalwart mail server, in the controller's process."""

from __future__ import annotations

import typing as t

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import app_password_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import portforward as _portforward
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import APP_PASSWORD_SPEC
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

_PRELOADED = (_portforward,)


class ActionModule(TaskAction):
    """tenantmail.stalwart.stalwart_app_password"""

    SPEC = APP_PASSWORD_SPEC
    TASK = staticmethod(app_password_task.run)
    SECRETS = staticmethod(inline_secrets)

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """A result with a new secret is printed nowhere; who registers it has it all the same."""
        result = super().run(tmp, task_vars)
        if result.get("secret"):
            result["_ansible_no_log"] = True
        return result
