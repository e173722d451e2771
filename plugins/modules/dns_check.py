# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_check
short_description: Ask name servers whether they hold the desired record sets
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Sends one query for each record set to each of the name servers, directly and not through the machine's resolver, and
    compares the answers in normal form (see M(tenantmail.stalwart.powerdns_rrset)).
  - Times to live are not compared. Reads only.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
options:
  rrsets:
    description: The record sets that the name servers should hold.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The absolute name, with or without the trailing dot.
        type: str
        required: true
      type:
        description: The type; the same types as in M(tenantmail.stalwart.powerdns_rrset).
        type: str
        required: true
      values:
        description: The values, as in M(tenantmail.stalwart.powerdns_rrset). Required with O(rrsets[].state=present).
        type: list
        elements: str
        default: []
      state:
        description: With V(absent) the record set must not exist.
        type: str
        choices: [present, absent]
        default: present
      merge:
        description: Look only at the TXT values with a prefix; others of the same record set belong to somebody else.
        type: dict
        suboptions:
          prefix:
            description: How the values to compare start, for example V(v=spf1).
            type: str
            required: true
      ttl:
        description:
          - Not compared. Accepted so that RV(tenantmail.stalwart.dns_records_plan#module:records) can be given as it is.
        type: int
      purpose:
        description: Not looked at, accepted for the same reason.
        type: str
  nameservers:
    description:
      - IP addresses of the name servers, with C(:port) where it is not 53 (V(192.0.2.1), V(192.0.2.1:5300),
        V([2001:db8::1]:5300)).
      - With an empty list nothing is asked and every verdict is V(unknown).
    type: list
    elements: str
    required: true
  authoritative:
    description:
      - Accept only answers with authority. Set it to V(false) to ask a resolver instead, whose answers may be as old as the time
        to live.
    type: bool
    default: true
  timeout:
    description: Seconds to wait for one answer.
    type: float
    default: 3.0
  wait:
    description: Seconds within which the question is repeated until everything matches, for example for zone transfers.
    type: int
    default: 0
  must_match:
    description: Fail unless the verdict is V(match).
    type: bool
    default: false
requirements:
  - dnspython >= 2.6
seealso:
  - module: tenantmail.stalwart.powerdns_rrset
"""

EXAMPLES = r"""
- name: Prove that both name servers publish the tenant's MX
  tenantmail.stalwart.dns_check:
    nameservers: [192.0.2.53, "[2001:db8::53]:5300"]
    rrsets:
      - name: acme.omantel.test
        type: MX
        values: ["10 mail.acme.omantel.test"]
    wait: 60
    must_match: true

- name: See what the public DNS says about a domain that a tenant brings along
  tenantmail.stalwart.dns_check:
    nameservers: [192.0.2.1]
    authoritative: false
    rrsets:
      - name: beta-bakery.com
        type: TXT
        values: ["v=spf1 mx -all"]
        merge:
          prefix: v=spf1
  register: beta_dns
"""

RETURN = r"""
verdict:
  description:
    - V(match) when every name server answers every record set as desired; otherwise the worst of the answers, in the order
      V(unknown) (no usable answer), V(missing) (nothing there), V(conflict) (something else there).
  type: str
  returned: success
  sample: match
rrsets:
  description: The record sets of the option in normal form, with their verdicts and what each name server said.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The absolute name.
      type: str
    type:
      description: The type.
      type: str
    values:
      description: The desired values, sorted.
      type: list
      elements: str
    verdict:
      description: The verdict on this record set.
      type: str
    nameservers:
      description: For each name server its verdict, the values it holds (null without a usable answer) and what was odd.
      type: list
      elements: dict
  sample:
    - name: acme.omantel.test.
      type: MX
      values: [10 mail.acme.omantel.test.]
      verdict: match
      nameservers:
        - nameserver: 192.0.2.53:53
          verdict: match
          values: [10 mail.acme.omantel.test.]
          detail: ""
queries:
  description: DNS queries that were sent.
  type: int
  returned: success
  sample: 2
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
  sample:
    layer: dns
    code: not_converged
    message: MX acme.omantel.test. is missing (192.0.2.53:53 has nothing).
    hint: Check that the name servers serve the zone that was written, and that its transfers work.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.argspec import DNS_CHECK
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.dnscheck import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(DNS_CHECK, run)


if __name__ == "__main__":
    main()
