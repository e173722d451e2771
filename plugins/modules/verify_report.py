# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_report
short_description: Report what was proven of a tenant's mail, and fail where something was not
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Writes the records of M(tenantmail.stalwart.mail_probe) to C(<directory>/<tenant>.json), whose form is C(docs/report.schema.json).
  - Prints a short table, namely one line for each kind of check, and every check that failed with what was expected, what was found,
    and the fix.
  - Fails with code C(verify_failed), in the layer of the first check that failed.
  - It is an action plugin and always runs on the controller. The file is no state of a tenant, so V(changed) is never reported; in
    check mode it is not written.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
options:
  tenant:
    description: Whose mail it is.
    type: str
    required: true
  domain:
    description: The domain, as C(tenant_model.domain).
    type: dict
    required: true
  checks:
    description: The records, RV(tenantmail.stalwart.mail_probe#module:checks). Either these or O(failed_result).
    type: list
    elements: dict
  failed_result:
    description:
      - C(ansible_failed_result), in a C(rescue), of a run that ended before it could check anything.
      - The file then holds one record of the name C(verify), so that nobody takes an older report for the state of things. Nothing
        is printed, and the task does not fail; M(tenantmail.stalwart.tenant_report) does both.
    type: dict
  failed_task:
    description: C(ansible_failed_task); names the layer when the failure is not one of this collection's modules.
    type: dict
    suboptions:
      name:
        description: Name of the task.
        type: str
      action:
        description: Its action.
        type: str
        required: true
      tags:
        description: Its tags; a role's name among them tells the layer.
        type: list
        elements: str
        default: []
  directory:
    description: Where the file is written; it is made if it does not exist. Without it no file is written.
    type: path
  seconds:
    description: Seconds that the checks took.
    type: float
    default: 0.0
"""

EXAMPLES = r"""
- name: Report what was proven
  tenantmail.stalwart.verify_report:
    tenant: "{{ inventory_hostname }}"
    domain: "{{ tenant_model.domain }}"
    checks: "{{ proof.checks }}"
    directory: report
"""

RETURN = r"""
path:
  description: The file that was written; V(null) if none was.
  type: str
  returned: success
table:
  description: The lines that were printed.
  type: list
  elements: str
  returned: success
counts:
  description: How many checks are V(ok), V(failed), V(warning) and V(skipped).
  type: dict
  returned: success
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""
