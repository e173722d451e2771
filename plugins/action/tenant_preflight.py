# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask every back end once, in the controller's process."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.preflight.task import SPEC, run
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.tenant_preflight"""

    SPEC = SPEC
    TASK = staticmethod(run)
    SECRETS = staticmethod(inline_secrets)
