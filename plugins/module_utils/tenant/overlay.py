# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The original design's values file as an input: ``tenant_overlay`` is accepted verbatim (design 15)."""

from __future__ import annotations

import typing as t

from .validation import Given, Problems, nearest

VARIABLE = "tenant_overlay"

#: Every key the values file may have: the chart's names, as far as a variable of the model stands behind them. The rest of
#: the chart's values is given in tenant_chart_values. ``None`` marks a leaf.
KEYS: dict[str, t.Any] = {
    "domain": {"primary": None, "mode": None, "mailHost": None, "webHost": None},
    "keycloak": {
        "realmURL": None,
        "clientID": None,
        "clientSecretName": None,
        "oidcExternalSecret": {"remoteRef": {"key": None, "property": None}},
    },
    "admin": {
        "username": None,
        "secretName": None,
        "externalSecret": {"remoteRef": {"key": None, "property": None}},
    },
    "dns": {
        "powerdns": {"enabled": None, "apiURL": None, "apiKeySecretName": None, "zone": None},
        "dmarc": {"rua": None, "policy": None},
        "spf": {"policy": None},
    },
    "generation": None,
    "image": {"repository": None, "tag": None, "digest": None, "pullPolicy": None},
    "store": None,
    "replicas": None,
    "resources": None,
    "persistence": {"size": None, "storageClassName": None},
    "spamFilter": {"enabled": None},
    "mailboxProvisioner": {"enabled": None},
}


def _paths(keys: t.Mapping[str, t.Any], prefix: str = "") -> t.Iterator[str]:
    for key, below in keys.items():
        yield prefix + key
        if below is not None:
            yield from _paths(below, f"{prefix}{key}.")


#: Every path, for the nearest name of an unknown one.
PATHS = tuple(_paths(KEYS))


def flatten(overlay: t.Any, problems: Problems) -> dict[str, t.Any]:
    """The leaves of a values file by dotted path; unknown keys are noted with their path and the nearest known one.

    :param overlay: what ``tenant_overlay`` holds, None where it is not given.
    :returns: for example ``{"domain.primary": "acme.com"}``; leaves without a value are left out.
    """
    leaves: dict[str, t.Any] = {}
    if overlay is not None:
        _walk(overlay, KEYS, "", leaves, problems)
    return leaves


def _walk(node: t.Any, keys: t.Mapping[str, t.Any], path: str, leaves: dict[str, t.Any], problems: Problems) -> None:
    where = f"{VARIABLE}.{path}" if path else VARIABLE
    if not isinstance(node, t.Mapping):
        problems.add(where, node, "a mapping with the keys " + ", ".join(keys))
        return
    for key, value in node.items():
        below = f"{path}.{key}" if path else str(key)
        if key not in keys:
            problems.add(f"{VARIABLE}.{below}", value, _unknown(str(key), below, keys))
        elif value is None:
            continue
        elif keys[key] is None:
            leaves[below] = value
        else:
            _walk(value, keys[key], below, leaves, problems)


def _unknown(key: str, path: str, siblings: t.Mapping[str, t.Any]) -> str:
    # A key at the right place but misspelt, else a known key that stands at another place.
    guess = nearest(key, siblings)
    parent = path[: -len(key)]
    if guess is None:
        ends = {known.rpartition(".")[2]: known for known in PATHS}
        end = nearest(key, ends)
        parent, guess = ("", ends[end]) if end else ("", None)
    text = "only the keys " + ", ".join(siblings)
    return f"{text}; did you mean {parent}{guess}?" if guess else text


class Inputs:
    """The variables of one tenant in their order of precedence: ``tenant_*``, overlay, ``platform_*``.

    :param server_only: no back end but the mail server is talked to, so what leads to the others may be missing.
    """

    def __init__(self, options: t.Mapping[str, t.Any], problems: Problems, *, server_only: bool = False) -> None:
        self.options = options
        self.server_only = server_only
        self.leaves = flatten(options.get(VARIABLE), problems)

    def given(self, *names: str) -> Given | None:
        """The first of these that has a value; a name with ``:`` in front is a path of the overlay.

        ``given("tenant_domain", ":domain.primary")`` is the variable, else the overlay's leaf, else None.
        """
        for name in names:
            if name.startswith(":"):
                value, where = self.leaves.get(name[1:]), f"{VARIABLE}.{name[1:]}"
            else:
                value, where = self.options.get(name), name
            if value is not None:
                return Given(where, value)
        return None
