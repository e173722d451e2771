"""Header fields of a message in bytes, as far as the server looks at them."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32

#: One of these makes a text a message.
_KNOWN = ("From", "To", "Cc", "Bcc", "Subject", "Date", "Message-ID", "Reply-To", "Sender", "Received", "MIME-Version")


def parsed(raw: bytes) -> Message:
    return BytesHeaderParser(policy=compat32).parsebytes(raw)


def is_message(raw: bytes) -> bool:
    found = parsed(raw)
    return any(name in found for name in _KNOWN)


def count(raw: bytes, name: str) -> int:
    return len(parsed(raw).get_all(name, []))


def message_id(raw: bytes) -> str:
    return str(parsed(raw).get("Message-ID", "")).strip()
