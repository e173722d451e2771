# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_model
short_description: Derive everything a tenant needs from the inventory
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Turns the public inventory variables into the tenant's model, the only place where names, paths and defaults are known.
    All other roles read the model.
  - Validates everything first. Every mistake is reported at once, with the variable, the value and what is accepted.
  - A variable of the host that begins with C(tenant_) or C(platform_), is none of the collection's, and nearly has the name of
    one of them, is a mistake too, unless O(platform_own_variables) lists it; Ansible itself would ignore it. Its value is not
    shown.
  - Makes no request, reads no file but the schema in O(chart) and O(tenant_mailboxes_file), and changes nothing. Always runs on the controller.
  - No value is given in more than one way. A C(tenant_*) variable comes before O(tenant_overlay), which comes before a
    C(platform_*) variable, which comes before the default.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
  - tenantmail.stalwart.tenant
options:
  host:
    description: The inventory host, the slug where O(tenant_slug) is not given.
    type: str
  chart:
    description:
      - Directory of the chart. O(tenant_chart_values) is checked against its schema, where that is given and the Python library
        jsonschema is there; without it, the chart's values are checked when the release is planned.
    type: path
  duplicates:
    description:
      - What the tenant has in common with others although it must not, as P(tenantmail.stalwart.tenant_duplicates#module)
        returned it for this host. Reported together with the tenant's other mistakes.
    type: list
    elements: dict
    suboptions:
      variable:
        description: The variable.
        type: str
        required: true
      value:
        description: Its value.
        type: str
        required: true
      accepted:
        description: What is accepted.
        type: str
        required: true
seealso:
  - module: tenantmail.stalwart.tenant_duplicates
"""

EXAMPLES = r"""
- name: Derive the model of a free subdomain
  tenantmail.stalwart.tenant_model:
    host: acme
    platform_fqdn: omantel.omani.works
    platform_openbao_url: https://bao.omantel.omani.works
    platform_powerdns_url: https://pdns.omantel.omani.works
  register: derived

- name: Derive the model of a tenant that brings its own domain
  tenantmail.stalwart.tenant_model:
    tenant_slug: beta
    tenant_domain: beta-bakery.com
    tenant_domain_mode: byo
    platform_fqdn: omantel.omani.works
    platform_openbao_url: https://bao.omantel.omani.works

- name: Take the values file of the original design as it is
  tenantmail.stalwart.tenant_model:
    host: acme
    platform_fqdn: omantel.omani.works
    platform_openbao_url: https://bao.omantel.omani.works
    tenant_overlay:
      domain: {primary: acme.omantel.omani.works, mode: free-subdomain}
      keycloak:
        realmURL: https://auth.acme.omantel.omani.works/realms/sme
        clientSecretName: stalwart-oidc
      dns:
        powerdns: {enabled: true, apiURL: "https://pdns.omantel.omani.works/api", zone: omantel.omani.works}
"""

RETURN = r"""
model:
  description: >-
    The tenant's model. It holds no secret. Its keys are C(slug), C(display_name), C(domain), C(kubernetes), C(keycloak),
    C(openbao), C(stalwart), C(chart_values), C(dns), C(oidc_directory), C(admin), C(mailboxes), C(relay)
    and C(capacity).
  returned: success
  type: dict
  contains:
    slug:
      description: The tenant's short name.
      returned: success
      type: str
    display_name:
      description: The tenant's name for people.
      returned: success
      type: str
    domain:
      description: C(primary), C(mode), C(mail_host) and C(web_host).
      returned: success
      type: dict
    kubernetes:
      description: >-
        C(namespace), C(release), C(connection) (without secrets), C(secret_store), C(gateway), C(ca_file) and the namespace's
        C(labels).
      returned: success
      type: dict
    keycloak:
      description:
        - The realm, its scopes and C(groups), and its three C(clients) with the OpenBao path and property of each secret.
        - C(public_client), C(audience_scope), C(group_parent), C(users) (without passwords), and the C(probe) with its clients, user,
          group and secrets' places; C(probe.enabled) is what O(tenant_verify) says.
      returned: success
      type: dict
    openbao:
      description: C(url), C(mount) and C(secrets), the paths and properties that must exist, and which are not to be generated (C(generate)).
      returned: success
      type: dict
    stalwart:
      description: >-
        C(generation), C(image), C(service), C(service_port), C(store), C(settings), C(spam_filter) and C(certificate), which has the
        C(secret_name), the C(names) and the C(issuer).
      returned: success
      type: dict
    chart_values:
      description: The values of the chart, in the chart's own names.
      returned: success
      type: dict
    dns:
      description: What is published, where, and whether the platform publishes it (C(enabled)).
      returned: success
      type: dict
    oidc_directory:
      description: C(label), C(description) and C(settings) of the server's OpenID Connect directory, and the C(issuer) that it must run.
      returned: success
      type: dict
    admin:
      description: The recovery administrator and the administrator's account as C(principals).
      returned: success
      type: dict
    mailboxes:
      description: >-
        The mailboxes, groups and lists as C(principals), the addresses that are C(promised) to take mail, and C(password_clients).
      returned: success
      type: dict
    relay:
      description: >-
        Where outgoing mail goes (C(enabled), C(host), C(port), C(tls), C(username)), where its password is, the C(signed_headers), and
        what goes from a server that had a relay (C(former)).
      returned: success
      type: dict
    capacity:
      description: C(replicas), C(resources) and C(storage).
      returned: success
      type: dict
  sample:
    slug: acme
    domain: {primary: acme.omantel.test, mode: free-subdomain, mail_host: mail.acme.omantel.test, web_host: mail.acme.omantel.test}
requests:
  description: Number of requests made, always 0.
  returned: success
  type: int
  sample: 0
failure:
  description: >-
    What is wrong. C(details) is a list of every mistake, each with C(variable), C(value) (masked for a secret) and C(accepted).
  returned: failure
  type: dict
  sample:
    layer: inventory
    code: invalid_value
    details:
      - variable: tenant_domain
        value: my domain.com
        accepted: a domain name of at least two labels
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.argspec import SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.tenant.task import run


def main() -> None:
    """Entry point."""
    run_module(SPEC, run)


if __name__ == "__main__":
    main()
