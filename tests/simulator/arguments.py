"""Types of the arguments of get, set and query (contract 2.4)."""

from __future__ import annotations

from typing import Any

from .errors import MethodError

_ARGUMENTS: dict[str, type] = {
    "ids": list,
    "properties": list,
    "create": dict,
    "update": dict,
    "destroy": list,
    "filter": dict,
    "sort": list,
    "limit": int,
    "position": int,
    "anchorOffset": int,
    "calculateTotal": bool,
}


def check(arguments: dict[str, Any]) -> None:
    """Raises MethodError for a wrong type.

    The real server refuses the whole HTTP request when the wrong argument is not the last one.
    """
    for name, value in arguments.items():
        if value is not None and name in _ARGUMENTS and not _acceptable(name, value):
            raise MethodError("invalidArguments", f"invalid value for argument {name}")
    for item in (arguments.get("update") or {}).values():
        if not isinstance(item, dict):  # the real server drops the connection over such a value
            raise MethodError("invalidArguments", "invalid value for an object")


def _acceptable(name: str, value: Any) -> bool:
    if name in ("ids", "destroy"):
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if name == "limit" and isinstance(value, int) and value < 0:
        return False
    wanted = _ARGUMENTS[name]
    return isinstance(value, wanted) and not (isinstance(value, bool) and wanted is int)
