# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tenant_lock
short_description: Hold a tenant's lock during a run
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Two runs on one tenant at once would duplicate objects of the mail server. A Kubernetes Lease in the tenant's namespace keeps
    the second one out; it is written by compare-and-swap on its C(resourceVersion).
  - A lock of somebody else fails with the code V(locked) and its holder. A lease that was not renewed in time is taken over, and so
    is one whose holder was a process of the same user and machine that does not run any more.
  - A lock is no configuration, so the result is never C(changed). In check mode nothing is read or written.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.kubernetes
attributes:
  diff_mode:
    support: none
    details: A lock is no configuration.
options:
  namespace:
    description: The tenant's namespace. It has to exist for O(state=held).
    type: str
    required: true
  state:
    description:
      - V(held) takes the lock, and renews it when a third of its time is over.
      - V(released) gives it back, when it is held by this run. When the cluster does not let it, that is a warning, because the
        lock ends by itself.
    type: str
    choices: [held, released]
    default: held
  name:
    description: Name of the Lease.
    type: str
    default: tenantmail-provisioning
  holder:
    description:
      - Who holds the lock; equal holders are one run.
      - Default is the number of the AWX job, else user, machine and process of C(ansible-playbook).
    type: str
  duration:
    description: Seconds after which a lock that was not renewed may be taken over.
    type: int
    default: 900
"""

EXAMPLES = r"""
- name: Keep other runs away from the tenant
  tenantmail.stalwart.tenant_lock:
    namespace: tenant-acme

- name: Let other runs in again
  tenantmail.stalwart.tenant_lock:
    namespace: tenant-acme
    state: released
"""

RETURN = r"""
holder:
  description: Who this run is.
  type: str
  returned: success
  sample: root@controller pid 4711
lock:
  description:
    - V(taken), V(renewed), V(held) (ours, nothing to do yet), V(released), V(not_held) (not ours, nothing done), V(unknown)
      (could not be given back), or V(none) in check mode.
  type: str
  returned: success
  sample: taken
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
