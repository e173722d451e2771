"""The JMAP session document (contract 9; recorded in the transcripts)."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from .login import Caller

if TYPE_CHECKING:
    from .server import Server


@cache
def _template() -> str:
    return resources.files(__package__).joinpath("data", "session.json").read_text(encoding="utf-8")


def _filled(server: Server, account: str) -> dict[str, Any]:
    websocket = server.base_url.replace("http", "ws", 1) + "/jmap/ws"
    text = _template().replace("{account}", account).replace("{vapid}", server.vapid)
    return dict(json.loads(text.replace("{websocket}", websocket)))


def state(server: Server, caller: Caller | None) -> str:
    """A hex number of the access token; changes with the process."""
    if caller is None:
        return "0"
    granted = ",".join(sorted(caller.permissions)) if caller.permissions is not None else "*"
    return hashlib.sha256(f"{server.nonce}/{caller.account}/{granted}".encode()).hexdigest()[:8]


def document(server: Server, caller: Caller | None) -> dict[str, Any]:
    base = server.base_url
    accounts, primary = {}, {}
    if caller is not None:
        capabilities = _filled(server, caller.account)["accountCapabilities"]
        primary = dict.fromkeys(capabilities, caller.account)
        accounts[caller.account] = _account(server, caller.account, caller.name, personal=True)
        own = server.store.find("Account", caller.account) or {}
        for group in own.get("memberGroupIds", {}):
            body = server.store.find("Account", group)
            if body:
                accounts[group] = _account(server, group, server.address(body), personal=False)
    return {
        "capabilities": _filled(server, caller.account if caller else "")["capabilities"],
        "accounts": accounts,
        "primaryAccounts": primary,
        "username": caller.name if caller else "",
        "apiUrl": f"{base}/jmap/",
        "downloadUrl": f"{base}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}",
        "uploadUrl": f"{base}/jmap/upload/{{accountId}}/",
        "eventSourceUrl": f"{base}/jmap/eventsource/?types={{types}}&closeafter={{closeafter}}&ping={{ping}}",
        "state": state(server, caller),
    }


def _account(server: Server, key: str, name: str, personal: bool) -> dict[str, Any]:
    return {
        "name": name,
        "isPersonal": personal,
        "isReadOnly": False,
        "accountCapabilities": _filled(server, key)["accountCapabilities"],
    }
