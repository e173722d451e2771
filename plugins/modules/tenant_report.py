# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_report
short_description: Print a tenant's line at the end of its run
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Prints exactly one line, namely what changed, what was proven, and what is missing and who has to act; or, after a failure, the layer
    at fault, what happened and the next step.
  - Fails again where the run had failed.
  - It is an action plugin and always runs on the controller.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
options:
  tenant:
    description: Whose line it is.
    type: str
    required: true
  report:
    description:
      - What each role recorded, a mapping with the lists C(changed), C(proven) and C(missing) by role.
      - In C(unchecked) a role lists what a plan could not check; the line ends with it where there is something.
    type: dict
    default: {}
  failed_result:
    description: The result of the task that failed (C(ansible_failed_result)).
    type: dict
  failed_task:
    description: That task, of C(ansible_failed_task).
    type: dict
    suboptions:
      name:
        description: Its name.
        type: str
      action:
        description: Its action; tells the layer of a failure that names none.
        type: str
        required: true
      tags:
        description: Its tags; the playbook's are the names of the roles, which tell the layer as well.
        type: list
        elements: str
        default: []
"""

EXAMPLES = r"""
- name: Print the tenant's line
  tenantmail.stalwart.tenant_report:
    tenant: "{{ inventory_hostname }}"
    report: "{{ tenant_report }}"
"""

RETURN = r"""
line:
  description: The line.
  returned: success
  type: str
  sample: "acme: changed 0 | proven: 4 secrets in OpenBao | missing: nothing"
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""
