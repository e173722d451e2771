# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prove that a tenant's mail works, in the controller's process."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_argspec import MAIL_PROBE
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import portforward as _portforward
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

# Ansible loads action plugins before it forks a process per task: loaded here, the libraries are paid for once per playbook.
_PRELOADED = (_portforward,)


class ActionModule(TaskAction):
    """tenantmail.stalwart.mail_probe"""

    SPEC = MAIL_PROBE
    TASK = staticmethod(run)
    SECRETS = staticmethod(inline_secrets)
