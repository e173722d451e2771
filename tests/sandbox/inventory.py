# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes inventories/sandbox: two tenants on the sandbox's servers."""

from __future__ import annotations

import json

from . import files
from .settings import (
    CLUSTER_ISSUER,
    GATEWAY,
    GATEWAY_NAMESPACE,
    KEYCLOAK_PORT,
    PLATFORM_FQDN,
    PROVISIONER,
    SECRET_STORE,
    STORAGE_CLASS,
    Settings,
)

HOSTS = """\
# Written by `python -m tests.sandbox up`; changes are lost.
all:
  children:
    tenants:
      hosts:
        acme:
          # The default: https://keycloak.acme.{fqdn}/realms/sme-acme. A playbook's process knows that host when it is
          # started by `python -m tests.sandbox exec` or with the variables of `python -m tests.sandbox env`.
          tenant_realm_url: null
          sandbox_mail_address: {first}
        beta:
          tenant_domain_mode: byo
          tenant_domain: beta-bakery.test
          sandbox_mail_address: {second}
"""

VARIABLES = """\
# Written by `python -m tests.sandbox up`; changes are lost.
ansible_connection: local
ansible_python_interpreter: "{{{{ ansible_playbook_python }}}}"

# The sandbox's folder; secrets stay in files there.
sandbox_folder: "{{{{ lookup('ansible.builtin.env', 'TENANTMAIL_SANDBOX_FOLDER') | default('{data}', true) }}}}"
sandbox_credentials: "{{{{ sandbox_folder }}}}/credentials"

platform_fqdn: {fqdn}
platform_ca_file: "{{{{ sandbox_folder }}}}/pki/ca.crt"

platform_openbao_url: {openbao_url}
platform_openbao_auth:
  method: approle
  role_id: "{{{{ lookup('ansible.builtin.file', sandbox_credentials ~ '/openbao-{provisioner}-role-id') }}}}"
  secret_id: "{{{{ lookup('ansible.builtin.file', sandbox_credentials ~ '/openbao-{provisioner}-secret-id') }}}}"
platform_secret_store:
  kind: ClusterSecretStore
  name: {store}

# May create realms and manages those it has created.
platform_keycloak_auth:
  client_id: {provisioner}
  client_secret: "{{{{ lookup('ansible.builtin.file', sandbox_credentials ~ '/keycloak-{provisioner}-secret') }}}}"
platform_keycloak_auth_realm: master
# Off by default in Keycloak; tests read them.
realm_admin_events: true
tenant_realm_url: "{keycloak_url}/realms/sme-{{{{ inventory_hostname }}}}"

platform_powerdns_url: {powerdns_url}
platform_powerdns_api_key: "{{{{ lookup('ansible.builtin.file', sandbox_credentials ~ '/powerdns-api-key') }}}}"
platform_powerdns_nameservers: ["{nameserver}"]

tenant_kubernetes:
  kubeconfig: "{{{{ sandbox_credentials }}}}/{provisioner}.kubeconfig"
chart_helm_binary: "{{{{ sandbox_folder | dirname }}}}/bin/helm"
# By generation, of which a tenant has one (tenant_generation).
sandbox_generation: "{{{{ tenant_generation | default('0.16', true) | string }}}}"
sandbox_images: {images}
sandbox_stores: {stores}
tenant_image: "{{{{ sandbox_images[sandbox_generation] }}}}"
tenant_store: {{"@type": "{{{{ sandbox_stores[sandbox_generation] }}}}"}}
tenant_storage:
  size: 20Gi
  class: {storage_class}
# Both Services of a tenant share one address: its own, so that the DNS is known beforehand, else a free one.
sandbox_mail_address: "{{{{ tenant_mail_addresses | default([], true) | first | default('') }}}}"
tenant_chart_values:
  service:
    annotations: >-
      {{{{ {{'metallb.io/allow-shared-ip': inventory_hostname}}
         | combine({{'metallb.io/loadBalancerIPs': sandbox_mail_address}} if sandbox_mail_address else {{}}) }}}}
  networkPolicy:
    keycloakPorts: [{keycloak_port}]
platform_gateway:
  name: {gateway}
  namespace: {gateway_namespace}
platform_certificate_issuer:
  name: {issuer}
"""


def write(settings: Settings, images: dict[str, str]) -> bool:
    """Write the inventory for Stalwart's images by generation; return whether it changed."""
    # A real binary may be built without RocksDB, which is the default; the simulator takes any store.
    real = {"0.16": settings.stalwart_binary, "0.15": settings.stalwart_binary_015}
    stores = {generation: "Sqlite" if binary else "RocksDb" for generation, binary in real.items()}
    hosts = HOSTS.format(fqdn=PLATFORM_FQDN, first=settings.mail_address(1), second=settings.mail_address(2))
    variables = VARIABLES.format(
        data=settings.data,
        fqdn=PLATFORM_FQDN,
        openbao_url=settings.openbao_url,
        provisioner=PROVISIONER,
        store=SECRET_STORE,
        keycloak_url=settings.keycloak_url,
        powerdns_url=settings.powerdns_url,
        nameserver=settings.nameserver,
        images=json.dumps(images),
        stores=json.dumps(stores),
        storage_class=STORAGE_CLASS,
        gateway=GATEWAY,
        issuer=CLUSTER_ISSUER,
        keycloak_port=KEYCLOAK_PORT,
        gateway_namespace=GATEWAY_NAMESPACE,
    )
    changed = files.write(settings.inventory / "hosts.yml", hosts)
    return files.write(settings.inventory / "group_vars" / "tenants.yml", variables) or changed
