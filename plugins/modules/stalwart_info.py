# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stalwart_info
short_description: Read facts of a Stalwart mail server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Reads what a server is (generation, edition, permissions of the credential), what a domain of it publishes (zone text, DKIM
    keys), and which directory checks logins, as stored and as running. Never a secret.
  - Without a credential it tells whether the server is there and answers and, on 0.16, which directory it runs; O(export) and
    other parts of O(gather) are refused. With O(kubernetes) and nothing to gather, only the cluster is asked whether the Service exists.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
  - tenantmail.stalwart.stalwart
options:
  domain:
    description: The domain to report on, such as V(acme.omantel.test); the server's default domain when not given.
    type: str
  gather:
    description:
      - The parts to read. V(account) is the credential's own part (edition, permissions), V(domain) the domain and its zone
        text, V(dkim) its keys, V(directory) the stored and the running directory. V([]) reads none.
      - The generation and the schema's hash are always told.
      - V(dkim), V(directory) and V(domain) together take three requests on 0.16 and four on 0.15; V(account) takes one more.
      - On 0.15, V(account) asks for an authorization code, which is thrown away and expires; permissions are told in no other
        way there. V(domain) and V(dkim) are read from the records that the server proposes.
    type: list
    elements: str
    choices: [account, dkim, directory, domain]
    default: [dkim, directory, domain]
  wait_dkim:
    description:
      - Seconds to wait until a domain whose keys the server makes by itself has an active key of every algorithm it is set up
        for. The server makes them in the background, some seconds after the domain.
      - The task fails with the code V(timeout) if they do not come.
    type: float
    default: 0
  missing_ok:
    description: A Service that does not exist in the cluster is no failure; RV(info.present) is V(false) then.
    type: bool
    default: false
  export:
    description:
      - Also read the whole server, and return it in the form that O(tenantmail.stalwart.stalwart_settings#module:settings) and
        O(tenantmail.stalwart.stalwart_principal#module:principals) take, so that a plan right after is empty. It takes about a
        dozen requests, and one more for every 500 objects of a type.
      - >-
        What an empty server has anyway is left out. In the place of each secret, which cannot be read, stands a placeholder
        C(<secret: path>). It is equal to the secret that the server has; where it would have to be written, the modules refuse
        it with the code V(placeholder).
      - What cannot be given is named in RV(info.export.left_out), each with the reason.
      - With O(gather=[]), nothing else is read.
    type: bool
    default: false
requirements:
  - dnspython, to read DKIM keys
seealso:
  - module: tenantmail.stalwart.stalwart_settings
  - module: tenantmail.stalwart.stalwart_principal
"""

EXAMPLES = r"""
- name: Read the DKIM keys that a domain has to publish
  tenantmail.stalwart.stalwart_info:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    domain: acme.omantel.test
    gather: [dkim]
    wait_dkim: 30
  register: server

- name: Read what the credential may do
  tenantmail.stalwart.stalwart_info:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    gather: [account]
  register: credential

- name: Read the whole server
  tenantmail.stalwart.stalwart_info:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    gather: []
    export: true
  register: server

- name: Keep it as an inventory file
  ansible.builtin.copy:
    content: "{{ server.info.export | to_nice_yaml }}"
    dest: acme.yml
    mode: "0600"

- name: Give another server the same settings (secrets are put in the places of the placeholders first)
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail2.acme.omantel.test
    api_token: "{{ other_api_key }}"
    settings: "{{ (lookup('file', 'acme.yml') | from_yaml).settings }}"

- name: And the same principals
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail2.acme.omantel.test
    api_token: "{{ other_api_key }}"
    principals: "{{ (lookup('file', 'acme.yml') | from_yaml).principals }}"

- name: Look whether a server exists
  tenantmail.stalwart.stalwart_info:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    gather: []
    missing_ok: true
  register: server
"""

RETURN = r"""
info:
  description: The facts. Parts that were not gathered are V(null) or empty.
  type: dict
  returned: success
  contains:
    present:
      description: Whether the server exists. V(false) only with O(missing_ok).
      type: bool
    reachable:
      description: Whether it answered; V(null) when only the cluster was asked.
      type: bool
    generation:
      description: Its API family.
      type: str
      sample: "0.16"
    schema_hash:
      description: Hash of its schema; V(null) on 0.15, which has none.
      type: str
    version:
      description:
        - Its version, as far as it is known; V(null) otherwise. 0.16 tells none, so it is known for the schemas that this
          release was tested with. 0.15 tells it with the part V(account).
      type: str
      sample: 0.16.18
    edition:
      description: V(oss), V(community) or V(enterprise).
      type: str
    permissions:
      description: All permissions of the credential.
      type: list
      elements: str
    domain:
      description: The domain's management properties, and the server's C(hostname).
      type: dict
    zone_text:
      description: The records that the server proposes, in master file form without TTLs.
      type: str
    dkim_keys:
      description: The domain's DKIM keys, whatever their stage.
      type: list
      elements: dict
      contains:
        selector:
          description: The selector.
          type: str
        name:
          description: Name of its record.
          type: str
        algorithm:
          description: V(rsa) or V(ed25519).
          type: str
        stage:
          description: V(pending), V(active), V(retiring) or V(retired). Only an active key signs.
          type: str
        public_key_record:
          description: Value of its TXT record, checked against the key that the server holds.
          type: str
    default_directory:
      description: The stored default directory with C(description), C(type) and C(issuer); V(null) for the internal one.
      type: dict
    running_issuer:
      description:
        - Issuer of the directory that the server runs; empty for the internal one.
        - 0.15 cannot be asked for it. There it is the stored directory's, or V(null) while a reload is owed.
      type: str
    export:
      description: The whole server, with O(export); V(null) otherwise.
      type: dict
      contains:
        settings:
          description: For the option C(settings) of M(tenantmail.stalwart.stalwart_settings), nested and sorted.
          type: dict
        principals:
          description: For the option C(principals) of M(tenantmail.stalwart.stalwart_principal); groups, individuals, lists.
          type: list
          elements: dict
        left_out:
          description: What cannot be given.
          type: list
          elements: dict
          contains:
            key:
              description: Where it is.
              type: str
            reason:
              description: Why it was left out.
              type: str
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
  sample: 3
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import INFO_SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.info_task import run


def main() -> None:
    """Entry point."""
    run_module(INFO_SPEC, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
