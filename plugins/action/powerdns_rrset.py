# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Manage record sets in the zones of a PowerDNS server, in the controller's process."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.argspec import POWERDNS_RRSET
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.task import run
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.powerdns_rrset"""

    SPEC = POWERDNS_RRSET
    TASK = staticmethod(run)
