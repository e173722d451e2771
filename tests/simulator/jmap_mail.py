"""JMAP for mail (RFC 8621, RFC 9425): as much as it takes to find, read and delete a message."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from typing import Any

from .errors import MethodError, SetError
from .ids import encode
from .jmap_email import FLAGS, PROPERTIES, Body, Email, content, keyword
from .jmap_search import page, query
from .mailstore import INBOX, SPECIAL_USE, Account, Message
from .reading import MailHost, Reader

#: Permission by method, as 0.16 spells it; of `Email/set` by operation.
PERMISSIONS = {
    "Mailbox/get": "jmapMailboxGet",
    "Mailbox/query": "jmapMailboxQuery",
    "Email/get": "jmapEmailGet",
    "Email/query": "jmapEmailQuery",
    "Email/set": "",
    "Quota/get": "jmapQuotaGet",
}
MAX_OBJECTS = 500
#: RFC 8621's roles of the special mailboxes, and how JMAP calls the one that IMAP calls INBOX.
ROLES = {name: use.lstrip("\\").lower() or "inbox" for name, use in SPECIAL_USE.items()}
INBOX_NAME = "Inbox"
_MAILBOX_PROPERTIES = (
    "id name parentId role sortOrder isSubscribed totalEmails unreadEmails totalThreads unreadThreads myRights"
).split()
_RIGHTS = (
    "mayReadItems mayAddItems mayRemoveItems maySetSeen maySetKeywords mayCreateChild mayRename mayDelete maySubmit"
).split()


class Mail:
    """The mail methods of one caller."""

    def __init__(self, host: MailHost, reader: Reader) -> None:
        self.host, self.reader = host, reader

    def call(self, method: str, arguments: Body) -> Body:
        """The answer to one call of `PERMISSIONS`. Raises MethodError."""
        self._permitted(method, arguments)
        account = self._account(arguments.get("accountId"))
        match method:
            case "Mailbox/get":
                answer = self._mailboxes(account, arguments)
            case "Mailbox/query":
                answer = self._find_mailboxes(account, arguments)
            case "Email/get":
                answer = self._emails(account, arguments)
            case "Email/query":
                found = query([mail for mail, _ in self._all(account)], arguments, self.host.indexes_headers)
                answer = {"queryState": self._state(account)} | page(found, arguments)
            case "Email/set":
                answer = self._set(account, arguments)
            case _:
                answer = self._quotas(account, arguments)
        return {"accountId": self.host.account_id(account)} | answer

    def blob(self, text: str) -> bytes | None:
        """What a blob id names, None if there is no such thing or it is not the caller's."""
        try:
            key, number, part = base64.b32decode(text.upper() + "=" * (-len(text) % 8)).decode().split("/")
        except (binascii.Error, ValueError):
            return None
        account = self.host.account(key)
        if account is None or not self.reader.reads(account):
            return None
        for mail, _ in self._all(account):
            if str(mail.stored.number) == number:
                return content(mail.parts[int(part)]) if part else mail.stored.raw
        return None

    def _permitted(self, method: str, arguments: Body) -> None:
        for operation in ("create", "update", "destroy"):
            if (
                method == "Email/set"
                and arguments.get(operation)
                and not self.reader.may(f"jmapEmail{operation.title()}")
            ):
                raise MethodError("forbidden", f"You are not authorized to {operation} objects of this type")
        if PERMISSIONS[method] and not self.reader.may(PERMISSIONS[method]):
            raise MethodError("forbidden", "You are not authorized to perform this action")

    def _account(self, text: Any) -> Account:
        if text is None or text == self.host.account_id(self.reader.account):
            return self.reader.account
        account = self.host.account(str(text))
        if account is None or not self.reader.reads(account):
            raise MethodError("forbidden", f"You do not have access to account {text}")
        return account

    def _state(self, account: Account) -> str:
        """Changes with every message and flag."""
        seen = [(mail.key, mail.mailbox, sorted(mail.stored.flags)) for mail, _ in self._all(account)]
        return "s" + hashlib.sha256(repr(seen).encode()).hexdigest()[:12]

    # -- mailboxes -----------------------------------------------------------------------------------------------

    def _names(self, account: Account) -> dict[str, str]:
        """Mailbox id -> name in the store. The special ones have the ids of the real servers."""
        special, mail = list(SPECIAL_USE), self.host.mail
        return {
            encode(special.index(name) if name in special else mail.uid_validity(account, name)): name
            for name in mail.mailboxes(account)
        }

    def _mailbox(self, account: Account, key: str, name: str) -> Body:
        messages = self.host.mail.messages(account, name)
        unread = sum("\\Seen" not in message.flags for message in messages)
        return {
            "id": key,
            "name": INBOX_NAME if name == INBOX else name,
            "parentId": None,
            "role": ROLES.get(name),
            "sortOrder": 0,
            "isSubscribed": account == self.reader.account,
            "totalEmails": len(messages),
            "unreadEmails": unread,
            "totalThreads": len(messages),
            "unreadThreads": unread,
            "myRights": dict.fromkeys(_RIGHTS, True),
        }

    def _mailboxes(self, account: Account, arguments: Body) -> Body:
        names = self._names(account)
        wanted = _properties(arguments, _MAILBOX_PROPERTIES)
        keys, missing = _keys(arguments, names)
        shown = [self._mailbox(account, key, names[key]) for key in keys]
        return {
            "state": self._state(account),
            "list": [{name: body[name] for name in wanted} for body in shown],
            "notFound": missing,
        }

    def _find_mailboxes(self, account: Account, arguments: Body) -> Body:
        wanted = arguments.get("filter") or {}
        for name in wanted:
            if name not in ("name", "role", "parentId", "hasAnyRole", "isSubscribed"):
                raise MethodError("unsupportedFilter", name)
        found = []
        for key, name in self._names(account).items():
            body = self._mailbox(account, key, name)
            body["hasAnyRole"] = body["role"] is not None
            like = "name" not in wanted or str(wanted["name"]).lower() in body["name"].lower()
            if like and all(body[part] == value for part, value in wanted.items() if part != "name"):
                found.append(key)
        return {"queryState": self._state(account)} | page(found, arguments)

    # -- emails --------------------------------------------------------------------------------------------------

    def _all(self, account: Account) -> Iterator[tuple[Email, str]]:
        """Every message with the name of its mailbox, in the order of arrival."""
        found: list[tuple[Message, str, str]] = []
        for key, name in self._names(account).items():
            found += [(message, key, name) for message in self.host.mail.messages(account, name)]
        for message, key, name in sorted(found, key=lambda entry: entry[0].number):
            yield Email(encode(message.number), key, message, self._blob_ids(account, message)), name

    def _blob_ids(self, account: Account, message: Message) -> Any:
        def blob_id(part: int | None) -> str:
            text = f"{self.host.account_id(account)}/{message.number}/{'' if part is None else part}"
            return base64.b32encode(text.encode()).decode().rstrip("=").lower()

        return blob_id

    def _emails(self, account: Account, arguments: Body) -> Body:
        mails = {mail.key: mail for mail, _ in self._all(account)}
        properties = arguments.get("properties")
        wanted = PROPERTIES if properties is None else dict.fromkeys(["id", *properties])
        keys, missing = _keys(arguments, mails)
        return {
            "state": self._state(account),
            "list": [mails[key].render(wanted, arguments) for key in keys],
            "notFound": missing,
        }

    def _set(self, account: Account, arguments: Body) -> Body:
        """Mail comes in by SMTP and IMAP only; flags may be changed, and messages destroyed."""
        mails = {mail.key: (mail, name) for mail, name in self._all(account)}
        out: Body = {"oldState": self._state(account)}
        refused = SetError("forbidden", "The simulator makes no messages.").body
        for name in arguments.get("create") or {}:
            out.setdefault("notCreated", {})[name] = refused
        destroy = list(arguments.get("destroy") or [])
        for key, values in (arguments.get("update") or {}).items():
            try:
                self._update(account, mails, key, values)
                out.setdefault("updated", {})[key] = None
            except SetError as error:
                out.setdefault("notUpdated", {})[key] = error.body
        for key in destroy:
            if key not in mails:
                out.setdefault("notDestroyed", {})[key] = SetError("notFound").body
                continue
            mail, name = mails[key]
            self.host.mail.expunge(account, name, [mail.stored.uid])
            out.setdefault("destroyed", []).append(key)
        return out | {"newState": self._state(account)}

    def _update(self, account: Account, mails: dict[str, tuple[Email, str]], key: str, values: Body) -> None:
        if key not in mails:
            raise SetError("notFound")
        mail, name = mails[key]
        flags: dict[str, str] = {keyword(flag): flag for flag in mail.stored.flags}
        for path, value in values.items():
            if path == "keywords" and isinstance(value, dict):
                flags = {word: _flag(word) for word, kept in value.items() if kept}
            elif path.startswith("keywords/"):
                word = path.removeprefix("keywords/")
                flags.pop(word, None)
                if value:
                    flags[word] = _flag(word)
            else:
                raise SetError("invalidProperties", "Invalid property or value.", properties=[path])
        self.host.mail.flag(account, name, mail.stored.uid, flags.values())

    # -- quota ---------------------------------------------------------------------------------------------------

    def _quotas(self, account: Account, arguments: Body) -> Body:
        """One object where the account has a limit, none where it has not (RFC 9425)."""
        limit, names = self.host.quota(account), {self.reader.account: self.reader.name} | self.reader.groups
        quota = {
            "id": "a",
            "resourceType": "octets",
            "used": self.host.used(account),
            "warnLimit": None,
            "softLimit": None,
            "hardLimit": limit,
            "scope": "account",
            "name": names.get(account, ""),
            "description": None,
            "types": ["Email", "SieveScript", "FileNode", "CalendarEvent", "ContactCard"],
        }
        keys, missing = _keys(arguments, {"a": quota} if limit else {})
        wanted = _properties(arguments, list(quota))
        return {"state": "n", "list": [{name: quota[name] for name in wanted} for _ in keys], "notFound": missing}


def _flag(word: str) -> str:
    return FLAGS.get(word, word)


def _keys(arguments: Body, known: dict[str, Any]) -> tuple[list[str], list[str]]:
    """The wanted ids that there are, and those that there are not."""
    wanted = arguments.get("ids")
    if wanted is None:
        return list(known)[:MAX_OBJECTS], []
    if len(wanted) > MAX_OBJECTS:
        raise MethodError("requestTooLarge", "The number of ids requested by the client exceeds the maximum.")
    return [key for key in wanted if key in known], [key for key in wanted if key not in known]


def _properties(arguments: Body, known: list[str]) -> list[str]:
    """What is no property is dropped without a word."""
    wanted = arguments.get("properties")
    if wanted is None:
        return known
    return list(dict.fromkeys(["id", *(name for name in wanted if name in known)]))
