"""An export, and what its owner does with it."""

from __future__ import annotations

from typing import Any

from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.placeholder import is_placeholder

from .server import Server

SECRET = "Str0ng-pass-77123"


def export(server: Server) -> dict[str, Any]:
    return server.info(gather=[], export=True)["info"]["export"]


def with_secrets(value: Any) -> Any:
    """What the owner does with an export: secrets in the places of the placeholders."""
    if isinstance(value, dict):
        return {key: with_secrets(item) for key, item in value.items()}
    if isinstance(value, list):
        return [with_secrets(item) for item in value]
    return SECRET if is_placeholder(value) else value
