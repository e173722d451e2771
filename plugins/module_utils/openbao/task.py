# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The task of secrets_plan: read secrets, say what is missing, write nothing."""

from __future__ import annotations

import typing as t

from ..failure import Failure
from .client import OpenBaoClient
from .model import LAYER, Reference, Secret
from .plan import plan_secrets


def run(params: t.Mapping[str, t.Any], *, check_mode: bool) -> dict[str, t.Any]:
    """See the module's documentation.

    :param params: validated against :data:`.argspec.SECRETS_PLAN`.
    :raises Failure: ``unreachable``, ``sealed``, ``unauthorized``, ``forbidden``, ``conflict``, ``invalid_value``.
    """
    references = [Reference.parse(item) for item in params["secrets"]]
    paths = list(dict.fromkeys(reference.path for reference in references))
    if params["offline"]:
        if not check_mode:
            raise Failure(LAYER, "invalid_value", "offline is accepted in check mode only.")
        secrets, requests = {path: Secret(path) for path in paths}, 0
    else:
        secrets, requests = _read(params, paths)
    given = [ref for ref, item in zip(references, params["secrets"]) if not item["generate"]]
    # Offline, nothing of somebody else's is known to be missing.
    planned = [ref for ref in references if ref not in given] if params["offline"] else references
    plan = plan_secrets(secrets, planned, given)
    missing = {change.key for change in plan.changes}
    writes = []
    for path in paths:
        properties = [
            reference.property for reference in references if reference.path == path and str(reference) in missing
        ]
        if properties:
            writes.append({"path": path, "properties": properties, "version": secrets[path].version})
    return {
        "changed": plan.changed,
        "changes": plan.summary(),
        "diff": plan.diff(),
        "secrets": [
            {"path": reference.path, "property": reference.property, "present": str(reference) not in missing}
            for reference in references
        ],
        "writes": writes,
        "unknown": [str(reference) for reference in references if reference not in planned],
        "requests": requests,
    }


def _read(params: t.Mapping[str, t.Any], paths: t.Sequence[str]) -> tuple[dict[str, Secret], int]:
    with OpenBaoClient(params["url"], params["mount"], params["auth"], params["ca_path"]) as client:
        client.login()
        secrets = {path: client.read(path) for path in paths}
        if any(secret.version == 0 for secret in secrets.values()):
            client.check_engine()
        return secrets, client.requests
