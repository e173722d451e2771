"""The JMAP side of 0.15: the session document, and `/jmap` with the methods for mail."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from .. import arguments, ids, jmap_mail, results
from ..errors import MethodError
from .login import Caller
from .problems import BadRequest, Forbidden

if TYPE_CHECKING:
    from .server import Server

_MANAGEMENT = "jmap-email-get"


@cache
def _template() -> str:
    return resources.files(__package__).joinpath("data", "session.json").read_text(encoding="utf-8")


def _filled(base: str, account: str) -> dict[str, Any]:
    websocket = base.replace("http", "ws", 1) + "/jmap/ws"
    return dict(json.loads(_template().replace("{account}", account).replace("{websocket}", websocket)))


def state(server: Server, caller: Caller | None) -> str:
    if caller is None:
        return "0"
    text = f"{server.nonce}/{caller.id}/{','.join(sorted(caller.permissions))}"
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def document(server: Server, caller: Caller | None, base: str) -> dict[str, Any]:
    accounts, primary = {}, {}
    if caller is not None:
        account = ids.encode(caller.id)
        accounts[account] = _account(base, account, caller.name, personal=True)
        primary = dict.fromkeys(accounts[account]["accountCapabilities"], account)
        for key in server.store.principals.get(caller.id, {"memberOf": []})["memberOf"]:
            group = server.store.principals.get(key)
            if group and group["type"] == "group":
                accounts[ids.encode(key)] = _account(base, ids.encode(key), group["name"], personal=False)
    return {
        "capabilities": _filled(base, "")["capabilities"],
        "accounts": accounts,
        "primaryAccounts": primary,
        "username": caller.name if caller else "",
        "apiUrl": f"{base}/jmap/",
        "downloadUrl": f"{base}/jmap/download/{{accountId}}/{{blobId}}/{{name}}?accept={{type}}",
        "uploadUrl": f"{base}/jmap/upload/{{accountId}}/",
        "eventSourceUrl": f"{base}/jmap/eventsource/?types={{types}}&closeafter={{closeafter}}&ping={{ping}}",
        "state": state(server, caller),
    }


def _account(base: str, key: str, name: str, personal: bool) -> dict[str, Any]:
    capabilities = _filled(base, key)["accountCapabilities"]
    return {"name": name, "isPersonal": personal, "isReadOnly": False, "accountCapabilities": capabilities}


def call(server: Server, caller: Caller, text: bytes) -> dict[str, Any]:
    """No other methods are simulated; 0.16's own capability is unknown here. Raises BadRequest."""
    if _MANAGEMENT not in caller.permissions:
        raise Forbidden("jmap")
    known = _filled("", "")["capabilities"]
    try:
        body = json.loads(text)
        unknown = next((name for name in body["using"] if name not in known), None)
        calls = [(str(name), dict(given), str(key)) for name, given, key in body["methodCalls"]]
    except (ValueError, KeyError, TypeError):
        raise _not_request("Invalid JMAP request") from None
    if unknown is not None:
        quoted = json.dumps(unknown)
        column = text.decode().index(quoted) + len(quoted) + 1  # the parser has looked one further
        raise _not_request(f"Unknown capability: {quoted} at line 1 column {column}")
    mail = jmap_mail.Mail(server.reading, server.reading.reader(caller))
    answers: list[results.Response] = []
    for name, given, key in calls:
        try:
            answers.append((name, _answer(mail, name, results.resolved(given, answers)), key))
        except MethodError as error:
            answers.append(("error", error.body, key))
    return {"methodResponses": answers, "sessionState": state(server, caller)}


def _answer(mail: jmap_mail.Mail, name: str, given: dict[str, Any]) -> dict[str, Any]:
    if name not in jmap_mail.PERMISSIONS:
        raise MethodError("unknownMethod")
    arguments.check(given)
    return mail.call(name, given)


def _not_request(detail: str) -> BadRequest:
    problem = BadRequest("jmap")
    problem.members = {"type": "urn:ietf:params:jmap:error:notRequest", "title": None, "detail": detail}
    return problem
