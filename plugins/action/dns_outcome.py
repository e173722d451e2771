# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report one owner's share of a publication, in the controller's process."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.argspec import DNS_OUTCOME
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.records_task import outcome
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.dns_outcome"""

    SPEC = DNS_OUTCOME
    TASK = staticmethod(outcome)
