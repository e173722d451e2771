# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stalwart_principal
short_description: Manage mailboxes, groups and mailing lists of a Stalwart mail server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Makes any number of individuals, groups and mailing lists what the task says. Options that are not given, and principals
    that are not named, are not touched.
  - A principal is its address. Its domain must exist on the server, see M(tenantmail.stalwart.stalwart_settings). In check mode a
    missing domain is only a warning, because an earlier task would have created it.
  - Addresses, aliases, permissions and roles are checked before any write. An address that somebody else holds is a failure
    that names the holder.
  - All changes take effect at once; no reload is needed.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.stalwart
  - tenantmail.stalwart.stalwart.writing
attributes:
  idempotent:
    support: partial
    details: With O(update_secrets=always), passwords are written on every run.
options:
  principals:
    description: The principals.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The address, such as V(alice@acme.omantel.test). Upper case is written in lower case, as the server does.
        type: str
        required: true
      type:
        description:
          - V(individual) is a mailbox that a person logs in to, V(group) a mailbox that its members share, V(list) passes mail on
            to its members.
          - It cannot be changed once the principal exists.
        type: str
        choices: [individual, group, list]
        default: individual
      state:
        description:
          - V(suspended) is an individual that cannot log in while its mail is still accepted; V(present) lets it log in again.
          - V(absent) removes it together with its mail.
        type: str
        choices: [present, absent, suspended]
        default: present
      description:
        description:
          - Name for display.
          - The issuer's name claim overwrites an individual's with every login. Where logins are checked by an OIDC directory that
            reads such a claim, it is therefore only written on creation.
        type: str
      aliases:
        description: All further addresses. Addresses that are not among them are taken away.
        type: list
        elements: str
      members:
        description:
          - All members of a group (addresses of individuals) or a list (any addresses).
          - Where the issuer sends a groups claim, every login sets the groups of an individual to what the claim says.
        type: list
        elements: str
      member_of:
        description: All groups of an individual, by address. Given at both ends, it must agree with O(principals[].members).
        type: list
        elements: str
      roles:
        description:
          - V(user) or V(admin) for an individual, V(default) for a group, or names of roles of the server.
        type: list
        elements: str
      quota:
        description: Space of the mailbox in bytes; V(0) takes the limit away.
        type: int
      locale:
        description: Language and region, such as V(en_US).
        type: str
      enabled_permissions:
        description:
          - Permissions beyond those of the roles, such as V(emailReceive). Names of the 0.15 generation such as V(email-receive) are
            accepted.
        type: list
        elements: str
      disabled_permissions:
        description: Permissions that are taken away, whatever the roles say.
        type: list
        elements: str
      receive_mail:
        description:
          - Whether mail to the principal is accepted. A group always receives mail unless this is V(false).
          - Not given, an individual's permission to receive is not touched.
        type: bool
      password:
        description:
          - Password of an individual, at least 8 characters; written as O(update_secrets) says.
          - Refused where logins are checked by an external directory, because the server takes no passwords then.
        type: str
      confirm_data_loss:
        description: Allows O(principals[].state=absent) to remove a mailbox that holds mail.
        type: bool
        default: false
seealso:
  - module: tenantmail.stalwart.stalwart_info
  - module: tenantmail.stalwart.stalwart_settings
"""

EXAMPLES = r"""
- name: Create the administrator's mailbox with the addresses that RFC 2142 asks for
  tenantmail.stalwart.stalwart_principal:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    principals:
      - name: admin@acme.omantel.test
        roles: [user]
        aliases: [postmaster@acme.omantel.test, abuse@acme.omantel.test]

- name: Create a shared mailbox with two members, and a list
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: sales@acme.omantel.test
        type: group
        members: [alice@acme.omantel.test, bob@acme.omantel.test]
      - name: alice@acme.omantel.test
        quota: 5368709120
      - name: bob@acme.omantel.test
      - name: news@acme.omantel.test
        type: list
        members: [alice@acme.omantel.test, press@elsewhere.test]

- name: Lock somebody out while mail keeps coming in
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: bob@acme.omantel.test
        state: suspended
"""

RETURN = r"""
principals:
  description: The principals of the option as the server holds them now, with their managed and unmanaged options.
  type: list
  elements: dict
  returned: success
  sample:
    - name: admin@acme.omantel.test
      type: individual
      state: present
      aliases: [abuse@acme.omantel.test, postmaster@acme.omantel.test]
changes:
  description: What was changed or, in check mode, would be.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description: V(create), V(update) or V(delete).
      type: str
    kind:
      description: V(individual), V(group) or V(list).
      type: str
    key:
      description: The address.
      type: str
  sample:
    - action: create
      kind: individual
      key: admin@acme.omantel.test
diff:
  description: For each changed principal the options that differ, before and after, with secrets masked.
  type: list
  elements: dict
  returned: success
unvalidated:
  description: Whether names of permissions and locales could not be checked because no schema is at hand, with O(server=absent).
  type: bool
  returned: success
generation:
  description: The server's API family.
  type: str
  returned: success
  sample: "0.16"
schema_hash:
  description: Hash of the server's schema, which names its version's vocabulary.
  type: str
  returned: success
probe:
  description: What the server was found to be, for the option O(probe) of later tasks of the same run; V(null) where no server was asked.
  type: dict
  returned: success
  sample:
    server: http://stalwart-web.tenant-acme
    generation: "0.16"
    schema_hash: 25gnm1_xB9bPk-puX9VTFMP1W5V-1muUWuK964-_uEw
requests:
  description: HTTP requests that were made.
  type: int
  returned: success
  sample: 2
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
  sample:
    layer: stalwart
    code: conflict
    message: "principals[0] info@acme.omantel.test: the address info@acme.omantel.test is an alias of the individual admin@acme.omantel.test."
    hint: Nothing was written.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import PRINCIPAL_SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.principal_task import run


def main() -> None:
    """Entry point."""
    run_module(PRINCIPAL_SPEC, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
