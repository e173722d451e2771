# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_records_plan
short_description: Tell which DNS record sets a tenant needs, and plan the ConfigMap that lists them
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Computes the record sets of a mail domain (MX, SPF, DMARC, DKIM, and the addresses of the mail host and the web host) from the
    tenant's model, the keys that its server really holds, and the addresses that its cluster really gives.
  - Compares the ConfigMap C(<release>-dns-records-required) with them. Writes nothing; role
    P(tenantmail.stalwart.dns_records#role) writes what differs.
  - Costs one request to the Kubernetes API, one more unless O(dns) gives C(mail_addresses), and up to two more for a web host of
    its own.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
  - tenantmail.stalwart.kubernetes
options:
  namespace:
    description: Namespace of the tenant's release.
    type: str
    required: true
  release:
    description: Name of the tenant's release. Its Services C(<release>-smtp) and C(<release>-imap) have the mail host's addresses.
    type: str
    default: stalwart
  configmap:
    description: Name of the ConfigMap.
    type: str
    default: stalwart-dns-records-required
  labels:
    description: Labels that the ConfigMap has at least.
    type: dict
    default: {}
  owner:
    description: Whose record sets these are, that is the tenant's slug; see M(tenantmail.stalwart.powerdns_rrset).
    type: str
    required: true
  domain:
    description: The part C(domain) of the tenant's model.
    type: dict
    required: true
    suboptions:
      primary:
        description: The mail domain.
        type: str
        required: true
      mode:
        description: Whether the platform publishes the records, or the owner of the domain does.
        type: str
        choices: [free-subdomain, byo]
        default: free-subdomain
      mail_host:
        description: The host that the MX names.
        type: str
        required: true
      web_host:
        description: The host of the web interface; has address records of its own where it differs from the mail host.
        type: str
        required: true
  dns:
    description:
      - The part C(dns) of the tenant's model. Read are C(enabled), C(zone), C(mail_addresses), C(spf_policy), C(spf_mechanisms),
        C(dmarc_policy), C(dmarc_rua) and C(ttl).
    type: dict
    required: true
  dkim_keys:
    description: The server's DKIM keys as RV(tenantmail.stalwart.stalwart_info#module:info.dkim_keys) returns them.
    type: list
    elements: dict
    default: []
  gateway:
    description: Name and namespace of the Gateway of a web host of its own that has no Ingress.
    type: dict
    default: {}
  web_addresses:
    description: Addresses of a web host of its own, instead of those of its Ingress or Gateway.
    type: list
    elements: str
    default: []
  publish:
    description: Whether RV(publish) lists the record sets; false for a tenant whose records are only checked.
    type: bool
    default: true
  adopt:
    description: Mark the record sets to be taken over from whoever has them now.
    type: bool
    default: false
  wait:
    description: Seconds to wait for the load balancer's addresses, and for SMTP and IMAP to have the same. Not in check mode.
    type: int
    default: 60
  offline:
    description: Read nothing, as if nothing existed. Accepted in check mode only.
    type: bool
    default: false
seealso:
  - module: tenantmail.stalwart.powerdns_rrset
  - module: tenantmail.stalwart.stalwart_info
"""

EXAMPLES = r"""
- name: Read the keys that the server holds
  tenantmail.stalwart.stalwart_info:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    domain: acme.omantel.test
    gather: [dkim]
  register: server

- name: Tell which record sets the tenant needs
  tenantmail.stalwart.dns_records_plan:
    namespace: tenant-acme
    owner: acme
    domain:
      primary: acme.omantel.test
      mail_host: mail.acme.omantel.test
      web_host: mail.acme.omantel.test
    dns: "{{ tenant_model.dns }}"
    dkim_keys: "{{ server.info.dkim_keys }}"
  register: needed
"""

RETURN = r"""
changed:
  description: Whether the ConfigMap differs.
  type: bool
  returned: success
records:
  description: The record sets that the domain needs, in normal form.
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
    ttl:
      description: Time to live in seconds.
      type: int
    values:
      description: The values, sorted.
      type: list
      elements: str
    purpose:
      description: V(mx), V(spf), V(dmarc), V(mail-address), V(web-address) or V(dkim).
      type: str
    merge:
      description: Only in record sets that are shared with others; see M(tenantmail.stalwart.powerdns_rrset).
      type: dict
  sample:
    - name: acme.omantel.test.
      type: MX
      ttl: 300
      values: [10 mail.acme.omantel.test.]
      purpose: mx
rrsets:
  description: The same as option O(tenantmail.stalwart.powerdns_rrset#module:rrsets); empty where the platform does not publish.
  type: list
  elements: dict
  returned: success
publish:
  description: RV(rrsets), or an empty list with O(publish=false).
  type: list
  elements: dict
  returned: success
unknown:
  description:
    - Sentences about what cannot be told yet. In check mode a server that does not exist has no keys and no addresses; otherwise
      this list is empty, because the module fails.
  type: list
  elements: str
  returned: success
  sample:
    - the DKIM keys (made by the server some seconds after the domain)
configmap:
  description: The ConfigMap to write, or null if it is as it should be.
  type: dict
  returned: success
changes:
  description: What would be written to the cluster.
  type: list
  elements: dict
  returned: success
  sample:
    - action: create
      kind: ConfigMap
      key: stalwart-dns-records-required
diff:
  description: The zone text of the ConfigMap before and after.
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
    layer: kubernetes
    code: conflict
    message: Service stalwart-smtp has 192.0.2.1 and Service stalwart-imap has 192.0.2.2, but mail.acme.omantel.test is one name for both.
    hint: Let the Services share an address, or set tenant_mail_addresses.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.argspec import DNS_RECORDS_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.records_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(DNS_RECORDS_PLAN, run)


if __name__ == "__main__":
    main()
