# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_failure
short_description: Fail with a failure of the collection's own form
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - How a role reports the failure of another collection's module, which names no layer and may copy a server's body into its message.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
options:
  layer:
    description: Where it failed.
    type: str
    required: true
    choices: [inventory, openbao, keycloak, kubernetes, stalwart, powerdns, dns, mail]
  code:
    description: The code, as in the README's table.
    type: str
    required: true
    choices:
      - conflict
      - forbidden
      - foreign_record
      - image_config_mismatch
      - invalid_value
      - locked
      - missing_library
      - not_converged
      - not_found
      - not_owner
      - not_ready
      - placeholder
      - protocol
      - rate_limited
      - reload_refused
      - sealed
      - server_error
      - timeout
      - tls_untrusted
      - unauthorized
      - unexpected
      - unknown_generation
      - unreachable
      - unsupported_by_generation
      - verify_failed
  msg:
    description: What failed, and where. No secret.
    type: str
    required: true
  hint:
    description: What to do next.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say what failed
  tenantmail.stalwart.tenant_failure:
    layer: openbao
    code: server_error
    msg: secret sovereign/omantel.test/stalwart/acme/admin could not be written.
    hint: Run again; nothing was written.
"""

RETURN = r"""
failure:
  description: Layer, code, message, hint, tenant and request.
  returned: always
  type: dict
  sample: {layer: openbao, code: server_error, message: "…", hint: "…", tenant: acme, request: null}
"""

from ..module_utils.report.line import RAISE_SPEC, raise_failure
from ..module_utils.shell import run_module


def main() -> None:
    run_module(RAISE_SPEC, raise_failure)


if __name__ == "__main__":
    main()
