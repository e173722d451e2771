"""The mail store as pymap's back end: an account's mailboxes, and those of its groups as shared folders."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pymap.backend.mailbox import MailboxDataInterface, MailboxSetInterface
from pymap.backend.session import BaseSession
from pymap.concurrent import Event
from pymap.config import IMAPConfig
from pymap.exceptions import AppendFailure, NotSupportedError
from pymap.flags import FlagOp
from pymap.interfaces.message import CachedMessage
from pymap.listtree import ListTree
from pymap.mailbox import MailboxSnapshot
from pymap.message import BaseLoadedMessage, BaseMessage
from pymap.mime import MessageContent
from pymap.parsing.message import AppendMessage
from pymap.parsing.response import ResponseCode
from pymap.parsing.specials import FetchRequirement, ObjectId, SearchKey
from pymap.parsing.specials.flag import Flag, Recent, Seen, Wildcard, get_system_flags
from pymap.selected import SelectedMailbox, SelectedSet

from . import mailstore
from .mailstore import INBOX, SPECIAL_USE, Account
from .reading import SHARED_FOLDERS, MailHost, Reader, exceeds

DELIMITER = "/"
#: Seconds between two looks at a mailbox that a client idles on, as pymap's Maildir back end takes them.
IDLE_SECONDS = 1.0
#: Those that SEARCH HEADER finds without further settings.
INDEXED_HEADERS = ("FROM", "TO", "CC", "BCC", "SUBJECT")


class Message(BaseMessage):
    __slots__ = ["stored"]

    def __init__(self, stored: mailstore.Message, *, expunged: bool = False) -> None:
        super().__init__(
            stored.uid,
            datetime.fromtimestamp(stored.received_at, UTC),
            [Flag(flag) for flag in stored.flags],
            email_id=ObjectId(b"M%d" % stored.number),
            thread_id=ObjectId(b"T%d" % stored.number),
            expunged=expunged,
        )
        self.stored = stored

    async def load_content(self, requirement: FetchRequirement) -> BaseLoadedMessage:
        return BaseLoadedMessage(self, requirement, MessageContent.parse(self.stored.raw))


class Mailbox(MailboxDataInterface[Message]):
    """``\\Recent`` is nowhere: the real servers do not keep it."""

    def __init__(self, host: MailHost, account: Account, name: str) -> None:
        """Raises NoMailbox."""
        self.host, self.account, self.name = host, account, name
        self._validity = host.mail.uid_validity(account, name)
        self._selected = SelectedSet()

    @property
    def mailbox_id(self) -> ObjectId:
        text = f"{self.account}/{self._validity}/{self.name}"
        return ObjectId.new_mailbox_id(hashlib.sha256(text.encode()).digest()[:8])

    @property
    def readonly(self) -> bool:
        return False

    @property
    def uid_validity(self) -> int:
        return self._validity

    @property
    def permanent_flags(self) -> frozenset[Flag]:
        return (get_system_flags() - {Recent}) | {Wildcard}

    @property
    def selected_set(self) -> SelectedSet:
        return self._selected

    def _messages(self) -> list[Message]:
        return [Message(stored) for stored in self.host.mail.messages(self.account, self.name)]

    async def update_selected(self, selected: SelectedMailbox, *, wait_on: Event | None = None) -> SelectedMailbox:
        if wait_on is not None:
            await wait_on.wait(timeout=IDLE_SECONDS)
        selected.set_messages(self._messages())
        return selected

    async def append(self, append_msg: AppendMessage, *, recent: bool = False) -> Message:
        raw = bytes(append_msg.literal)
        if exceeds(self.host, self.account, len(raw)):
            raise AppendFailure(self.name, b"Disk quota exceeded.", ResponseCode.of(b"OVERQUOTA"))
        moment = append_msg.when.timestamp() if append_msg.when else None
        uid = self.host.mail.deliver(self.account, raw, self.name, map(str, append_msg.flag_set), moment)
        return self._message(uid)

    def _message(self, uid: int) -> Message:
        stored = self.host.mail.message(self.account, self.name, uid)
        assert stored is not None
        return Message(stored)

    async def copy(self, uid: int, destination: Mailbox, *, recent: bool = False) -> int | None:
        stored = self.host.mail.message(self.account, self.name, uid)
        if stored is None:
            return None
        return self.host.mail.deliver(
            destination.account, stored.raw, destination.name, stored.flags, stored.received_at
        )

    async def move(self, uid: int, destination: Mailbox, *, recent: bool = False) -> int | None:
        moved = await self.copy(uid, destination)
        self.host.mail.expunge(self.account, self.name, [uid])
        return moved

    async def get(self, uid: int, cached_msg: CachedMessage) -> Message:
        stored = self.host.mail.message(self.account, self.name, uid)
        if stored is not None:
            return Message(stored)
        assert isinstance(cached_msg, Message)
        return Message(cached_msg.stored, expunged=True)

    async def update(self, uid: int, cached_msg: CachedMessage, flag_set: frozenset[Flag], mode: FlagOp) -> Message:
        message = await self.get(uid, cached_msg)
        if message.expunged:
            return message
        flags = mode.apply(message.permanent_flags, flag_set)
        self.host.mail.flag(self.account, self.name, uid, map(str, flags))
        return self._message(uid)

    async def delete(self, uids: Iterable[int]) -> None:
        self.host.mail.expunge(self.account, self.name, uids)

    async def claim_recent(self, selected: SelectedMailbox) -> None:
        pass

    async def cleanup(self) -> None:
        pass

    async def snapshot(self) -> MailboxSnapshot:
        unseen = [seq for seq, message in enumerate(self._messages(), 1) if Seen not in message.permanent_flags]
        return MailboxSnapshot(
            self.mailbox_id,
            self.readonly,
            self.uid_validity,
            self.permanent_flags,
            self.session_flags,
            exists=len(self._messages()),
            recent=0,
            unseen=len(unseen),
            first_unseen=unseen[0] if unseen else None,
            next_uid=self.host.mail.uid_next(self.account, self.name),
        )


class MailboxSet(MailboxSetInterface[Mailbox]):
    """Subscriptions, and the end of a mailbox, are not simulated."""

    def __init__(self, host: MailHost, reader: Reader) -> None:
        self.host, self.reader = host, reader

    @property
    def delimiter(self) -> str:
        return DELIMITER

    def names(self) -> dict[str, tuple[Account, str]]:
        """What the client calls a mailbox -> (account, its name there)."""
        mail, own = self.host.mail, self.reader.account
        found = {name: (own, name) for name in mail.mailboxes(own)}
        for group, title in self.reader.groups.items():
            prefix = DELIMITER.join((SHARED_FOLDERS, title))
            found |= {f"{prefix}{DELIMITER}{name}": (group, name) for name in mail.mailboxes(group)}
        return found

    async def set_subscribed(self, name: str, subscribed: bool) -> None:
        raise NotSupportedError

    async def list_subscribed(self) -> ListTree:
        return ListTree(DELIMITER).update(*self.host.mail.mailboxes(self.reader.account))

    async def list_mailboxes(self) -> ListTree:
        return ListTree(DELIMITER).update(*self.names())

    async def get_mailbox(self, name: str) -> Mailbox:
        account, own_name = self.names()[INBOX if name.upper() == INBOX else name]
        return Mailbox(self.host, account, own_name)

    async def add_mailbox(self, name: str) -> ObjectId:
        if name in self.names():
            raise ValueError(name)
        account, own_name = self.reader.account, name
        for group, title in self.reader.groups.items():
            prefix = f"{SHARED_FOLDERS}{DELIMITER}{title}{DELIMITER}"
            if name.startswith(prefix):
                account, own_name = group, name.removeprefix(prefix)
        self.host.mail.create(account, own_name)
        return Mailbox(self.host, account, own_name).mailbox_id

    async def delete_mailbox(self, name: str) -> None:
        raise NotSupportedError

    async def rename_mailbox(self, before: str, after: str) -> None:
        raise NotSupportedError


class Session(BaseSession[Message]):
    def __init__(self, host: MailHost, reader: Reader, config: IMAPConfig) -> None:
        super().__init__(reader.name)
        self._config = config
        self._mailboxes = MailboxSet(host, reader)

    @property
    def config(self) -> IMAPConfig:
        return self._config

    @property
    def mailbox_set(self) -> MailboxSet:
        return self._mailboxes

    async def list_mailboxes(
        self, ref_name: str, filter_: str, subscribed: bool = False, selected: SelectedMailbox | None = None
    ) -> tuple[Iterable[tuple[str, str | None, Sequence[bytes]]], SelectedMailbox | None]:
        """By name, with the attributes of RFC 6154, as the real servers show them unasked."""
        entries, updates = await super().list_mailboxes(ref_name, filter_, subscribed, selected)
        names = self._mailboxes.names()

        def attributes(name: str, shown: Sequence[bytes]) -> list[bytes]:
            use: Any = SPECIAL_USE.get(names[name][1]) if name in names else None
            return [*shown, use.lstrip("\\").encode()] if use else [*shown]

        listed = sorted((name, delimiter, attributes(name, shown)) for name, delimiter, shown in entries)
        return listed, updates

    async def search_mailbox(
        self, selected: SelectedMailbox, keys: frozenset[SearchKey]
    ) -> tuple[Iterable[tuple[int, Message]], SelectedMailbox]:
        """Headers that are not indexed are not found, whatever they hold."""
        if any(map(_by_header, keys)) and not self._mailboxes.host.indexes_headers:
            return [], await self.check_mailbox(selected)
        return await super().search_mailbox(selected, keys)


def _by_header(key: SearchKey) -> bool:
    match key.value:
        case b"HEADER":
            return str(key.filter_header[0]).upper() not in INDEXED_HEADERS
        case b"KEYSET":
            return any(map(_by_header, key.filter_key_set))
        case b"OR":
            return all(map(_by_header, key.filter_key_or))
    return False
