# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of tenant_model and tenant_duplicates, as plain data: the public inventory variables (design 5).

No option is required and none has a default: the task itself notes what is missing, so that every mistake is reported
at once, and only it knows which value comes from the overlay. Documented in doc_fragments/tenant.py.
"""

from __future__ import annotations

import typing as t

from ..openbao.argspec import AUTH, AUTH_RULES

PLATFORM: dict[str, t.Any] = {
    "platform_fqdn": {"type": "str"},
    "platform_parent_domain": {"type": "str"},
    "platform_openbao_url": {"type": "str"},
    "platform_openbao_mount": {"type": "str"},
    "platform_openbao_auth": {"type": "dict", "options": AUTH, **AUTH_RULES},
    "platform_keycloak_auth": {
        "type": "dict",
        # Ansible takes every name with "key" in it for a secret's; the secrets are marked below.
        "no_log": False,
        "options": {
            "client_id": {"type": "str"},
            "client_secret": {"type": "str", "no_log": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
        },
    },
    "platform_keycloak_auth_realm": {"type": "str", "no_log": False},
    "platform_powerdns_url": {"type": "str"},
    "platform_powerdns_api_key": {"type": "str", "no_log": True},
    "platform_powerdns_server_id": {"type": "str"},
    "platform_powerdns_zone": {"type": "str"},
    "platform_powerdns_nameservers": {"type": "list", "elements": "str"},
    "platform_secret_store": {
        "type": "dict",
        "no_log": False,
        "options": {
            "kind": {"type": "str", "choices": ["ClusterSecretStore", "SecretStore"]},
            "name": {"type": "str"},
        },
    },
    "platform_gateway": {"type": "dict", "options": {"name": {"type": "str"}, "namespace": {"type": "str"}}},
    "platform_ca_file": {"type": "str"},
    "platform_certificate_issuer": {
        "type": "dict",
        "options": {"group": {"type": "str"}, "kind": {"type": "str"}, "name": {"type": "str"}},
    },
    "platform_proxy_networks": {"type": "list", "elements": "str"},
    "platform_shared_mail_hosts": {"type": "list", "elements": "str"},
    "platform_own_variables": {"type": "list", "elements": "str"},
}

TENANT: dict[str, t.Any] = {
    "tenant_slug": {"type": "str"},
    "tenant_display_name": {"type": "str"},
    "tenant_domain": {"type": "str"},
    "tenant_domain_mode": {"type": "str", "choices": ["free-subdomain", "byo"]},
    "tenant_mail_host": {"type": "str"},
    "tenant_web_host": {"type": "str"},
    "tenant_realm_url": {"type": "str"},
    "tenant_keycloak_admin_url": {"type": "str", "no_log": False},
    "tenant_layers": {"type": "list", "elements": "str"},
    "tenant_realm_group_parent": {"type": "str"},
    "tenant_public_client": {"type": "bool"},
    "tenant_users": {
        "type": "list",
        "elements": "dict",
        "options": {
            "username": {"type": "str"},
            "email": {"type": "str"},
            "first_name": {"type": "str"},
            "last_name": {"type": "str"},
            "enabled": {"type": "bool"},
            "groups": {"type": "list", "elements": "str"},
            "password": {"type": "str", "no_log": True},
            "required_actions": {"type": "list", "elements": "str"},
        },
    },
    "tenant_generation": {"type": "str"},
    "tenant_image": {"type": "str"},
    "tenant_store": {"type": "dict"},
    "tenant_kubernetes": {
        "type": "dict",
        "options": {
            "kubeconfig": {"type": "str"},
            "context": {"type": "str"},
            "host": {"type": "str"},
            "api_key": {"type": "str", "no_log": True},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
            "ca_cert": {"type": "str", "aliases": ["ssl_ca_cert"]},
            "client_cert": {"type": "str", "aliases": ["cert_file"]},
            "client_key": {"type": "str", "aliases": ["key_file"], "no_log": False},
            "proxy": {"type": "str"},
            "no_proxy": {"type": "str"},
        },
    },
    "tenant_namespace": {"type": "str"},
    "tenant_release": {"type": "str"},
    # The name of a Secret is none.
    "tenant_certificate_secret": {"type": "str", "no_log": False},
    "tenant_resources": {"type": "dict"},
    "tenant_storage": {"type": "dict"},
    "tenant_chart_values": {"type": "dict"},
    "tenant_mail_addresses": {"type": "list", "elements": "str"},
    "tenant_dns": {"type": "dict"},
    "tenant_spam_filter": {"type": "bool"},
    "tenant_relay": {"type": "dict"},
    "tenant_settings": {"type": "dict"},
    "tenant_mailboxes": {"type": "list", "elements": "dict"},
    "tenant_groups": {"type": "list", "elements": "dict"},
    "tenant_lists": {"type": "list", "elements": "dict"},
    "tenant_mailboxes_file": {"type": "str"},
    # It says how programs log in and is no password.
    "tenant_password_clients": {"type": "str", "choices": ["app_passwords", "internal", "none"], "no_log": False},
    "tenant_verify": {"type": "bool"},
    "tenant_overlay": {"type": "dict"},
    "tenant_offline": {"type": "bool"},
    "tenant_server_only": {"type": "bool"},
}

#: Every variable that an inventory may set; `tenant_group` is an option of role `tenant` that its module does not take.
PUBLIC = frozenset((*PLATFORM, *TENANT, "tenant_group"))
#: Facts and registered results of the roles that begin as public variables do.
SET_BY_ROLES = frozenset(
    (
        "tenant_certificate_awaited",
        "tenant_compared",
        "tenant_derived",
        "tenant_model",
        "tenant_report",
        "tenant_stalwart_probe",
    )
)

SPEC: dict[str, t.Any] = {
    **PLATFORM,
    **TENANT,
    "host": {"type": "str"},
    "chart": {"type": "path"},
    "duplicates": {
        "type": "list",
        "elements": "dict",
        "options": {
            "variable": {"type": "str", "required": True},
            "value": {"type": "str", "required": True},
            "accepted": {"type": "str", "required": True},
        },
    },
}
