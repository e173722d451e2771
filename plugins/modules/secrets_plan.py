# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: secrets_plan
short_description: Plan which secrets of a tenant are missing in OpenBao
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Reads KV version 2 secrets with one login and one request per path, and lists the properties that do not exist yet.
  - Never writes and never returns a value. The role P(tenantmail.stalwart.secrets#role) writes what the plan names with
    P(community.hashi_vault.vault_kv2_write#module).
  - Refuses a secret that cannot be used, naming it, namely one of fewer than 8 characters (it could not be masked), one
    that is no string, and one whose newest version is deleted.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.openbao
options:
  secrets:
    description: The properties that must exist.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Path of the secret below the mount.
        type: str
        required: true
      property:
        description: Name of the property in the secret's data.
        type: str
        required: true
      generate:
        description: >-
          Whether a value may be made up for it. If not (a password of somebody else's server), a missing one is the failure
          V(not_found).
        type: bool
        default: true
seealso:
  - plugin: tenantmail.stalwart.openbao_secret
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: See which secrets are missing
  tenantmail.stalwart.secrets_plan:
    url: https://bao.omantel.test:8200
    auth:
      method: approle
      role_id: "{{ role_id }}"
      secret_id: "{{ secret_id }}"
    secrets:
      - path: sovereign/omantel.test/stalwart/acme/admin
        property: ADMIN_PASSWORD
      - path: sovereign/omantel.test/stalwart/acme/oidc
        property: OIDC_CLIENT_SECRET
"""

RETURN = r"""
changed:
  description: Whether something is missing. The module itself changes nothing.
  type: bool
  returned: success
changes:
  description: What would be created.
  type: list
  elements: dict
  returned: success
  sample: [{action: create, kind: secret, key: "sovereign/omantel.test/stalwart/acme/admin#ADMIN_PASSWORD"}]
secrets:
  description: The secrets asked for, without values.
  type: list
  elements: dict
  returned: success
  sample: [{path: sovereign/omantel.test/stalwart/acme/admin, property: ADMIN_PASSWORD, present: false}]
writes:
  description: For each path that lacks something, the properties to create and the version to give as C(cas).
  type: list
  elements: dict
  returned: success
  sample: [{path: sovereign/omantel.test/stalwart/acme/admin, properties: [ADMIN_PASSWORD], version: 0}]
unknown:
  description: Offline, those that are not generated, so that somebody has to have written them before the run.
  type: list
  elements: str
  returned: success
  sample: ["sovereign/omantel.test/stalwart/acme/relay#RELAY_PASSWORD"]
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

from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.argspec import SECRETS_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.openbao.task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(SECRETS_PLAN, run)


if __name__ == "__main__":
    main()
