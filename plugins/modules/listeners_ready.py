# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: listeners_ready
short_description: Ask which listeners of a mail server are open, or wait until they are
version_added: 0.2.0
author: tenantmail contributors (@tenantmail)
description:
  - A server of 0.16 opens a new listener when its process starts, and tells nowhere which are open. This module connects to the ports
    of all listeners given, through one port-forward of the Kubernetes API, and reads their greetings.
  - With O(timeout), it waits until every one of them greets, after a restart, say, and fails when the time is over.
  - Reads only. It makes two requests for a look, however many listeners there are.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes.read_only
  - tenantmail.stalwart.kubernetes
options:
  namespace:
    description: Namespace of the server.
    type: str
    required: true
  service:
    description: Service of its web port (C(http)), by which the pod is found.
    type: str
    required: true
  listeners:
    description:
      - The listeners by name, each with C(bind), C(protocol) and C(tlsImplicit), as C(networkListener) of
        M(tenantmail.stalwart.stalwart_settings) has them.
      - One that is bound to no address of the pod's loopback, or whose C(bind) is not given, is not asked.
    type: dict
    required: true
  replaced:
    description: UID of a pod that was deleted (RV(uid) of a look before that); its successor is waited for.
    type: str
  timeout:
    description: Seconds to wait until every listener greets; with V(0), one look is taken, whatever it finds.
    type: int
    default: 0
seealso:
  - module: tenantmail.stalwart.stalwart_settings
"""

EXAMPLES = r"""
- name: Keep the listeners
  tenantmail.stalwart.stalwart_settings:
    kubernetes: {namespace: tenant-acme, service: stalwart-web}
    api_username: admin
    api_password: "{{ admin_password }}"
    settings:
      networkListener:
        submission: {protocol: smtp, bind: ["[::]:587"]}
  register: settings

- name: Look whether they are open
  tenantmail.stalwart.listeners_ready:
    namespace: tenant-acme
    service: stalwart-web
    listeners: "{{ settings.settings.networkListener }}"
  register: before

- name: Restart the server
  kubernetes.core.k8s: {api_version: v1, kind: Pod, namespace: tenant-acme, name: "{{ before.pod }}", state: absent}
  when: before.closed or 'networkListener' in settings.restart_required

- name: Wait until they are
  tenantmail.stalwart.listeners_ready:
    namespace: tenant-acme
    service: stalwart-web
    listeners: "{{ settings.settings.networkListener }}"
    replaced: "{{ before.uid if before.closed or 'networkListener' in settings.restart_required else omit }}"
    timeout: 120
"""

RETURN = r"""
ready:
  description: Whether every listener greets as its protocol does.
  type: bool
  returned: success
closed:
  description: Names of the listeners whose ports refuse connections.
  type: list
  elements: str
  returned: success
  sample: [submission, imap]
answers:
  description: What each listener said.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The listener.
      type: str
    port:
      description: Its port.
      type: int
    state:
      description: V(open), V(closed) if it refuses connections, V(silent) if it takes one and does not greet as its protocol does.
      type: str
    said:
      description: Its greeting, or why there is none.
      type: str
pod:
  description: The server's pod.
  type: str
  returned: success
  sample: stalwart-0
uid:
  description: The pod's UID.
  type: str
  returned: success
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
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import LISTENERS_READY
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.listeners_task import run


def main() -> None:
    """Entry point."""
    run_module(LISTENERS_READY, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
