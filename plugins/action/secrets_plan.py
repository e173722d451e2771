# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Plan which secrets of a tenant are missing in OpenBao."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.argspec import SECRETS_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.task import run
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.secrets_plan"""

    SPEC = SECRETS_PLAN
    TASK = staticmethod(run)
