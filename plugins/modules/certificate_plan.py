# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_plan
short_description: Plan a tenant's certificate
version_added: 0.2.0
author: tenantmail contributors (@tenantmail)
description:
  - Finds out whether cert-manager and the issuer are there, and what the Secret with the server's certificate holds.
  - Plans a self-signed certificate where there is no Secret, or where the Secret holds a self-signed one that this collection made and
    that expires within 30 days, is for other names, or is broken. What somebody else put into the Secret is never planned to be overwritten.
  - Says what is missing and who has to act, when the certificate is self-signed, unusable, or not issued.
  - Reads only, in check mode and outside of it. No private key leaves it.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.kubernetes
options:
  namespace:
    description: The tenant's namespace.
    type: str
    required: true
  secret:
    description: Name of the Secret of type C(kubernetes.io/tls), and of cert-manager's Certificate that keeps it.
    type: str
    required: true
  names:
    description: Host names that the certificate has to be for, the mail host first.
    type: list
    elements: str
    required: true
  issuer:
    description: The issuer; none where nobody issues.
    type: dict
    suboptions:
      group:
        description: Its API group. Of a group other than the default the issuer itself is not looked at.
        type: str
        default: cert-manager.io
      kind:
        description: Its kind.
        type: str
        default: ClusterIssuer
      name:
        description: Its name.
        type: str
        required: true
  wait:
    description:
      - Seconds to wait until the Certificate is issued. When they are over, the reason is told in RV(missing); that is no failure,
        because an issuer may need what is made later (the mail host's address, say).
    type: float
    default: 0
  offline:
    description: Make no request; the Secret counts as absent and the issuer as there. Accepted in check mode only.
    type: bool
    default: false
requirements:
  - cryptography
seealso:
  - module: tenantmail.stalwart.stalwart_certificate
  - module: community.crypto.x509_certificate_pipe
"""

EXAMPLES = r"""
- name: Plan the certificate
  tenantmail.stalwart.certificate_plan:
    connection:
      kubeconfig: ~/.kube/config
    namespace: tenant-acme
    secret: stalwart-tls
    names: [mail.acme.omantel.test]
    issuer:
      name: letsencrypt
  register: certificate
"""

RETURN = r"""
changed:
  description: Whether a self-signed certificate has to be written. The module itself changes nothing.
  type: bool
  returned: success
changes:
  description: The Secret, when it has to be written.
  type: list
  elements: dict
  returned: success
  sample: [{action: create, kind: Secret, key: stalwart-tls}]
possible:
  description: Whether a Certificate of cert-manager can be written, because the cluster serves it and the issuer exists.
  type: bool
  returned: success
awaited:
  description: Whether the issuer works and the Secret does not hold its certificate yet.
  type: bool
  returned: success
proven:
  description: What is in order, for the tenant's line.
  type: list
  elements: str
  returned: success
  sample: ["certificate of mail.acme.omantel.test until 2027-02-28"]
missing:
  description: What is not, and who has to do what.
  type: list
  elements: str
  returned: success
requests:
  description: HTTP requests that were made.
  type: int
  returned: success
  sample: 3
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import CERTIFICATE_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.certificate_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(CERTIFICATE_PLAN, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
