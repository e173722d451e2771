# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: release_plan
short_description: Plan the changes to a Helm release
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Compares, object by object, what Helm recorded for a release, what the chart renders now, and what the cluster holds.
  - It sees what P(kubernetes.core.helm#module) does not see, namely a release that was left C(failed), a template that changed while
    the values did not, and objects that somebody deleted or edited.
  - Only fields that the chart's manifest gives are compared; what the cluster adds is nobody's drift.
  - Writes nothing, in check mode and outside of it. A release, and a namespace, that do not exist yet are planned as new.
  - What would stop the release later fails here, before anything is written. That is an API that is not served, a secret store, a
    StorageClass or a Gateway that is missing, a volume that would shrink or be left behind, and, where something is to be written,
    whatever the API server refuses in a server-side dry run (PodSecurity, LimitRange, ResourceQuota, and webhooks among them).
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.kubernetes
options:
  namespace:
    description: Namespace of the release.
    type: str
    required: true
  namespace_labels:
    description: Labels that the namespace has to have; others are left alone.
    type: dict
    default: {}
  release:
    description: Name of the release.
    type: str
    default: stalwart
  chart:
    description: Directory of the chart.
    type: path
    required: true
  values:
    description:
      - The chart's values. They are shown in diffs, so they hold no secret.
      - They are checked against the chart's schema before any request. The API versions of External Secrets and of the Gateway API
        are added.
    type: dict
    default: {}
  helm_binary:
    description: The helm program, by name or by path.
    type: path
    default: helm
  offline:
    description:
      - Make no request; the release counts as absent. Accepted in check mode only.
      - Without helm the plan then names the release and its values instead of its objects.
    type: bool
    default: false
  holder:
    description:
      - Who runs, as in O(tenantmail.stalwart.tenant_lock#module:holder). A release that is C(pending-*) or C(uninstalling) while
        somebody else holds the tenant's lock is left alone.
      - By default the AWX job, else user, machine and process of this run.
    type: str
requirements:
  - helm 3.14 or later
  - PyYAML
  - jsonschema (optional; names values that the chart's schema refuses more precisely, and without helm)
seealso:
  - module: kubernetes.core.helm
  - module: tenantmail.stalwart.release_ready
"""

EXAMPLES = r"""
- name: Plan the release
  tenantmail.stalwart.release_plan:
    connection:
      kubeconfig: ~/.kube/config
      context: production
    namespace: tenant-acme
    release: stalwart
    chart: /opt/charts/bp-stalwart-tenant
    values:
      domain:
        primary: acme.omantel.test
  register: plan

- name: Upgrade only what the plan names
  kubernetes.core.helm:
    kubeconfig: ~/.kube/config
    context: production
    release_namespace: tenant-acme
    release_name: stalwart
    chart_ref: /opt/charts/bp-stalwart-tenant
    release_values: "{{ plan.release_values }}"
  when: plan.action in ['install', 'upgrade', 'recover'] and not plan.prepare
"""

RETURN = r"""
changed:
  description: Whether something differs. The module itself changes nothing.
  type: bool
  returned: success
changes:
  description: What differs, the release first, then its objects.
  type: list
  elements: dict
  returned: success
  sample: [{action: update, kind: StatefulSet, key: stalwart}]
action:
  description:
    - What has to be done. V(install), V(upgrade), V(recover) and V(recreate) go through Helm, after RV(prepare).
    - V(recover) is for a release that was left C(failed), C(pending-*) or C(uninstalling), V(recreate) for objects that cannot be changed
      in place.
    - V(reapply) means that Helm's record is right and the objects in RV(reapply) are missing or edited in the cluster.
  type: str
  returned: success
  sample: upgrade
prepare:
  description:
    - What has to be done before anything else, in this order. Each item has C(state) (V(absent), or V(present) for a merge patch),
      C(definition), and C(propagation), the deletion's C(propagationPolicy).
  type: list
  elements: dict
  returned: success
  sample:
    - state: absent
      propagation: Orphan
      definition: {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: stalwart, namespace: tenant-acme}}
unchecked:
  description: What could not be checked, and why.
  type: list
  elements: str
  returned: success
  sample: [whether a network plug-in enforces the NetworkPolicies (none was recognised)]
capabilities:
  description:
    - What the cluster serves. C(external_secrets), C(gateway) and C(cert_manager) are API versions that the chart can write,
      C(policy_engine) is the network plug-in that enforces NetworkPolicy, by its name. Each is null where there is none, or none is
      recognised. Empty offline.
  type: dict
  returned: success
  sample: {external_secrets: external-secrets.io/v1, gateway: gateway.networking.k8s.io/v1, cert_manager: null, policy_engine: Cilium}
namespace:
  description: The namespace's object, when it is missing or lacks a label; it is to be written first. Null otherwise.
  type: dict
  returned: success
reapply:
  description: Objects that are missing or edited in the cluster, as Helm would write them.
  type: list
  elements: dict
  returned: success
release_values:
  description:
    - The values to hand to Helm, completed by the API version of External Secrets.
    - C(planMarker) differs at every run that plans a change, because Helm modules that compare values only would skip
      an upgrade with unchanged values.
  type: dict
  returned: success
status:
  description: Helm's status of the release, null when there is none.
  type: str
  returned: success
  sample: deployed
revision:
  description: The release's newest revision, null when there is none.
  type: int
  returned: success
  sample: 3
rendered:
  description: Whether the chart was rendered; false offline without helm.
  type: bool
  returned: success
requests:
  description: HTTP requests that were made.
  type: int
  returned: success
  sample: 8
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.argspec import RELEASE_PLAN
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.release_task import run
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module


def main() -> None:
    """Entry point."""
    run_module(RELEASE_PLAN, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
