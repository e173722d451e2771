# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ConfigMap ``<release>-dns-records-required``: what it should be, and how it differs. Pure."""

from __future__ import annotations

import typing as t

from ..reconcile import Change, Plan
from . import zone
from .records import Needed

Manifest = t.Dict[str, t.Any]


def desired(
    model: t.Mapping[str, t.Any], required: Needed, *, name: str, namespace: str, labels: t.Mapping[str, str]
) -> Manifest:
    """The ConfigMap as it should be.

    :param model: ``domain`` and ``dns`` of the tenant's model.
    """
    data = zone.config_map_data(model, required.records)
    if model["domain"]["mode"] == "byo":
        data["zone.txt"] = commented(zone.instructions(model, required), data["zone.txt"])
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(labels)},
        "data": data,
    }


def commented(text: str, zone_text: str) -> str:
    """``text`` as zone text: its lines that are records stay, all others become comments."""
    records = set(zone_text.splitlines())
    lines = [line if line in records or line.startswith(";") else f"; {line}".rstrip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines)


def plan(current: t.Mapping[str, t.Any] | None, wanted: Manifest, unknown: t.Sequence[str] = ()) -> Plan:
    """Compare our keys and our labels; what others add is theirs.

    :param unknown: what the records lack so far; shown in the diff as comments, unless the text tells it itself.
    """
    name = wanted["metadata"]["name"]
    found = current or {}
    data = {key: value for key, value in (found.get("data") or {}).items() if key in wanted["data"]}
    labels = (found.get("metadata") or {}).get("labels") or {}
    missing_labels = {key: value for key, value in wanted["metadata"]["labels"].items() if labels.get(key) != value}
    if current is not None and data == wanted["data"] and not missing_labels:
        return Plan()
    told = wanted["data"]["zone.txt"]
    notes = "".join(f"; not known yet: {sentence}\n" for sentence in unknown if sentence not in told)
    before = "" if current is None else _shown(data, {key: labels.get(key) for key in missing_labels}, wanted["data"])
    after = (
        _shown(wanted["data"], missing_labels if current is not None else wanted["metadata"]["labels"], data) + notes
    )
    return Plan((Change("create" if current is None else "update", "ConfigMap", name, before=before, after=after),))


def _shown(data: t.Mapping[str, str], labels: t.Mapping[str, t.Any], other: t.Mapping[str, str]) -> str:
    """The keys that differ as text; records.yaml only where zone.txt does not already tell the difference."""
    keys = [key for key in sorted({*data, *other}) if data.get(key) != other.get(key)]
    if "zone.txt" in keys and "records.yaml" in keys:
        keys.remove("records.yaml")
    lines = [f"label {key}: {value}\n" for key, value in sorted(labels.items()) if value is not None]
    for key in keys:
        if key in data:
            lines.append(data[key] if key.endswith((".txt", ".yaml")) else f"{key}: {data[key]}\n")
    return "".join(lines)
