"""The schema document that `GET /api/schema/<hash>` serves, written from the tables.

Same structure as the real server's: `objects schemas fields forms lists enums dashboards layouts`. The last ones
describe screens of the web UI, which the simulator does not have, so they are empty.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

from .tables import Field, Tables, Type


def _number(value: float) -> float | int:
    return int(value) if value == int(value) else value


def _type(spec: Type) -> dict[str, Any]:
    out: dict[str, Any] = {"type": spec.kind}
    if spec.format:
        out["format"] = spec.format
    if spec.kind == "enum":
        out["enumName"] = spec.target
    elif spec.target:
        out["objectName"] = f"x:{spec.target}"
    for name, part in (("class", spec.item), ("keyClass", spec.key), ("valueClass", spec.value)):
        if part:
            out[name] = _type(part)
    for name, value in spec.limits:
        out[name] = value if spec.format == "float" else _number(value)
    if spec.nullable:
        out["nullable"] = True
    return out


def _fields(struct: dict[str, Field]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, entry in struct.items():
        properties[name] = {"description": name, "type": _type(entry.type), "update": entry.access}
        if entry.enterprise:
            properties[name]["enterprise"] = True
    out: dict[str, Any] = {"properties": properties}
    defaults = {name: entry.default for name, entry in struct.items() if entry.has_default}
    if defaults:
        out["defaults"] = defaults
    return out


def document(tables: Tables) -> dict[str, Any]:
    objects: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for name, entry in tables.objects.items():
        objects[f"x:{name}"] = {
            "type": "singleton" if entry.singleton else "object",
            "description": name,
            "permissionPrefix": f"sys{name}",
        }
        if entry.enterprise:
            objects[f"x:{name}"]["enterprise"] = True
    # Forms of one variant are objects of their own in the schema, but no method names (contract 3.1).
    for view in ("Account/User", "Account/Group"):
        objects[f"x:{view}"] = {"type": "view", "objectName": f"x:{view.partition('/')[0]}"}
    variant_structs = {struct for variants in tables.variants.values() for struct in variants.values() if struct}
    for name in tables.structs:
        if name not in variant_structs or name in tables.objects:
            schemas[f"x:{name}"] = {"type": "single", "schemaName": f"x:{name}"}
    for name, variants in tables.variants.items():
        schemas[f"x:{name}"] = {
            "type": "multiple",
            "variants": [
                {"name": variant, "label": variant} | ({"schemaName": f"x:{struct}"} if struct else {})
                for variant, struct in variants.items()
            ],
        }
    return {
        "objects": objects,
        "schemas": dict(sorted(schemas.items())),
        "fields": {f"x:{name}": _fields(struct) for name, struct in sorted(tables.structs.items())},
        "forms": {},
        "lists": {},
        "enums": {name: [{"name": value, "label": value} for value in values] for name, values in tables.enums.items()},
        "dashboards": [],
        "layouts": [],
    }


def encode(tables: Tables) -> tuple[str, bytes]:
    """(hash as in the redirect's path, gzipped body). The hash is base64url SHA-256 without padding, contract 2.7."""
    text = json.dumps(document(tables), separators=(",", ":"), ensure_ascii=False).encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).decode().rstrip("=")
    return digest, gzip.compress(text, mtime=0)
