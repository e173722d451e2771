# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How OpenBao is reached."""

    DOCUMENTATION = r"""
options:
  url:
    description: Base URL of OpenBao (or HashiCorp Vault), without C(/v1).
    type: str
    required: true
  mount:
    description: Where the KV version 2 engine is mounted.
    type: str
    default: secret
  auth:
    description:
      - How to log in; the names of the fields are those of P(community.hashi_vault.vault_kv2_get#module).
      - Required unless O(offline=true).
    type: dict
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
  offline:
    description: Make no request; everything counts as absent. Accepted in check mode only.
    type: bool
    default: false
"""
