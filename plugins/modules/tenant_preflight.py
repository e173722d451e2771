# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_preflight
short_description: Ask every back end once before anything is written
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Checks at each back end named that it answers and takes the credential. All are asked at once, and all that fail are reported.
  - A refused credential is tried once and never again, because some servers ban the address.
  - Makes at most eight requests, none of which writes (a login aside).
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
options:
  openbao:
    description: OpenBao, or none to leave it out.
    type: dict
    suboptions:
      url:
        description: Base URL of OpenBao (or HashiCorp Vault), without C(/v1).
        type: str
        required: true
      mount:
        description: Where the KV version 2 engine is mounted.
        type: str
        default: secret
      auth:
        description: How to log in, as O(tenantmail.stalwart.secrets_plan#module:auth).
        type: dict
        required: true
        suboptions:
          method:
            description: The authentication method.
            type: str
            choices: [approle, token, kubernetes, jwt]
            required: true
          mount_point:
            description: Where the method is mounted; its own name by default.
            type: str
          role_id:
            description: Role ID for V(approle); name of the role for V(kubernetes) and V(jwt).
            type: str
          secret_id:
            description: Secret ID for V(approle).
            type: str
          token:
            description: Token for V(token).
            type: str
          jwt:
            description: JSON Web Token for V(kubernetes) and V(jwt).
            type: str
      ca_path:
        description: PEM file of a private CA; the system's store by default.
        type: path
  keycloak:
    description: Keycloak, or none to leave it out.
    type: dict
    suboptions:
      admin_url:
        description: Base URL of the Admin REST API, without C(/admin).
        type: str
        required: true
      auth:
        description: A user's password or a confidential client's own credentials.
        type: dict
        required: true
        suboptions:
          client_id:
            description: The client that logs in.
            type: str
            default: admin-cli
          client_secret:
            description: Secret of a confidential client. Without O(keycloak.auth.username) the client logs in for itself.
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
  issuer:
    description:
      - URL of a realm whose certificate a public authority must have issued, because a server of Stalwart 0.15, which trusts
        no other, asks it about tokens. One with C(http) is not asked; none to leave it out.
    type: str
  kubernetes:
    description: kubernetes.core's connection options, or none to leave the cluster out.
    type: dict
    suboptions:
      kubeconfig:
        description: Path of a kubeconfig, or its content as a mapping.
        type: raw
      context:
        description: Context of the kubeconfig.
        type: str
      host:
        description: URL of the API server.
        type: str
      api_key:
        description: Bearer token for the API server.
        type: str
      username:
        description: User for Basic authentication at the API server.
        type: str
      password:
        description: Password for Basic authentication at the API server.
        type: str
      validate_certs:
        description: Whether the API server's certificate is verified.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: PEM file of the API server's certification authority.
        type: path
        aliases: [ssl_ca_cert]
      client_cert:
        description: PEM file of a client certificate for the API server.
        type: path
        aliases: [cert_file]
      client_key:
        description: PEM file of its key.
        type: path
        aliases: [key_file]
      proxy:
        description: URL of an HTTP proxy.
        type: str
      no_proxy:
        description: Hosts that are reached without the proxy, separated by commas.
        type: str
  powerdns:
    description: PowerDNS, or none to leave it out.
    type: dict
    suboptions:
      api_url:
        description: URL of the HTTP API.
        type: str
        required: true
      api_key:
        description: The API's key.
        type: str
        required: true
      server_id:
        description: The server's id.
        type: str
      ca_path:
        description: PEM file of a private CA; the system's store by default.
        type: path
"""

EXAMPLES = r"""
- name: Check OpenBao and the cluster
  tenantmail.stalwart.tenant_preflight:
    openbao:
      url: https://bao.omantel.test:8200
      auth:
        method: token
        token: "{{ token }}"
    kubernetes:
      kubeconfig: /etc/kubernetes/provisioner.conf
"""

RETURN = r"""
layers:
  description: What was asked and answered, by option.
  returned: success
  type: list
  elements: str
  sample: [openbao, kubernetes]
requests:
  description: HTTP requests that were made.
  returned: success
  type: int
  sample: 4
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""

from ..module_utils.kubernetes.connection import inline_secrets
from ..module_utils.preflight.task import SPEC, run
from ..module_utils.shell import run_module


def main() -> None:
    run_module(SPEC, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
