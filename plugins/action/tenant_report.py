# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print a tenant's line at the end of its run, and fail again where the run had failed."""

from __future__ import annotations

import typing as t

from ansible.utils.display import Display
from ansible_collections.tenantmail.stalwart.plugins.module_utils.report.line import (
    REPORT_SPEC,
    failed_line,
    failure_of,
    line_of,
)
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

display = Display()


def report(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Print the line and return it, failed where the run had failed."""
    if params["failed_result"] is None:
        line = line_of(params["tenant"], params["report"], check_mode=check_mode)
        display.display(line, color="green")
        return {"changed": False, "line": line}
    failure = failure_of(params["failed_result"], params["failed_task"], params["tenant"])
    line = failed_line(params["tenant"], params["report"], failure, check_mode=check_mode)
    display.display(line, color="red")
    # The line and the task that failed have said it; the failure is for AWX and other readers of results.
    return {"failed": True, "msg": f"{params['tenant']} failed, see its line above", "failure": failure.as_dict()}


class ActionModule(TaskAction):
    """tenantmail.stalwart.tenant_report"""

    SPEC = REPORT_SPEC
    TASK = staticmethod(report)
    HAS_MODULE = False
