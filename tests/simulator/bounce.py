"""Delivery status notifications (RFC 3464) to the sender of mail that failed for good."""

from __future__ import annotations

from email.message import Message
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from . import headers

if TYPE_CHECKING:
    from .delivery import Queued
    from .failures import PermanentFailure


def bounce(hostname: str, sender: str, failed: Queued, failure: PermanentFailure) -> bytes:
    here = f"host 'localhost' rejected command 'RCPT TO:<{failed.recipient}>' with code 550 (5.5.0) '{failure}'"
    text = "Your message could not be delivered to the following recipients:\r\n\r\n"
    text += f"<{failed.recipient}> ({failure.told or here})\r\n"
    message = MIMEMultipart("report", report_type="delivery-status")
    message["From"] = f'"Mail Delivery Subsystem" <MAILER-DAEMON@{hostname}>'
    message["To"] = sender
    message["Auto-Submitted"] = "auto-generated"
    message["Subject"] = "Failed to deliver message"
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=hostname)
    message.attach(MIMEText(text))
    message.attach(_status(hostname, failed, failure))
    original = headers.parsed(failed.raw)
    original.set_payload("")
    message.attach(MIMEMessage(original))
    return message.as_bytes(policy=compat32.clone(linesep="\r\n"))


def _status(hostname: str, failed: Queued, failure: PermanentFailure) -> Message:
    """Fields of the message, then those of the recipient."""
    part = Message()
    part["Content-Type"] = "message/delivery-status"
    whole, recipient = Message(), Message()
    whole["Reporting-MTA"] = f"dns;{hostname}"
    recipient["Final-Recipient"] = f"rfc822;{failed.recipient}"
    recipient["Action"] = "failed"
    recipient["Status"] = "5.5.0"
    recipient["Diagnostic-Code"] = f"smtp;{failure.answer}"
    part.set_payload([whole, recipient])
    return part
