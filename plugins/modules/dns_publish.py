# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_publish
short_description: Publish what all hosts of the play offer to PowerDNS, once for all
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Part of role P(tenantmail.stalwart.dns_records#role). Takes the record sets that the role prepared on every host of the batch
    and publishes them as M(tenantmail.stalwart.powerdns_rrset) does with
    O(tenantmail.stalwart.powerdns_rrset#module:on_conflict=report), so that each zone is read once and written once.
  - Meant to run once for all hosts. A task that runs once and fails takes all other hosts with it, so this one never fails and has
    no options that could. Whatever goes wrong is in the outcome of the hosts concerned;
    M(tenantmail.stalwart.dns_outcome) makes it each host's own failure.
  - The key is the host's own C(dns_records_api_key) or C(platform_powerdns_api_key). A key that is given to the play or the role,
    and so is no variable of the host, is taken from the host that runs the task.
  - It is an action plugin and always runs on the controller.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
seealso:
  - module: tenantmail.stalwart.dns_outcome
  - module: tenantmail.stalwart.powerdns_rrset
"""

EXAMPLES = r"""
- name: Publish what all tenants need
  tenantmail.stalwart.dns_publish:
  run_once: true
  register: published

- name: Report what became of the tenant's record sets
  tenantmail.stalwart.dns_outcome:
    owner: acme
    outcome: "{{ published.outcomes[inventory_hostname] | default(omit) }}"
"""

RETURN = r"""
outcomes:
  description: By inventory host, what RV(tenantmail.stalwart.powerdns_rrset#module:owners) says of its owner; only the hosts that
    offer something.
  returned: always
  type: dict
  sample:
    acme:
      verdict: match
      failure: null
      changes: []
      diff: []
requests:
  description: HTTP requests that were made.
  returned: always
  type: int
  sample: 1
"""
