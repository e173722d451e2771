# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Raise a failure of the collection's own form."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.report.line import RAISE_SPEC, raise_failure
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction


class ActionModule(TaskAction):
    """tenantmail.stalwart.tenant_failure"""

    SPEC = RAISE_SPEC
    TASK = staticmethod(raise_failure)
