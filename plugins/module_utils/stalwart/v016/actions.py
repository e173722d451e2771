# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which ``x:Action`` makes the server run what was stored (contract 4.19), and how that is never forgotten.

Running and stored configuration can differ silently (contract 8.2, 17): after a refused reload the stored objects equal
the settings, so a plan alone would find nothing to do. So a task whose writes need an action creates a marker before
the first of them, in the same request: a ``MemoryLookupKey`` in a namespace of its own that no lookup uses. The marker
goes when the action has succeeded; one that is still there makes the next run, from any controller, repeat the action.
So a controller that dies between the requests of a long write forgets nothing; a server that dies between a write and
its action reads the stored configuration when it starts.
"""

from __future__ import annotations

import typing as t

from ...failure import Failure
from ...reconcile import Change
from .client import JmapClient, Want
from .schema import Schema

RELOAD_SETTINGS = "ReloadSettings"
INVALIDATE_CACHES = "InvalidateCaches"
RELOAD_CERTIFICATES = "ReloadTlsCertificates"

#: In effect as soon as it is written.
LIVE = frozenset(("Account", "Domain", "MailingList", "Tenant", "DkimSignature"))
#: In effect with an action of its own; every other type needs :data:`RELOAD_SETTINGS`.
OWN_ACTION: dict[str, str] = {
    "Certificate": RELOAD_CERTIFICATES,
    "MemoryLookupKey": "ReloadLookupStores",
    "MemoryLookupKeyValue": "ReloadLookupStores",
    "StoreLookup": "ReloadLookupStores",
    "HttpLookup": "ReloadLookupStores",
    "BlockedIp": "ReloadBlockedIps",
    "Application": "UpdateApps",
}
#: In effect at the next start of the process only; a reload checks them.
NEEDS_RESTART = frozenset(
    (
        "NetworkListener",
        "BlobStore",
        "SearchStore",
        "InMemoryStore",
        "Coordinator",
        "TracingStore",
        "MetricsStore",
        "ClusterRole",
        "Cache",
    )
)
#: Single properties, which listeners take over when they are opened.
RESTART_PROPERTIES: t.Mapping[str, frozenset[str]] = {"SystemSettings": frozenset(("proxyTrustedNetworks",))}

MARKER_OBJECT = "MemoryLookupKey"
MARKER_NAMESPACE = "tenantmail-pending"
#: With an inventory's name behind it: rows that say which principals it names (:mod:`.marks`).
MANAGED_PREFIX = "tenantmail-managed-"


def needs_restart(change: Change) -> bool:
    """Whether a change takes effect at the next start of the process only."""
    name = change.payload.object
    return name in NEEDS_RESTART or bool(RESTART_PROPERTIES.get(name, frozenset()) & set(change.after or ()))


def is_own(namespace: t.Any) -> bool:
    """Whether a table is the collection's own: no lookup uses it, and no setting names its rows."""
    return str(namespace) == MARKER_NAMESPACE or str(namespace).startswith(MANAGED_PREFIX)


def actions_for(object_type: str, operation: str, properties: t.Iterable[str]) -> set[str]:
    """Actions that a write needs.

    :param operation: ``create``, ``update`` or ``destroy``. :param properties: what it writes.
    """
    if object_type in LIVE:
        return set()
    if object_type == "Role":
        # Accounts with default roles keep their cached token (contract 4.4); a new role is nobody's yet.
        return set() if operation == "create" else {INVALIDATE_CACHES}
    actions = {OWN_ACTION.get(object_type, RELOAD_SETTINGS)}
    if object_type == "Authentication" and any(name.startswith("default") for name in properties):
        actions.add(INVALIDATE_CACHES)
    return actions


def pending_want(schema: Schema) -> list[Want]:
    """What to read to see actions that are still owed."""
    if MARKER_OBJECT not in schema.objects:
        return []
    return [Want(MARKER_OBJECT, False, ("namespace", "key"), {"namespace": MARKER_NAMESPACE}, optional=True)]


def pending_of(keys: t.Mapping[str, t.Mapping[str, t.Any]]) -> dict[str, str]:
    """Actions that are still owed, with their markers' ids."""
    return {str(wire.get("key")): i for i, wire in keys.items() if wire.get("namespace") == MARKER_NAMESPACE}


def marker(action: str) -> dict[str, t.Any]:
    """The marker of an action."""
    return {"namespace": MARKER_NAMESPACE, "key": action, "isGlobPattern": False}


def reload_certificates(client: JmapClient) -> str:
    """Run the action that reads certificates anew; what can be read is served, the first reason that one cannot is told.

    :raises Failure: ``forbidden``, ``protocol``.
    """
    [(name, result)] = client.call([("x:Action/set", {"create": {"a": {"@type": RELOAD_CERTIFICATES}}})], write=True)
    error = result if name == "error" else (result.get("notCreated") or {}).get("a")
    if not error:
        return ""
    why = client.http.redactor.body(str(error.get("description") or error.get("type")))
    if error.get("type") == "forbidden":
        raise Failure(
            "stalwart",
            "forbidden",
            f"the credential may not run {RELOAD_CERTIFICATES}.",
            hint=f"Give its account the permissions sysActionCreate and action{RELOAD_CERTIFICATES}.",
        )
    if name == "error":
        raise Failure("stalwart", "protocol", f"{RELOAD_CERTIFICATES}: {why}.")
    return why
