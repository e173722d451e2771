# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask a server's listeners, once or until all answer."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import LISTENERS_READY
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.listeners_task import run
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.listeners_ready"""

    SPEC = LISTENERS_READY
    TASK = staticmethod(run)
    SECRETS = staticmethod(inline_secrets)
