# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: realm_plan
short_description: Plan the changes to a tenant's Keycloak realm
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Reads a realm by the Admin REST API with one session (6 requests) and compares it with what is asked for, namely the
    realm itself, the groups' client scope with its membership mapper, confidential clients with their mappers, and groups.
  - Checks that the issuer in the realm's discovery document is O(realm_url).
  - Never writes. The role P(tenantmail.stalwart.realm#role) writes what the plan names with the C(keycloak_*) modules of
    community.general, which need several times as many requests to find out that nothing is to be done.
  - What the options do not name is left alone, with two exceptions. A client's redirect URIs, web origins and client
    scopes are exactly what is given; and an audience mapper that puts a client with O(clients[].audience=true) into the
    tokens of another one of O(clients) is planned for removal, as such a token would open the tenant's mailboxes.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
options:
  admin_url:
    description: Base URL of the Admin REST API, without C(/admin).
    type: str
    required: true
  auth:
    description: A user's password or a confidential client's own credentials. Required unless O(offline=true).
    type: dict
    suboptions:
      client_id:
        description: The client that logs in.
        type: str
        default: admin-cli
      client_secret:
        description: Secret of a confidential client. Without O(auth.username) the client logs in for itself.
        type: str
      username:
        description: A user with the roles that the README of role C(realm) lists.
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
  offline:
    description: Make no request; everything counts as absent. Accepted in check mode only.
    type: bool
    default: false
  realm:
    description: Name of the realm.
    type: str
    required: true
  realm_url:
    description: URL of the realm, which is the issuer of its tokens. It ends in C(/realms/) and O(realm).
    type: str
    required: true
  display_name:
    description: Display name of the realm; left alone if omitted.
    type: str
  admin_events:
    description: Whether Keycloak keeps admin events; left alone if omitted.
    type: bool
  scopes:
    description:
      - The scopes that every client's tokens carry. C(acr), C(basic) and C(web-origins) are added, and V(openid), which is
        no client scope, is dropped.
      - All but O(groups_scope) must exist in the realm.
    type: list
    elements: str
    default: [openid, email, profile, groups]
  groups_scope:
    description: The client scope that carries the groups claim. It and its group membership mapper are kept.
    type: str
    default: groups
  groups:
    description: Groups that exist at the realm's top.
    type: list
    elements: str
    default: []
  clients:
    description: Confidential clients.
    type: list
    elements: dict
    default: []
    suboptions:
      client_id:
        description: ID of the client.
        type: str
        required: true
      secret:
        description: Secret of the client; not compared if omitted.
        type: str
      redirect_uris:
        description: Where the authorization endpoint may redirect to. Without any, the standard flow is off.
        type: list
        elements: str
        default: []
      web_origins:
        description: Allowed CORS origins.
        type: list
        elements: str
        default: []
      audience:
        description: Whether the client's tokens carry the client itself as audience, by a mapper.
        type: bool
        default: false
"""

EXAMPLES = r"""
- name: See what differs in the realm
  tenantmail.stalwart.realm_plan:
    admin_url: https://keycloak.acme.omantel.test
    auth:
      username: provisioner
      password: "{{ password }}"
    realm: sme-acme
    realm_url: https://keycloak.acme.omantel.test/realms/sme-acme
    display_name: Acme
    groups: [sme-admin, sme-user]
    clients:
      - client_id: stalwart
        secret: "{{ client_secret }}"
        redirect_uris: ["https://mail.acme.omantel.test/*"]
        web_origins: ["+"]
        audience: true
"""

RETURN = r"""
changed:
  description: Whether something differs. The module itself changes nothing.
  type: bool
  returned: success
changes:
  description: What differs, in the order of writing.
  type: list
  elements: dict
  returned: success
  sample: [{action: update, kind: client, key: stalwart}]
exists:
  description: Whether the realm exists.
  type: bool
  returned: success
writes:
  description:
    - For each kind of object that differs, the complete options of P(community.general.keycloak_realm#module),
      P(community.general.keycloak_clientscope#module), P(community.general.keycloak_client#module) (but for its secret)
      and P(community.general.keycloak_group#module).
  type: dict
  returned: success
  contains:
    realm:
      description: No item or one.
      type: list
      elements: dict
    client_scopes:
      description: Client scopes.
      type: list
      elements: dict
    clients:
      description: Clients.
      type: list
      elements: dict
    groups:
      description: Groups.
      type: list
      elements: dict
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

from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.argspec import REALM_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(REALM_PLAN, run)


if __name__ == "__main__":
    main()
