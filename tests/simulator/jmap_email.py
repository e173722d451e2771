"""An Email object of RFC 8621 as `Email/get` shows it, read by Python's own mail parser."""

from __future__ import annotations

import email
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.headerregistry import AddressHeader, BaseHeader, DateHeader, Group
from email.message import EmailMessage
from email.policy import SMTP, EmailPolicy
from typing import Any

from .mailstore import Message

Body = dict[str, Any]

PROPERTIES = (
    "id blobId threadId mailboxIds keywords size receivedAt messageId inReplyTo references sender from to cc bcc replyTo "
    "subject sentAt hasAttachment preview bodyValues textBody htmlBody attachments"
).split()
PART_PROPERTIES = "partId blobId size name type charset disposition cid language location".split()
_MORE_PROPERTIES = ("headers", "bodyStructure")
_FORMS = "asRaw asText asAddresses asGroupedAddresses asMessageIds asDate asURLs".split()
_HEADER = re.compile(rf"header:[^:]+(:({'|'.join(_FORMS)}))?(:all)?")
PREVIEW_CHARACTERS = 256
#: System flags of IMAP by the keyword that JMAP has for them (RFC 8621 section 4.1.1).
KEYWORDS = {f"\\{name}": f"${name.lower()}" for name in ("Seen", "Answered", "Flagged", "Draft", "Deleted")}
FLAGS = {keyword: flag for flag, keyword in KEYWORDS.items()}
_SHORT = {
    "messageId": "header:Message-ID:asMessageIds",
    "inReplyTo": "header:In-Reply-To:asMessageIds",
    "references": "header:References:asMessageIds",
    "sender": "header:Sender:asAddresses",
    "from": "header:From:asAddresses",
    "to": "header:To:asAddresses",
    "cc": "header:Cc:asAddresses",
    "bcc": "header:Bcc:asAddresses",
    "replyTo": "header:Reply-To:asAddresses",
    "subject": "header:Subject:asText",
    "sentAt": "header:Date:asDate",
}


class _Raw(EmailPolicy):
    """Keeps a header's value as it stands in the message, the blank before it included."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, _, value = sourcelines[0].partition(":")
        return name, (value + "".join(sourcelines[1:])).rstrip("\r\n")

    def header_fetch_parse(self, name: str, value: str) -> Any:
        return super().header_fetch_parse(name, value.strip())


_POLICY = _Raw() + SMTP


def keyword(flag: str) -> str:
    return KEYWORDS.get(flag, flag.lower())


def utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Email:
    """:param blob: the id of the blob that holds a part, or the whole message (None)."""

    def __init__(self, key: str, mailbox: str, stored: Message, blob: Callable[[int | None], str]) -> None:
        self.key, self.mailbox, self.stored, self._blob = key, mailbox, stored, blob
        parsed = email.message_from_bytes(stored.raw, policy=_POLICY)
        assert isinstance(parsed, EmailMessage)
        self.parsed = parsed
        self.parts = [part for part in parsed.walk() if isinstance(part, EmailMessage)]

    @property
    def keywords(self) -> set[str]:
        return {keyword(flag) for flag in self.stored.flags}

    def render(self, properties: Iterable[str], arguments: Body) -> Body:
        """What is no property is dropped without a word."""
        known = (*PROPERTIES, *_MORE_PROPERTIES)
        return {
            name: self._property(name, arguments) for name in properties if name in known or _HEADER.fullmatch(name)
        }

    def _property(self, name: str, arguments: Body) -> Any:
        if name in _SHORT or name.startswith("header:"):
            return header(self.parsed, _SHORT.get(name, name))
        wanted = arguments.get("bodyProperties") or PART_PROPERTIES
        match name:
            case "id" | "threadId":
                return self.key
            case "blobId":
                return self._blob(None)
            case "mailboxIds":
                return {self.mailbox: True}
            case "keywords":
                return dict.fromkeys(sorted(self.keywords), True)
            case "size":
                return len(self.stored.raw)
            case "receivedAt":
                return utc(self.stored.received_at)
            case "headers":
                return headers(self.parsed)
            case "hasAttachment":
                return bool(self._attachments())
            case "preview":
                return " ".join(self.text().split())[:PREVIEW_CHARACTERS]
            case "bodyValues":
                return self._values(arguments)
            case "textBody":
                return [self._part(part, wanted) for part in self._bodies("plain", "html")]
            case "htmlBody":
                return [self._part(part, wanted) for part in self._bodies("html", "plain")]
            case "attachments":
                return [self._part(part, wanted) for part in self._attachments()]
            case "bodyStructure":
                return self._structure(self.parsed, wanted)
        raise ValueError(name)

    # -- parts ---------------------------------------------------------------------------------------------------

    def _bodies(self, *kinds: str) -> list[EmailMessage]:
        body = self.parsed.get_body(kinds)  # type: ignore[arg-type]
        return [body] if isinstance(body, EmailMessage) else []

    def _attachments(self) -> list[EmailMessage]:
        return [part for part in self.parsed.iter_attachments() if isinstance(part, EmailMessage)]

    def _number(self, part: EmailMessage) -> int:
        return next(number for number, candidate in enumerate(self.parts) if candidate is part)

    def _part(self, part: EmailMessage, wanted: Iterable[str]) -> Body:
        shown: Body = {}
        known = (*PART_PROPERTIES, "headers")
        for name in wanted:
            if _HEADER.fullmatch(name):
                shown[name] = header(part, name)
            elif name in known and not (part.is_multipart() and name in ("partId", "blobId", "size")):
                shown[name] = self._part_property(part, name)
        return shown

    def _part_property(self, part: EmailMessage, name: str) -> Any:
        match name:
            case "partId":
                return str(self._number(part))
            case "blobId":
                return self._blob(self._number(part))
            case "size":
                return len(content(part))
            case "name":
                return part.get_filename()
            case "type":
                return part.get_content_type()
            case "charset":
                is_text = part.get_content_maintype() == "text"
                return part.get_content_charset("us-ascii" if is_text else "") or None
            case "disposition":
                return part.get_content_disposition()
            case "cid":
                return (str(part["Content-ID"]).strip("<> ") or None) if "Content-ID" in part else None
            case "language":
                return [str(part["Content-Language"])] if "Content-Language" in part else None
            case "location":
                return str(part["Content-Location"]) if "Content-Location" in part else None
        return headers(part)

    def _structure(self, part: EmailMessage, wanted: Iterable[str]) -> Body:
        shown = self._part(part, wanted)
        if part.is_multipart() and part.get_content_maintype() == "multipart":
            shown["subParts"] = [self._structure(child, wanted) for child in part.iter_parts()]  # type: ignore[arg-type]
        return shown

    def _values(self, arguments: Body) -> Body:
        parts = [part for part in self.parts if part.get_content_maintype() == "text"]
        if not arguments.get("fetchAllBodyValues"):
            bodies = self._bodies("plain", "html") if arguments.get("fetchTextBodyValues") else []
            bodies += self._bodies("html", "plain") if arguments.get("fetchHTMLBodyValues") else []
            parts = [part for part in parts if any(part is body for body in bodies)]
        limit, values = int(arguments.get("maxBodyValueBytes") or 0), {}
        for part in parts:
            text, problem = decoded(part)
            cut = text.encode()[:limit].decode(errors="ignore") if limit else text
            values[str(self._number(part))] = {"isEncodingProblem": problem, "isTruncated": cut != text, "value": cut}
        return values

    def text(self) -> str:
        """What is searched in, and previewed."""
        return "\n".join(decoded(part)[0] for part in self._bodies("plain", "html"))


def content(part: EmailMessage) -> bytes:
    """A part's bytes without their transfer encoding."""
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def decoded(part: EmailMessage) -> tuple[str, bool]:
    """(text, whether its charset was not understood)."""
    try:
        return content(part).decode(part.get_content_charset("us-ascii")), False
    except (LookupError, UnicodeDecodeError):
        return content(part).decode(errors="replace"), True


# -- headers -----------------------------------------------------------------------------------------------------


def headers(part: EmailMessage) -> list[Body]:
    return [{"name": name, "value": _text(value)} for name, value in part.raw_items()]


def header(part: EmailMessage, spec: str) -> Any:
    """The value of `header:Name[:asForm][:all]`; the last one where there are several."""
    name, *options = spec.removeprefix("header:").split(":")
    form = next((option for option in options if option != "all"), "asRaw")
    raw = [_text(value) for key, value in part.raw_items() if key.lower() == name.lower()]
    values = [_form(form, value, parsed) for value, parsed in zip(raw, part.get_all(name, []), strict=True)]
    if "all" in options:
        return values
    return values[-1] if values else None


def _form(form: str, raw: str, parsed: BaseHeader) -> Any:
    match form:
        case "asRaw":
            return raw
        case "asText":
            return str(parsed)
        case "asMessageIds":
            return re.findall(r"<([^<>\s]+)>", raw) or None
        case "asURLs":
            return re.findall(r"<([^<>]+)>", raw) or None
        case "asDate":
            moment = parsed.datetime if isinstance(parsed, DateHeader) else None
            return moment.isoformat().replace("+00:00", "Z") if moment else None
        case "asAddresses":
            return [entry for group in _groups(parsed) for entry in _addresses(group)]
        case "asGroupedAddresses":
            return [{"name": group.display_name, "addresses": _addresses(group)} for group in _groups(parsed)]
    raise ValueError(form)


def _groups(parsed: BaseHeader) -> tuple[Group, ...]:
    return tuple(parsed.groups) if isinstance(parsed, AddressHeader) else ()


def _addresses(group: Group) -> list[Body]:
    return [{"name": entry.display_name or None, "email": entry.addr_spec} for entry in group.addresses]


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
