# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_duplicates
short_description: Compare the tenants of the inventory with each other
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Slug, domain, namespace in a cluster, and realm URL belong to one tenant only. Finds those that two tenants share, in one
    pass over the inventory, which is meant to run once for all hosts.
  - Never fails for a tenant's fault. Each tenant reports its own part through option
    O(tenantmail.stalwart.tenant_model#module:duplicates), so that the others go on.
  - Sees the whole group even with C(--limit). A sliced job of AWX has only its slice of the inventory, so only that is compared.
  - Makes no request and changes nothing. It is an action plugin and always runs on the controller.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
options:
  group:
    description: The inventory group that holds the tenants.
    type: str
    default: tenants
seealso:
  - module: tenantmail.stalwart.tenant_model
"""

EXAMPLES = r"""
- name: Compare all tenants
  tenantmail.stalwart.tenant_duplicates:
    group: tenants
  run_once: true
  register: compared
"""

RETURN = r"""
duplicates:
  description: By inventory host, what it shares with others; only the hosts involved.
  returned: always
  type: dict
  sample:
    beta:
      - variable: tenant_domain
        value: beta-bakery.com
        accepted: a domain that no other tenant has; gamma has the same one
requests:
  description: Number of requests made, always 0.
  returned: always
  type: int
  sample: 0
"""
