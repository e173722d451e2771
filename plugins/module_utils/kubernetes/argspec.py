# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Argument specs of the Kubernetes modules, as plain data."""

from __future__ import annotations

import typing as t

#: kubernetes.core's connection options. ``K8S_AUTH_*`` is read where the connection is made, so that a partial mapping is
#: completed from it as well.
CONNECTION: dict[str, t.Any] = {
    "type": "dict",
    "default": {},
    "options": {
        # A path is no secret; what an inline mapping hides is found by connection.inline_secrets.
        "kubeconfig": {"type": "raw", "no_log": False},
        "context": {"type": "str"},
        "host": {"type": "str"},
        "api_key": {"type": "str", "no_log": True},
        "username": {"type": "str"},
        "password": {"type": "str", "no_log": True},
        "validate_certs": {"type": "bool", "aliases": ["verify_ssl"]},
        "ca_cert": {"type": "path", "aliases": ["ssl_ca_cert"]},
        "client_cert": {"type": "path", "aliases": ["cert_file"]},
        "client_key": {"type": "path", "no_log": False, "aliases": ["key_file"]},
        "proxy": {"type": "str"},
        "no_proxy": {"type": "str"},
    },
}

RELEASE_PLAN: dict[str, t.Any] = {
    "connection": CONNECTION,
    "namespace": {"type": "str", "required": True},
    "namespace_labels": {"type": "dict", "default": {}},
    "release": {"type": "str", "default": "stalwart"},
    "chart": {"type": "path", "required": True},
    "values": {"type": "dict", "default": {}},
    "helm_binary": {"type": "path", "default": "helm"},
    "offline": {"type": "bool", "default": False},
    "holder": {"type": "str"},
}

CERTIFICATE_PLAN: dict[str, t.Any] = {
    "connection": CONNECTION,
    "namespace": {"type": "str", "required": True},
    # The name of a Secret is none.
    "secret": {"type": "str", "required": True, "no_log": False},
    "names": {"type": "list", "elements": "str", "required": True},
    "issuer": {
        "type": "dict",
        "options": {
            "group": {"type": "str", "default": "cert-manager.io"},
            "kind": {"type": "str", "default": "ClusterIssuer"},
            "name": {"type": "str", "required": True},
        },
    },
    "wait": {"type": "float", "default": 0},
    "offline": {"type": "bool", "default": False},
}

TENANT_LOCK: dict[str, t.Any] = {
    "connection": CONNECTION,
    "namespace": {"type": "str", "required": True},
    "state": {"type": "str", "default": "held", "choices": ["held", "released"]},
    "name": {"type": "str", "default": "tenantmail-provisioning"},
    "holder": {"type": "str"},
    "duration": {"type": "int", "default": 900},
}

RELEASE_READY: dict[str, t.Any] = {
    "connection": CONNECTION,
    "namespace": {"type": "str", "required": True},
    "release": {"type": "str", "default": "stalwart"},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "name": {"type": "str", "required": True},
            "property": {"type": "str", "required": True},
            "value": {"type": "str", "required": True, "no_log": True},
            "read_at_start": {"type": "bool", "default": False},
        },
    },
    "admin": {
        "type": "dict",
        "options": {
            "username": {"type": "str", "required": True},
            "password": {"type": "str", "required": True, "no_log": True},
        },
    },
    "external_secrets_api_version": {"type": "str", "default": "external-secrets.io/v1", "no_log": False},
    "on_stale": {"type": "str", "default": "wait", "choices": ["wait", "report"]},
    "on_outdated": {"type": "str", "default": "fail", "choices": ["fail", "report"]},
    "timeout": {"type": "int", "default": 300},
}
