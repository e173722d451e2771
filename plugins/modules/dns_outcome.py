# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_outcome
short_description: Report one owner's share of a publication that was made for all
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - M(tenantmail.stalwart.powerdns_rrset) with O(tenantmail.stalwart.powerdns_rrset#module:on_conflict=report) publishes for many
    owners in one task, which runs once. This module reports one owner's share where it belongs, on the owner's own host. It is
    changed if that owner's records were changed, shows that owner's diff, and fails with that owner's failure.
  - Makes no request and changes nothing itself.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
options:
  owner:
    description: The owner, that is the tenant's slug.
    type: str
    required: true
  outcome:
    description:
      - The owner's entry in RV(tenantmail.stalwart.powerdns_rrset#module:owners).
      - Without it the module fails, because nothing was published for this owner.
    type: dict
seealso:
  - module: tenantmail.stalwart.powerdns_rrset
"""

EXAMPLES = r"""
- name: Publish for all tenants
  tenantmail.stalwart.powerdns_rrset:
    api_url: https://pdns.omantel.test
    api_key: "{{ platform_powerdns_api_key }}"
    on_conflict: report
    rrsets: "{{ record_sets_of_all_tenants }}"
  run_once: true
  changed_when: false
  diff: false
  register: published

- name: Report this tenant's share
  tenantmail.stalwart.dns_outcome:
    owner: acme
    outcome: "{{ published.owners.acme | default(omit) }}"
"""

RETURN = r"""
changed:
  description: Whether the owner's record sets were changed, or would be in check mode.
  type: bool
  returned: success
verdict:
  description: See RV(tenantmail.stalwart.powerdns_rrset#module:owners).
  type: str
  returned: success
  sample: match
changes:
  description: The owner's record sets that were written, or would be in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - action: create
      kind: MX
      key: acme.omantel.test.
diff:
  description: For each of them its zone text before and after.
  type: list
  elements: dict
  returned: success
failure:
  description: The owner's failure.
  type: dict
  returned: failure
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.argspec import DNS_OUTCOME
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.records_task import outcome
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(DNS_OUTCOME, outcome)


if __name__ == "__main__":
    main()
