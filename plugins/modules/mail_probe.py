# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mail_probe
short_description: Prove that a tenant's mail works
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Does what mail clients, other mail servers and receivers of mail do with a domain, with a user that exists only for this (the
    probe), and returns one record for each check.
  - A check that fails names the layer at fault and the fix. Checks that need it are skipped and name it, so there is one cause and
    not its consequences. C(docs/verify.md) lists every check, and every cause with its layer and hint.
  - A failed check does not fail the task; read RV(ok). The role P(tenantmail.stalwart.verify#role) reports and fails.
  - SMTP and IMAP connections go to the address that the name servers publish for the mail host. For a domain in mode V(byo) the record
    sets that its owner has to publish stand in for what is not there yet.
  - Nothing is written to any back end. It sends two messages to the probe's own mailbox, and one of them to its group, and removes them again.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
  - tenantmail.stalwart.stalwart
attributes:
  check_mode:
    details: Nothing is asked and nothing is sent; RV(checks) is empty and RV(ok) is V(null).
options:
  domain:
    description: The domain.
    type: dict
    required: true
    suboptions:
      primary:
        description: The mail domain.
        type: str
        required: true
      mode:
        description: Who publishes its DNS, the platform or (V(byo)) its owner.
        type: str
        choices: [free-subdomain, byo]
        default: free-subdomain
      mail_host:
        description: Host of its MX.
        type: str
        required: true
      web_host:
        description: Not looked at; accepted so that C(tenant_model.domain) can be given as it is.
        type: str
  dns:
    description:
      - What the record sets are made of, namely C(mail_addresses) (those of the Services by default), C(spf_policy), C(dmarc_policy),
        C(dmarc_rua) and C(ttl), as in C(tenant_model.dns).
    type: dict
    required: true
  nameservers:
    description: Name servers to ask, as in M(tenantmail.stalwart.dns_check); authoritative ones, or resolvers for a domain in mode V(byo).
    type: list
    elements: str
    default: []
  publish_hint:
    description: A sentence for hints, how the record sets get published.
    type: str
  provision_hint:
    description: The command that provisions the tenant, for hints.
    type: str
  admin:
    description: The administrator's account.
    type: dict
    required: true
    suboptions:
      address:
        description: Its address.
        type: str
        required: true
      aliases:
        description: Its further addresses, C(postmaster@) among them.
        type: list
        elements: str
        default: []
      secret_name:
        description: Secret of the cluster that holds O(api_password); compared when the server refuses the password.
        type: str
      secret_property:
        description: Its key there.
        type: str
        default: ADMIN_PASSWORD
  realm:
    description: The tenant's realm and the probe in it.
    type: dict
    required: true
    suboptions:
      realm_url:
        description: URL of the realm, which is the issuer.
        type: str
        required: true
      client_id:
        description: The probe's client, which may use passwords.
        type: str
        required: true
      client_secret:
        description: The client's secret.
        type: str
      username:
        description: The probe's user.
        type: str
      password:
        description: The user's password.
        type: str
      address:
        description: The probe's mailbox.
        type: str
        required: true
      group:
        description: Address of the probe's group; without it nothing about groups is looked at.
        type: str
      audience:
        description: Audience that the server requires.
        type: str
        default: stalwart
      scopes:
        description: Scopes that the server requires.
        type: list
        elements: str
        default: [openid, email, profile, groups]
      audience_scope:
        description: Optional client scope that carries the audience.
        type: str
        default: stalwart-audience
      groups_scope:
        description: Optional client scope that carries the groups.
        type: str
        default: groups
      expired_client_id:
        description: A client with the same secret whose tokens have expired when it gets them; without it that is not looked at.
        type: str
      admin_url:
        description: Base URL of the Admin REST API; that of the realm by default.
        type: str
      auth:
        description: Credentials for the Admin REST API, as in M(tenantmail.stalwart.realm_plan). Without them the realm's configuration is not looked at.
        type: dict
        suboptions:
          client_id:
            description: The client that logs in.
            type: str
            default: admin-cli
          client_secret:
            description: Secret of a confidential client.
            type: str
          username:
            description: A user.
            type: str
          password:
            description: The user's password.
            type: str
      auth_realm:
        description: The realm to log in to.
        type: str
        default: master
      ca_path:
        description: PEM file of a private CA; the system's store by default.
        type: path
      clients:
        description: Clients that must be there, beside the probe's.
        type: list
        elements: dict
        default: []
        suboptions:
          client_id:
            description: ID of the client.
            type: str
            required: true
          client_secret:
            description: The secret that it must have; not compared if omitted.
            type: str
          audience:
            description: Whether its tokens must, or must not, carry O(realm.audience); not looked at if omitted.
            type: bool
  foreign:
    description: Logins to other realms, whose tokens the server must refuse; the first that works is used.
    type: list
    elements: dict
    default: []
    suboptions:
      realm_url:
        description: URL of the realm.
        type: str
        required: true
      client_id:
        description: A client of that realm.
        type: str
        required: true
      client_secret:
        description: The client's secret.
        type: str
      username:
        description: A user; without one the client logs in for itself.
        type: str
      password:
        description: The user's password.
        type: str
  ports:
    description: Ports of the mail host, by service. Services are V(smtp), V(submissions), V(submission), V(imaps) and V(imap).
    type: dict
    default:
      smtp: 25
      submissions: 465
      submission: 587
      imaps: 993
      imap: 143
  network_policy:
    description:
      - What the namespace's NetworkPolicies have to be, for the check C(network.policy), which needs O(kubernetes). Without it that check is
        skipped.
      - Every NetworkPolicy that selects the server's pod is judged, for they add up. Policies of other kinds (of a CNI, or of the whole
        cluster) are not looked at.
    type: dict
    suboptions:
      enabled:
        description: Whether there have to be any.
        type: bool
        default: true
      web_from:
        description: Peers, as the NetworkPolicy API has them, that may reach the web ports (8080 and 443), which have the management API.
        type: list
        elements: dict
        default: []
      extra_ingress:
        description: Further rules of the chart's (C(networkPolicy.extraIngress)), which may open anything.
        type: list
        elements: dict
        default: []
  certificate:
    description:
      - Whether a self-signed certificate passes (and is told), which is what a server has before one is configured; or only one that
        O(ca_path) or the system trusts.
    type: str
    choices: [self_signed, trusted]
    default: self_signed
  spam_filter:
    description: Whether the spam filter has to act.
    type: bool
    default: false
  mailboxes_without_user:
    description: Addresses of mailboxes that need no user in the realm, beside the administrator's.
    type: list
    elements: str
    default: []
  delivery_timeout:
    description: Seconds for a message to arrive.
    type: float
    default: 8.0
  warn:
    description: Names of checks (with C(*)) whose failure is a warning.
    type: list
    elements: str
    default: []
seealso:
  - module: tenantmail.stalwart.dns_check
  - module: tenantmail.stalwart.stalwart_info
"""

EXAMPLES = r"""
- name: Prove that mail works
  tenantmail.stalwart.mail_probe:
    api_url: https://mail.acme.test
    api_username: admin
    api_password: "{{ admin_password }}"
    domain: {primary: acme.test, mail_host: mail.acme.test}
    dns: {mail_addresses: [192.0.2.25], spf_policy: "-all", dmarc_policy: reject, dmarc_rua: dmarc@acme.test}
    nameservers: [192.0.2.53]
    admin: {address: admin@acme.test, aliases: [postmaster@acme.test]}
    realm:
      realm_url: https://keycloak.acme.test/realms/sme-acme
      client_id: tenantmail-probe
      client_secret: "{{ probe_secret }}"
      username: tenantmail-probe
      password: "{{ probe_password }}"
      address: tenantmail-probe@acme.test
  register: proof

- name: Stop unless it does
  ansible.builtin.assert:
    that: proof.ok
    fail_msg: "{{ proof.checks | selectattr('status', 'equalto', 'failed') | map(attribute='hint') | join(' ') }}"
"""

RETURN = r"""
ok:
  description: Whether no check failed; V(null) in check mode.
  type: bool
  returned: success
checks:
  description: One record for each check, in a fixed order.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the check.
      type: str
    ok:
      description: Whether it passed; V(null) if it was skipped.
      type: bool
    status:
      description: V(ok), V(failed), V(warning) (failed, but O(warn) names it) or V(skipped).
      type: str
    expected:
      description: What had to be found.
      type: str
    observed:
      description: What was found, or why it was skipped.
      type: str
    layer:
      description: Where the fault is.
      type: str
    hint:
      description: The fix.
      type: str
    cause:
      description: Key of the cause; empty where nothing failed.
      type: str
    because:
      description: The failed check for which this one was skipped.
      type: str
    duration_ms:
      description: Milliseconds that it took.
      type: int
  sample:
    - name: token.probe
      ok: false
      status: failed
      expected: aud stalwart, every scope, groups
      observed: aud is account
      layer: keycloak
      hint: Run ansible-playbook tenantmail.stalwart.provision_tenant --limit acme --tags realm.
      cause: audience_missing
      because: ""
      duration_ms: 41
seconds:
  description: Seconds that all checks took together.
  type: float
  returned: success
requests:
  description: HTTP requests that were made.
  type: int
  returned: success
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_argspec import MAIL_PROBE
from ansible_collections.tenantmail.stalwart.plugins.module_utils.mail.probe_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(MAIL_PROBE, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
