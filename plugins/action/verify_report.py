# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Write what ``mail_probe`` found to a file, print it as a short table, and fail where a check failed."""

from __future__ import annotations

import datetime
import json
import typing as t

from ansible.utils.display import Display
from ansible_collections.tenantmail.stalwart.plugins.module_utils.report.line import failure_of
from ansible_collections.tenantmail.stalwart.plugins.module_utils.report.proof import (
    VERIFY_REPORT,
    VERIFY_REPORT_RULES,
    document,
    failure,
    table,
    unproven,
    write,
)
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

display = Display()


def report(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """Write, print and judge.

    A run that ended before it could check is only written down: who prints it and fails is ``tenant_report``.

    :raises Failure: ``verify_failed`` in the layer of the first check that failed.
    """
    told = params["checks"]
    if told is None:
        told = [unproven(failure_of(params["failed_result"], params["failed_task"], params["tenant"]))]
    # Values of a play are subclasses from ansible-core 2.19 on; a report holds plain ones.
    domain, checks = json.loads(json.dumps([params["domain"], told]))
    at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found = document(params["tenant"], domain, checks, at=at, seconds=params["seconds"])
    path = write(params["directory"], found) if params["directory"] and not check_mode else None
    lines = table(found)
    if params["checks"] is None:
        return {"changed": False, "path": path, "table": lines, "counts": found["counts"]}
    display.display("\n".join(lines), color="green" if found["ok"] else "red")
    failed = failure(found)
    if failed is not None:
        raise failed
    return {"changed": False, "path": path, "table": lines, "counts": found["counts"]}


class ActionModule(TaskAction):
    """tenantmail.stalwart.verify_report"""

    SPEC = VERIFY_REPORT
    SPEC_RULES = VERIFY_REPORT_RULES
    TASK = staticmethod(report)
    HAS_MODULE = False
