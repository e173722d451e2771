# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Let every TLS port of a Stalwart mail server serve its certificate, in the controller's process."""

from __future__ import annotations

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import certificate_task
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart import portforward as _portforward
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import CERTIFICATE_SPEC
from ansible_collections.tenantmail.stalwart.plugins.plugin_utils.task_action import TaskAction

_PRELOADED = (_portforward,)


class ActionModule(TaskAction):
    """tenantmail.stalwart.stalwart_certificate"""

    SPEC = CERTIFICATE_SPEC
    TASK = staticmethod(certificate_task.run)
    SECRETS = staticmethod(inline_secrets)
