# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan a tenant's certificate."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import CERTIFICATE_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.certificate_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.certificate_plan"""

    SPEC = CERTIFICATE_PLAN
    TASK = staticmethod(run)
    SECRETS = staticmethod(inline_secrets)
