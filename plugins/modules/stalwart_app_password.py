# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stalwart_app_password
short_description: Make, list and revoke app passwords of a Stalwart mail server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - An app password lets one program log in to one account by IMAP, POP3, SMTP and HTTP, where the program cannot use the tokens of the
    issuer that checks logins. The server makes it, and tells it once. The program's user name is the account's address
    (on 0.15 the account's name there, see O(tenantmail.stalwart.stalwart_principal#module:principals[].login_name)).
  - Its owner makes it, with a token of his own as O(api_token). An administrator lists and revokes those of others.
  - With O(state=present) and without O(description) nothing is written; the result lists what there is.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.stalwart
options:
  state:
    description:
      - V(present) makes an app password of this O(description), unless the account has one.
      - V(absent) revokes those of this O(description), or all of them without one.
    type: str
    choices: [present, absent]
    default: present
  account:
    description:
      - The address of the account whose app passwords are listed or revoked; V(*) stands for all accounts of the server.
      - Not given, it is the account of the credential, the only one for which an app password can be made.
    type: str
  description:
    description:
      - What the app password is for, such as V(Thunderbird on the laptop). It is what tells app passwords of an account apart, and
        holds no V($).
    type: str
notes:
  - A task that makes an app password is not printed by Ansible, whatever the verbosity. Register its result to get at the secret, which
    cannot be read again; if it is lost, revoke the app password and make another one.
  - On 0.16, an account has five at most, or as many as the setting C(authentication.maxAppPasswords) says.
seealso:
  - module: tenantmail.stalwart.stalwart_principal
"""

EXAMPLES = r"""
- name: Make an app password for a program of the owner of a token
  tenantmail.stalwart.stalwart_app_password:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ token_of_alice }}"
    description: Thunderbird on the laptop
  register: made

- name: List everybody's app passwords
  tenantmail.stalwart.stalwart_app_password:
    api_url: https://mail.acme.omantel.test
    api_username: admin
    api_password: "{{ admin_password }}"
    account: "*"
  register: listed

- name: Revoke all of somebody who has lost the laptop
  tenantmail.stalwart.stalwart_app_password:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    account: alice@acme.omantel.test
    state: absent
"""

RETURN = r"""
secret:
  description: The app password; only told by the task that makes it.
  type: str
  returned: when an app password was made
  sample: app_0123456789abcdef
app_passwords:
  description: The app passwords of the account, or of all accounts, as they are now, without their secrets.
  type: list
  elements: dict
  returned: success
  contains:
    account:
      description: The owner's address; null for the account of the credential.
      type: str
    description:
      description: What it is for.
      type: str
    created_at:
      description: When it was made, on 0.16.
      type: str
    expires_at:
      description: When it ends, on 0.16; null for never.
      type: str
  sample:
    - account: alice@acme.omantel.test
      description: Thunderbird on the laptop
      created_at: "2026-11-23T08:00:00Z"
      expires_at: null
changes:
  description: What was changed or, in check mode, would be.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description: V(create) or V(delete).
      type: str
    kind:
      description: C(app password).
      type: str
    key:
      description: The description, with the owner's address in front where O(account) is given.
      type: str
diff:
  description: For each app password that is made or revoked, what a list tells of it.
  type: list
  elements: dict
  returned: success
generation:
  description: The server's API family.
  type: str
  returned: success
  sample: "0.16"
probe:
  description: What the server was found to be, for the option O(probe) of later tasks of the same run.
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
  sample: 2
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
  sample:
    layer: stalwart
    code: not_found
    message: the server has no individual alise@acme.omantel.test.
    hint: Nothing was written.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.app_password_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import APP_PASSWORD_SPEC


def main() -> None:
    """Entry point."""
    run_module(APP_PASSWORD_SPEC, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
