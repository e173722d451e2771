# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: powerdns_rrset
short_description: Manage record sets in the zones of a PowerDNS server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Makes any number of record sets in any number of zones what the task says, with one read per zone and, only where
    something differs, one C(PATCH) per zone (more only above 1.9 MB, because PowerDNS accepts 2 MiB).
  - Record sets are compared in normal form. Names and targets ignore case and a missing trailing dot; TXT values ignore how
    they are quoted and split; the order of values never counts. A run that finds nothing to do sends no C(PATCH), which would
    raise the zone's serial.
  - Record sets of somebody else are left alone, see O(rrsets[].owner) and O(rrsets[].adopt). What is not mentioned is never
    deleted.
  - An owner's record sets are written as a whole or not at all. An SPF record that ends in C(-all) beside somebody else's MX
    would break that somebody's mail.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.powerdns
options:
  rrsets:
    description: The record sets. What they say is checked completely before any request is made.
    type: list
    elements: dict
    required: true
    suboptions:
      zone:
        description: The zone that holds the record set. It must exist; in check mode an absent zone counts as empty.
        type: str
        required: true
      name:
        description:
          - The record set's absolute name, with or without the trailing dot, at or below O(rrsets[].zone).
          - Must be ASCII; names in other scripts are given as A-labels.
        type: str
        required: true
      type:
        description:
          - The type, one of V(A), V(AAAA), V(CAA), V(CNAME), V(DNAME), V(DS), V(MX), V(NAPTR), V(NS), V(OPENPGPKEY), V(PTR),
            V(SMIMEA), V(SRV), V(SSHFP), V(TLSA), V(TXT), V(URI).
          - V(SOA), and V(NS) at the zone's own name, are refused; they belong to the zone.
        type: str
        required: true
      ttl:
        description:
          - Time to live, in seconds, 0 to 2147483647.
          - With O(rrsets[].merge) it counts only when the record set is created; afterwards the shared record set keeps its own.
        type: int
        default: 300
      values:
        description:
          - The values in presentation form, for example V(10 mail.acme.omantel.test.) for an MX. Names in values are absolute.
          - A TXT value may be plain text, which is quoted and split at 255 octets, or presentation form if it starts with a
            quotation mark. Its strings are joined and split anew, so TXT record sets in which the borders between strings
            mean something (DNS-SD) cannot be managed. One TXT value holds at most 65,279 octets of text.
          - Placeholders such as V(<public key>) are refused.
          - Required with O(rrsets[].state=present).
        type: list
        elements: str
        default: []
      state:
        description:
          - V(absent) deletes the record set if it is the owner's. Somebody else's is left where it is and reported with the
            action V(kept).
        type: str
        choices: [present, absent]
        default: present
      merge:
        description:
          - Manages one value inside a TXT record set that others use as well, for example SPF among the site verifications at
            a domain's apex. All other values stay exactly as they are.
          - Such a record set carries no mark of ownership, and it is read again just before it is written. The value itself
            belongs to the task, whoever wrote it before.
        type: dict
        suboptions:
          prefix:
            description:
              - How the managed value starts, as a whole word and whatever the case, for example V(v=spf1).
              - With O(rrsets[].state=absent), O(rrsets[].values) narrows what is removed; without values every value with this
                prefix is.
            type: str
            required: true
      owner:
        description:
          - Whose record set this is, for example a tenant's slug. It is kept in the RRset's comment (account C(tenantmail),
            content C(tenant=<owner>)).
          - A record set that exists with other content and without this mark is a conflict (failure code V(foreign_record), or
            V(not_owner) when it is marked as another owner's). One that exists with equal values is fine, stays unmarked, and
            is never deleted.
          - Required with O(ownership=comment) and with O(on_conflict=report).
        type: str
      adopt:
        description: Take over a record set that is not marked as the owner's, whatever it holds.
        type: bool
        default: false
  ownership:
    description:
      - V(comment) marks record sets in their comments and respects the marks of others.
      - V(none) neither writes nor reads marks, and takes every record set that the task names for the task's own. Needed for
        PowerDNS back ends without comments (LMDB).
    type: str
    choices: [comment, none]
    default: comment
  on_conflict:
    description:
      - V(fail) fails before anything is written when any record set is refused or in conflict.
      - V(report) never fails for one owner's or one zone's fault. The others are written, and RV(owners) and RV(zones) tell what
        went wrong. A server that does not answer or refuses the key is reported for every zone, after one request.
    type: str
    choices: [fail, report]
    default: fail
seealso:
  - module: tenantmail.stalwart.dns_check
"""

EXAMPLES = r"""
- name: Publish a tenant's mail records
  tenantmail.stalwart.powerdns_rrset:
    api_url: https://pdns.omantel.test
    api_key: "{{ platform_powerdns_api_key }}"
    rrsets:
      - zone: omantel.test
        name: acme.omantel.test
        type: MX
        values: ["10 mail.acme.omantel.test"]
        owner: acme
      - zone: omantel.test
        name: mail.acme.omantel.test
        type: A
        values: [192.0.2.25]
        owner: acme

- name: Manage only SPF among the TXT values of an apex
  tenantmail.stalwart.powerdns_rrset:
    api_url: https://pdns.omantel.test
    api_key: "{{ platform_powerdns_api_key }}"
    rrsets:
      - zone: omantel.test
        name: acme.omantel.test
        type: TXT
        values: ["v=spf1 mx -all"]
        merge:
          prefix: v=spf1
        owner: acme

- name: Publish for many tenants and let each see its own result
  tenantmail.stalwart.powerdns_rrset:
    api_url: https://pdns.omantel.test
    api_key: "{{ platform_powerdns_api_key }}"
    on_conflict: report
    rrsets: "{{ record_sets_of_all_tenants }}"
  register: published

- name: Take over a record set that was made by hand
  tenantmail.stalwart.powerdns_rrset:
    api_url: https://pdns.omantel.test
    api_key: "{{ platform_powerdns_api_key }}"
    rrsets:
      - zone: omantel.test
        name: _dmarc.acme.omantel.test
        type: TXT
        values: ["v=DMARC1; p=reject; rua=mailto:dmarc@acme.omantel.test"]
        owner: acme
        adopt: true

- name: Remove a record set
  tenantmail.stalwart.powerdns_rrset:
    api_url: https://pdns.omantel.test
    api_key: "{{ platform_powerdns_api_key }}"
    rrsets:
      - zone: omantel.test
        name: old.acme.omantel.test
        type: A
        state: absent
        owner: acme
"""

RETURN = r"""
rrsets:
  description: The record sets of the option in normal form, in the same order, without those that were refused as input.
  type: list
  elements: dict
  returned: success
  contains:
    zone:
      description: The zone.
      type: str
    name:
      description: The absolute name.
      type: str
    type:
      description: The type.
      type: str
    ttl:
      description: The desired time to live in seconds.
      type: int
    values:
      description: The desired values, sorted.
      type: list
      elements: str
    state:
      description: The desired state.
      type: str
    owner:
      description: The owner.
      type: str
    action:
      description: >-
        What was done, or would be done in check mode. V(create), V(update), V(delete), V(none), V(kept) (absent is desired but
        somebody else's is there) or V(refused).
      type: str
  sample:
    - zone: omantel.test.
      name: acme.omantel.test.
      type: MX
      ttl: 300
      values: [10 mail.acme.omantel.test.]
      state: present
      owner: acme
      action: create
zones:
  description: For each zone whether it could be read and written.
  type: dict
  returned: success
  sample:
    omantel.test.:
      ok: true
      failure: null
owners:
  description:
    - For each owner what became of its record sets.
    - C(verdict) is V(match) when everything is as desired; V(missing) in check mode when something would be written;
      V(conflict) when somebody else's record set is in the way; V(unknown) when the owner's input is refused or the server could
      not be asked.
    - C(failure) has the form of RV(failure), or is null. C(changes) and C(diff) are the owner's
      share of RV(changes) and RV(diff).
  type: dict
  returned: success
  sample:
    acme:
      verdict: match
      failure: null
      changes: []
      diff: []
changes:
  description: The record sets that were written, or would be in check mode.
  type: list
  elements: dict
  returned: success
  sample:
    - action: create
      kind: MX
      key: acme.omantel.test.
diff:
  description: For each changed record set its zone text before and after.
  type: list
  elements: dict
  returned: success
requests:
  description: HTTP requests that were made.
  type: int
  returned: success
  sample: 1
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
  sample:
    layer: powerdns
    code: foreign_record
    message: MX acme.omantel.test. in zone omantel.test. holds [10 mx.elsewhere.test.] and is not marked as owned by 'acme'.
    hint: Remove that record set, or take it over.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.argspec import POWERDNS_RRSET
from ansible_collections.tenantmail.stalwart.plugins.module_utils.powerdns.task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(POWERDNS_RRSET, run)


if __name__ == "__main__":
    main()
