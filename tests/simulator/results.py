"""Back references of JMAP: arguments that name the results of earlier calls (RFC 8620 section 3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import MethodError

Body = dict[str, Any]
Response = tuple[str, Body, str]


def resolved(arguments: Body, responses: Sequence[Response]) -> Body:
    """Raises MethodError for a reference to nothing."""
    out = dict(arguments)
    for name in ("ids", "properties", "destroy"):
        reference = out.pop(f"#{name}", None)
        if reference is not None:
            out[name] = _result(reference, responses)
    return out


def _result(reference: Body, responses: Sequence[Response]) -> list[Any]:
    for name, result, call_id in responses:
        if call_id == reference.get("resultOf") and name == reference.get("name"):
            path = str(reference.get("path", "")).strip("/").split("/")
            if path == ["ids"] and isinstance(result.get("ids"), list):
                return list(result["ids"])
            if len(path) == 3 and path[0] == "list" and path[1] == "*":
                return [item[path[2]] for item in result.get("list", []) if path[2] in item]
    wanted = f"{reference.get('resultOf')}#{reference.get('name')}"
    raise MethodError("invalidResultReference", f"Result reference to {wanted} not found.")
