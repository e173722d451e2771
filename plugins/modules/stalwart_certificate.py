# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stalwart_certificate
short_description: Let every TLS port of a Stalwart mail server serve its certificate
version_added: 0.2.0
author: tenantmail contributors (@tenantmail)
description:
  - Compares the certificate that the server serves, and the intermediate ones that it sends along, with what it is to serve. If they
    differ, the server reads its certificates anew, without a restart, until they do not, and then every TLS port is asked, with STARTTLS
    where it has that.
  - The server has to know where its certificate is already, on 0.16 by the setting C(certificate), on 0.15 by its C(config.toml).
  - A Secret that was changed reaches a running pod within about a minute; that is waited for.
  - Where nothing differs, one TLS handshake on one port is made, because all ports look their certificate up in one place.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.stalwart
options:
  server_name:
    description: The name that clients ask for in the TLS handshake (SNI), the mail host.
    type: str
    required: true
  secret:
    description:
      - Name of the Secret of type C(kubernetes.io/tls) in the namespace of O(kubernetes) that holds the certificate.
      - A certificate that no server serves, because it has expired or is not its private key's, is told in RV(unusable), and nothing is done.
    type: str
  certificate:
    description: The certificate as PEM text, followed by the intermediate ones, instead of O(secret).
    type: str
  ports:
    description: The server's TLS ports; the first that answers is the one that is always asked.
    type: list
    elements: dict
    default:
      - {port: 443, protocol: http, starttls: false}
      - {port: 993, protocol: imap, starttls: false}
      - {port: 465, protocol: smtp, starttls: false}
      - {port: 25, protocol: smtp, starttls: true}
      - {port: 587, protocol: smtp, starttls: true}
      - {port: 143, protocol: imap, starttls: true}
    suboptions:
      port:
        description: Its number, in the pod or at the host of O(api_url).
        type: int
        required: true
      protocol:
        description: What is spoken there.
        type: str
        choices: [smtp, imap, http]
        required: true
      starttls:
        description: Whether TLS begins by a command, and not by the first byte.
        type: bool
        default: false
  timeout:
    description: Seconds until the server has to serve the certificate.
    type: int
    default: 180
notes:
  - In check mode, and where nothing differs, no credential is needed.
requirements:
  - cryptography
seealso:
  - module: tenantmail.stalwart.certificate_plan
  - module: tenantmail.stalwart.stalwart_settings
"""

EXAMPLES = r"""
- name: Serve the certificate in the Secret
  tenantmail.stalwart.stalwart_certificate:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    server_name: mail.acme.omantel.test
    secret: stalwart-tls

- name: Serve the certificate that was copied to the server
  tenantmail.stalwart.stalwart_certificate:
    api_url: https://mail.example.org
    api_username: admin
    api_password: "{{ admin_password }}"
    server_name: mail.example.org
    certificate: "{{ lookup('ansible.builtin.file', 'mail.example.org.pem') }}"
    ports:
      - {port: 993, protocol: imap}
      - {port: 25, protocol: smtp, starttls: true}
"""

RETURN = r"""
changed:
  description: Whether the server served another certificate, or the same with another chain, before.
  type: bool
  returned: success
changes:
  description: What was changed or, in check mode, would be.
  type: list
  elements: dict
  returned: success
  sample: [{action: update, kind: certificate, key: mail.acme.omantel.test}]
diff:
  description: The certificate that was served, and the one to serve.
  type: list
  elements: dict
  returned: success
certificate:
  description: The certificate to serve. Null when it is unusable, or in check mode, when the Secret does not exist yet.
  type: dict
  returned: success
  sample:
    names: [mail.acme.omantel.test]
    issuer: CN=Sandbox CA
    until: "2027-02-28"
    sha256: 5f3c0d
    chain: []
serving:
  description: Ports that were seen to serve it. Where nothing differs, the one that was asked.
  type: list
  elements: int
  returned: success
  sample: [443, 993, 465, 25, 587, 143]
closed:
  description: Ports where nobody answers; which ones have to be open is M(tenantmail.stalwart.mail_probe)'s question.
  type: list
  elements: int
  returned: success
unusable:
  description: Why no server serves the certificate in the Secret; null when one does.
  type: str
  returned: success
reloads:
  description: How often the server had to read its certificates.
  type: int
  returned: success
  sample: 1
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
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import CERTIFICATE_SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.certificate_task import run


def main() -> None:
    """Entry point."""
    run_module(CERTIFICATE_SPEC, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
