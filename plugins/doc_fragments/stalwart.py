# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a Stalwart server is reached."""

    DOCUMENTATION = r"""
options:
  api_url:
    description:
      - Base URL of the server's HTTP listener, without a path, such as V(https://mail.acme.omantel.test) or
        V(http://127.0.0.1:8080). C(http://) or C(https://) must be what the port speaks.
      - Give this or O(kubernetes). Without either, the environment variable E(STALWART_API_URL) is used.
    type: str
  kubernetes:
    description:
      - Reaches the server through the Kubernetes API, by a port-forward to the pod behind a Service, so that the management
        API need not be exposed.
      - Beside the Service, it takes the connection options of the kubernetes.core collection under their own names. What is
        not given is taken from the C(K8S_AUTH_*) variables of the environment.
    type: dict
    suboptions:
      namespace:
        description: Namespace of the Service.
        type: str
        required: true
      service:
        description: Name of the Service.
        type: str
        required: true
      port:
        description: The port's name in the Service, or the number of the container's port. It must speak plain HTTP.
        type: str
        default: http
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
  api_username:
    description:
      - An account with administrator's permissions, for example the recovery administrator, which is the account that Stalwart itself
        is started with (C(STALWART_RECOVERY_ADMIN) on 0.16, C(authentication.fallback-admin) on 0.15). Needs O(api_password).
      - Without it, the environment variable E(STALWART_API_USERNAME) is used.
    type: str
  api_password:
    description:
      - Password of O(api_username), at least 8 characters, without white space at its ends (a file's last newline, say). Not given, the
        environment variable E(STALWART_API_PASSWORD) is used, unless O(api_token) is given.
      - A refused credential is never tried twice, because the server counts failures and bans addresses.
    type: str
  api_token:
    description:
      - An API key or an access token, instead of O(api_username) and O(api_password). Without it, the environment variable
        E(STALWART_API_TOKEN) is used.
    type: str
  ca_path:
    description:
      - PEM file of a private CA for O(api_url); the system's store by default. Without it, the environment variable
        E(STALWART_CA_PATH) is used.
    type: path
  generation:
    description:
      - The server's API family. Both are managed. It is found out by the first request; giving it only makes another one a failure.
      - With O(generation=0.15), the modules that write save that request.
    type: str
    choices: ["0.15", "0.16"]
  probe:
    description:
      - What an earlier task of the same run found the server to be, its return value C(probe) as it is, such as
        V({{ server.probe }}) after C(register=server). The task then saves the request that finds it out.
      - It is only believed if it was found at the same address. The roles of this collection hand it on by themselves.
    type: dict
    suboptions:
      server:
        description: Where it was found.
        type: str
        required: true
      generation:
        description: The API family.
        type: str
        choices: ["0.15", "0.16"]
        required: true
      schema_hash:
        description: Hash of the schema, on 0.16.
        type: str
requirements:
  - requests
  - kubernetes >= 29 (Python client), for O(kubernetes)
notes:
  - The action plugin of the same name runs the task in Ansible's own process when the connection is local, which saves most of
    a module's cost; it ignores the task's C(environment).
"""

    #: For modules that write.
    WRITING = r"""
options:
  server:
    description:
      - V(absent) plans against a server that does not exist yet, without any request. It is for check mode only.
      - What is given is then checked against the schema that was used last on this controller (on 0.15, against this collection's
        table). If there is none, only its form is checked, of settings also the expressions that can be told as such, and the result
        is marked as C(unvalidated).
    type: str
    choices: [present, absent]
    default: present
  update_secrets:
    description:
      - Secrets cannot be read back, so they cannot be compared. V(on_create) writes a secret where there is none yet.
      - V(always) writes it on every run, and then reports a change on every run. The placeholder of an export is never written.
    type: str
    choices: [on_create, always]
    default: on_create
"""
