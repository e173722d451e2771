# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kubernetes objects in normal form: what a manifest asks for against what the cluster holds. Pure.

Only fields that the manifest gives are compared; defaults and status that the server adds are nobody's drift. Lists are
compared as a whole, because that is how a merge patch (RFC 7396) writes them. The rules of policies are compared both ways:
whatever is added to them opens or shuts something.
"""

from __future__ import annotations

import base64
import re
import typing as t
from decimal import Decimal

from ..redact import MASK
from .quantity import amount

Object = t.Mapping[str, t.Any]
Key = t.Tuple[str, str]

#: What a server leaves out when it stores it. False is not among them: a missing switch may default to true.
_EMPTY: tuple[t.Any, ...] = (None, "", {}, [])
#: Kinds that are compared both ways, and what of them: a CiliumNetworkPolicy may have several lists of rules.
POLICIES = ("NetworkPolicy", "CiliumNetworkPolicy")
RULES = ("spec", "specs")
#: Keys below which values are quantities, and keys that hold a Go duration: the server may rewrite both.
_QUANTITIES = frozenset(("requests", "limits"))
_DURATIONS = frozenset(("refreshInterval", "duration", "renewBefore"))
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|h|m|s)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}


def key_of(obj: Object) -> Key:
    """Kind and name: unique within one release, which lives in one namespace."""
    return str(obj["kind"]), str(obj["metadata"]["name"])


def as_helm_writes(obj: Object, release: str, namespace: str) -> dict[str, t.Any]:
    """The object with the namespace, label and annotations that Helm adds to everything it owns."""
    metadata = dict(obj.get("metadata") or {})
    metadata.setdefault("namespace", namespace)
    metadata["labels"] = {**(metadata.get("labels") or {}), "app.kubernetes.io/managed-by": "Helm"}
    metadata["annotations"] = {
        **(metadata.get("annotations") or {}),
        "meta.helm.sh/release-name": release,
        "meta.helm.sh/release-namespace": namespace,
    }
    result = {**obj, "metadata": metadata}
    if obj.get("kind") == "Secret" and obj.get("stringData"):
        plain = result.pop("stringData")
        encoded = {name: base64.b64encode(str(value).encode()).decode() for name, value in plain.items()}
        result["data"] = {**(obj.get("data") or {}), **encoded}
    return result


def same(desired: t.Any, live: t.Any, name: str = "", below: str = "") -> bool:
    """Whether what is live says everything that is desired.

    :param name: key that holds the value; ``below`` the key above it. They tell quantities and durations.
    """
    if isinstance(desired, t.Mapping):
        if not isinstance(live, t.Mapping):
            return live is None and all(same(value, None) for value in desired.values())
        return all(same(value, live.get(key), str(key), name) for key, value in desired.items())
    if isinstance(desired, list):
        if not isinstance(live, list):
            return live is None and not desired
        return len(desired) == len(live) and all(same(d, v, name, below) for d, v in zip(desired, live))
    if desired == live or (live is None and desired in _EMPTY):
        return True
    if below in _QUANTITIES:
        return amount(desired) is not None and amount(desired) == amount(live)
    if name in _DURATIONS:
        return _duration(desired) is not None and _duration(desired) == _duration(live)
    return False


def differs(desired: Object, live: Object) -> bool:
    """Whether the live object lacks something of the desired one (items of a list carry no kind of their own)."""
    return not same({key: value for key, value in desired.items() if key not in ("apiVersion", "kind")}, live)


def added_rules(desired: Object, live: Object) -> bool:
    """Whether a live policy of the network says anything that the desired one does not."""
    return desired["kind"] in POLICIES and any(
        _as_stored(desired.get(part) or {}) != _as_stored(_asked_for(desired, live, part)) for part in RULES
    )


def _asked_for(desired: Object, live: Object, part: str) -> t.Any:
    """A part of the live policy without the policyTypes that the API server concludes from its rules where none are given."""
    found = live.get(part) or {}
    if isinstance(found, t.Mapping) and "policyTypes" not in (desired.get(part) or {}):
        return {key: value for key, value in found.items() if key != "policyTypes"}
    return found


def _as_stored(value: t.Any, name: str = "") -> t.Any:
    """Part of a policy with the server's default and without what it leaves out. An empty selector stays: it selects all."""
    if isinstance(value, t.Mapping):
        parts = {key: _as_stored(part, str(key)) for key, part in value.items()}
        if name == "ports":
            parts.setdefault("protocol", "TCP")
        return {
            key: part for key, part in parts.items() if part not in (None, []) and (key, part) != ("matchLabels", {})
        }
    return [_as_stored(item, name) for item in value] if isinstance(value, list) else value


def patch(old: t.Any, new: t.Any) -> t.Any:
    """The merge patch (RFC 7396) that leaves ``new``, without what ``old`` had besides. Lists are replaced as a whole."""
    if not isinstance(new, t.Mapping) or not isinstance(old, t.Mapping):
        return new
    gone = {key: None for key in old if key not in new}
    return {**gone, **{key: patch(old.get(key), value) for key, value in new.items()}}


def seen(live: t.Any, desired: t.Any, name: str = "", below: str = "") -> t.Any:
    """The live value cut down to the fields of the desired one, for a diff without the server's own additions.

    What the server leaves out because it is empty is shown as it is desired.
    """
    if isinstance(desired, t.Mapping) and isinstance(live, t.Mapping):
        return {
            key: seen(live.get(key), value, str(key), name)
            for key, value in desired.items()
            if live.get(key) is not None or same(value, None)
        }
    if isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        return [seen(v, d, name, below) for v, d in zip(live, desired)]
    return desired if same(desired, live, name, below) else live


def merged(base: t.Any, over: t.Any) -> t.Any:
    """Both mappings together, ``over`` wins; used to show fields that an upgrade removes."""
    if isinstance(base, t.Mapping) and isinstance(over, t.Mapping):
        return {key: merged(base.get(key), over[key]) if key in over else base[key] for key in {**over, **base}}
    return over


def masked(obj: t.Any) -> t.Any:
    """The object as a diff may show it: values of a Secret are masked."""
    if not isinstance(obj, t.Mapping) or obj.get("kind") != "Secret":
        return obj
    result = dict(obj)
    for field in ("data", "stringData"):
        if isinstance(result.get(field), t.Mapping):
            result[field] = dict.fromkeys(result[field], MASK)
    return result


def _duration(value: t.Any) -> Decimal | None:
    text = str(value)
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0))


def selects(selector: t.Mapping[str, t.Any], labels: t.Mapping[str, str]) -> bool:
    """Whether a label selector (``matchLabels``, ``matchExpressions``) selects an object with these labels. Pure."""
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    tests: dict[str, t.Callable[[str, list[str]], bool]] = {
        "In": lambda key, values: labels.get(key) in values,
        "NotIn": lambda key, values: labels.get(key) not in values,
        "Exists": lambda key, values: key in labels,
        "DoesNotExist": lambda key, values: key not in labels,
    }
    return all(
        tests[rule["operator"]](rule["key"], rule.get("values") or [])
        for rule in selector.get("matchExpressions") or []
    )
