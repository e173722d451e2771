# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_ready
short_description: Wait until a tenant's release works
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Waits until the Secrets hold the values given, every pod of the StatefulSet runs its newest revision and is ready, port 25
    greets, and the recovery admin gets a session.
  - When the time is over it fails with one sentence that says what it still waits for, for example an image that cannot be
    pulled, a volume claim without a volume, an ExternalSecret that is not synced and why, or a crashing server with the last line of
    its log. What time does not mend fails at once.
  - Reads only. SMTP and the session go through port-forwards of the Kubernetes API.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
  - tenantmail.stalwart.kubernetes
options:
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  release:
    description: Name of the release.
    type: str
    default: stalwart
  secrets:
    description: Secrets that External Secrets fills, and what they have to hold.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the Secret and of its ExternalSecret.
        type: str
        required: true
      property:
        description: Key inside the Secret.
        type: str
        required: true
      value:
        description: The value, as OpenBao has it; at least 8 characters.
        type: str
        required: true
      read_at_start:
        description:
          - Whether the server reads the Secret once, when it starts. A container that is older than what the Secret holds is then
            outdated, see O(on_outdated).
        type: bool
        default: false
  admin:
    description: The recovery admin; without it no session is asked for.
    type: dict
    suboptions:
      username:
        description: Name.
        type: str
        required: true
      password:
        description: Password.
        type: str
        required: true
  external_secrets_api_version:
    description: The API version of External Secrets that the cluster serves.
    type: str
    default: external-secrets.io/v1
  on_stale:
    description:
      - What to do when a Secret holds another value than the one given. External Secrets reads a changed value only after its refresh
        interval.
      - V(report) ends at once with RV(ready=false) and the names in RV(stale).
    type: str
    choices: [wait, report]
    default: wait
  on_outdated:
    description:
      - What to do when every Secret is up to date and the server still refuses O(admin), or is older than a Secret that it reads at its start only. A pod
        keeps the password that it started with.
      - V(report) ends at once with RV(ready=false) and RV(outdated=true).
    type: str
    choices: [fail, report]
    default: fail
  timeout:
    description: Seconds to wait.
    type: int
    default: 300
seealso:
  - module: tenantmail.stalwart.release_plan
"""

EXAMPLES = r"""
- name: Wait until the mail server of acme works
  tenantmail.stalwart.release_ready:
    namespace: tenant-acme
    release: stalwart
    secrets:
      - name: stalwart-admin
        property: ADMIN_PASSWORD
        value: "{{ admin_password }}"
    admin:
      username: admin
      password: "{{ admin_password }}"
    timeout: 120
"""

RETURN = r"""
ready:
  description: Whether everything was proven; false only with O(on_stale=report) or O(on_outdated=report).
  type: bool
  returned: success
stale:
  description: Secrets that hold another value than the one given.
  type: list
  elements: str
  returned: success
  sample: [stalwart-admin]
outdated:
  description: >-
    Whether the server has an older password than the Secrets, which are up to date (it refuses O(admin), or is older than one that it
    reads at its start only), so that its pod has to be restarted.
  type: bool
  returned: success
  sample: false
proven:
  description: What was proven.
  type: list
  elements: str
  returned: success
  sample: [2 Secrets equal OpenBao, StatefulSet ready, SMTP banner, admin session]
requests:
  description: HTTP requests and connections that were made.
  type: int
  returned: success
  sample: 9
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import RELEASE_READY
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.ready_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(RELEASE_READY, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
