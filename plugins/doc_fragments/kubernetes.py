# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How the cluster is reached."""

    DOCUMENTATION = r"""
options:
  connection:
    description:
      - How the cluster is reached, with the option names of P(kubernetes.core.k8s#module).
      - What is not given is taken from the C(K8S_AUTH_*) variables of the environment; with nothing at all, from the pod's
        service account or the default kubeconfig.
    type: dict
    default: {}
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
requirements:
  - kubernetes >= 29 (Python client)
  - requests
"""
