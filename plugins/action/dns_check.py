# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ask name servers whether they hold the desired record sets, in the controller's process."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.argspec import DNS_CHECK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.dnscheck import run
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.dns_check"""

    SPEC = DNS_CHECK
    TASK = staticmethod(run)
