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
  - Reads a realm by the Admin REST API with one session and compares it with what is asked for, namely the realm's settings,
    the client scopes of the groups and of the audience, clients with their mappers, groups, users, and the probe.
  - It makes seven requests, one more with O(group_parent), and with users one per thousand of them and one per group that the
    claim may name. Their number does not grow with the users.
  - Checks that the issuer in the realm's discovery document is O(realm_url).
  - If nothing differs, a token of the probe proves that all of it works together. A probe whose login is refused is planned
    to be made anew, unless another login of it was under way, after which it is tried again; a client that gets no token, and a token
    that lacks what the mail server asks for, is the failure C(not_converged).
  - Never writes. The role P(tenantmail.stalwart.realm#role) writes what the plan names with the C(keycloak_*) modules of
    community.general, which need several times as many requests to find out that nothing is to be done.
  - What the options do not name is left alone, with these exceptions. A client's redirect URIs, web origins and client
    scopes are exactly what is given; an audience mapper that puts a client with O(clients[].audience=true) into the
    tokens of another client is planned for removal, as such a token would open the tenant's mailboxes; and a user of O(users)
    is a member of exactly those groups of the claim that are given.
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
  settings:
    description:
      - Settings of the realm by the names of P(community.general.keycloak_realm#module); what is omitted is left alone.
      - Numbers are at least 1, and seconds unless the name says otherwise.
    type: dict
    suboptions:
      ssl_required:
        description: For which clients HTTPS is required.
        type: str
        choices: [external, all, none]
      brute_force_protected:
        description: Whether logins are refused for a while after many failures.
        type: bool
      permanent_lockout:
        description: Whether such a user is disabled for good.
        type: bool
      failure_factor:
        description: After how many failures.
        type: int
      wait_increment_seconds:
        description: By how much the time grows for which logins are refused.
        type: int
      max_failure_wait_seconds:
        description: The longest time for which logins are refused.
        type: int
      minimum_quick_login_wait_seconds:
        description: For how long logins are refused after two failures that follow each other quickly.
        type: int
      quick_login_check_milli_seconds:
        description: How quickly that is.
        type: int
      max_delta_time_seconds:
        description: After which time failures are forgotten.
        type: int
      access_token_lifespan:
        description: Lifespan of access tokens.
        type: int
      access_code_lifespan:
        description: Lifespan of authorization codes.
        type: int
      sso_session_idle_timeout:
        description: After which time without use a session ends.
        type: int
      sso_session_max_lifespan:
        description: After which time a session ends.
        type: int
      offline_session_idle_timeout:
        description: After which time without use an offline session ends, such as a mail program's.
        type: int
  scopes:
    description:
      - The scopes that every client's tokens carry. C(acr), C(basic) and C(web-origins) are added, and V(openid), which is
        no client scope, is dropped.
      - All but O(groups_scope) must exist in the realm.
    type: list
    elements: str
    default: [openid, email, profile, groups]
  groups_scope:
    description:
      - The client scope that carries the claim C(groups). It and its mapper are kept.
      - The claim is made of the groups' attribute C(tenantmail_group), which is kept on the groups of O(groups), O(users) and
        O(probe), and on those directly below O(group_parent), and removed from every other one at the realm's top. Keycloak's
        group membership mapper would name every group, and each name in the claim becomes a mailbox.
    type: str
    default: groups
  audience_scope:
    description:
      - The client scope that puts the client with O(clients[].audience=true) into the audience; kept for O(public_clients), which
        have it by default, and O(probe), which may ask for it.
    type: str
    default: stalwart-audience
  group_parent:
    description:
      - A group at the realm's top, below which all of O(groups), O(users[].groups) and O(probe.group) are kept. At the realm's
        top if omitted.
      - Every other group directly below it is in the claim as well, if its name can begin a mail address.
    type: str
  groups:
    description: Groups that exist.
    type: list
    elements: str
    default: []
  secret_source:
    description:
      - Which secret is restored when that of one of O(clients) differs. With V(keycloak) the plan names the clients whose secret
        must be written to OpenBao; a client without a secret gets the one that is given all the same.
    type: str
    choices: [openbao, keycloak]
    default: openbao
  public_clients:
    description: Public clients, which must use PKCE with S256 (RFC 7636) and carry the audience.
    type: list
    elements: dict
    default: []
    suboptions:
      client_id:
        description: ID of the client.
        type: str
        required: true
      enabled:
        description: Whether the client is enabled.
        type: bool
        default: true
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
  users:
    description: Users that exist. Their passwords are neither read nor compared.
    type: list
    elements: dict
    default: []
    suboptions:
      username:
        description: Name, in lower case.
        type: str
        required: true
      email:
        description: Mail address, which counts as verified.
        type: str
        required: true
      first_name:
        description: First name.
        type: str
        required: true
      last_name:
        description: Last name.
        type: str
        required: true
      enabled:
        description: Whether the user may log in.
        type: bool
        default: true
      groups:
        description: Groups whose member the user is.
        type: list
        elements: str
        default: []
      required_actions:
        description: What the user must do at the first login; not compared afterwards.
        type: list
        elements: str
        default: []
  probe:
    description:
      - A client and a user that nobody uses but the proof. The client may use the direct access grant, and ask for the groups and
        the audience or leave them out. A second client gets the same tokens, but they are expired when they are issued.
    type: dict
    suboptions:
      state:
        description:
          - With V(enabled) it can log in; with V(disabled) it exists and its clients are disabled.
          - With V(retired) what exists of it is disabled, and nothing is created.
        type: str
        choices: [enabled, disabled, retired]
        default: enabled
      client_id:
        description: ID of the client.
        type: str
        required: true
      expired_client_id:
        description: ID of the client whose tokens are expired.
        type: str
        required: true
      secret:
        description: Secret of both clients; not compared, and no token asked for, if omitted.
        type: str
      username:
        description: Name of the user.
        type: str
        required: true
      email:
        description: The user's mail address.
        type: str
        required: true
      group:
        description: The user's only group.
        type: str
        required: true
      password:
        description: The user's password; no token is asked for if omitted.
        type: str
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
    settings: {brute_force_protected: true, access_token_lifespan: 300}
    group_parent: mail
    groups: [sme-admin, sme-user]
    users:
      - {username: alice, email: alice@acme.omantel.test, first_name: Alice, last_name: Smith, groups: [sme-user]}
    public_clients:
      - {client_id: stalwart-public, redirect_uris: ["https://mail.acme.omantel.test/*", "http://localhost/*"]}
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
      P(community.general.keycloak_clientscope#module), P(community.general.keycloak_client#module) (but for its secret),
      P(community.general.keycloak_group#module) and P(community.general.keycloak_user#module) (but for its password, which is
      given where C(new) is true only).
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
    users:
      description: Users.
      type: list
      elements: dict
    openbao_secrets:
      description: The C(client_id) of each client whose secret must be written to OpenBao.
      type: list
      elements: dict
proven:
  description: What a token of the probe carries; V(none) when something differs or no token could be asked for.
  type: str
  returned: success
  sample: a token of tenantmail-probe carries aud stalwart, scope openid email profile groups, preferred_username tenantmail-probe
unusable_groups:
  description: Groups below O(group_parent) that are not in the claim because no mail address can begin with their name.
  type: list
  elements: str
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

from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.argspec import REALM_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.keycloak.task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(REALM_PLAN, run)


if __name__ == "__main__":
    main()
