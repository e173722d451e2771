# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of senders, recipients and messages. What a run sends it removes again."""

from __future__ import annotations

import datetime
import email.message
import email.utils
import typing as t

from ..failure import Failure
from . import probe_imap, received
from .checks import NotApplicable, Wrong
from .probe_context import MARK, Context
from .probe_smtp import Reply, Session, refusal_cause

#: Recognised by every spam filter (the Generic Test for Unsolicited Bulk Email); Stalwart looks for it in the subject.
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
#: Where the test for spam comes from: a name that nobody can have (RFC 2606), so no policy of anybody's applies.
OUTSIDE = "tenantmail-probe@sender.invalid"
JUNK = ("Junk Mail", "Junk", "Spam")
#: Octets that a message of the probe may take.
ROOM = 8192
_SIGN = ("rsa", "ed25519")


class Messages:
    """Checks named ``sender.*``, ``recipient.*`` and ``message.*``."""

    def __init__(self, context: Context) -> None:
        self._c = context
        self._wait = float(context.params["delivery_timeout"])
        self._sent = False
        self._raw = b""
        self._signed: list[received.Signature] = []
        self._spf_domain: t.Optional[str] = None
        self._group_reply: t.Optional[Reply] = None

    # Envelopes --------------------------------------------------------------------------------------------------------

    def admin_sends(self) -> str:
        """``sender.admin``: the account has no password, so the recovery administrator acts for it."""
        if self._c.generation == "0.15":
            raise NotApplicable("0.15 lets its administrator act for no account")
        account, domain = self._c.params["admin"]["address"], self._c.domain
        with self._c.submission() as session:
            reply = session.plain(f"{account}%{self._c.params['api_username']}", self._c.params["api_password"])
            if not reply.accepted:
                raise Wrong(refusal_cause(reply, "sender_refused"), f"{account} cannot log in to send: {reply}")
            # No recipient: the server counts those, 25 an hour.
            reply = session.sender(f"postmaster@{domain}")
            if not reply.accepted:
                raise Wrong(refusal_cause(reply, "sender_refused"), str(reply))
        return f"{account} as postmaster@{domain}: {reply}"

    def other_sends(self) -> str:
        """``sender.other``"""
        with self._submitting() as session:
            reply = session.sender(f"postmaster@{self._c.domain}")
            if reply.accepted:
                # Some servers judge with the recipient only.
                reply = session.recipient(self._c.address)
            if reply.accepted:
                raise Wrong("sender_open", f"{self._c.address} may send as postmaster@{self._c.domain}: {reply}")
        return str(reply)

    def promised(self) -> str:
        """``recipient.promised``"""
        addresses = [self._c.params["admin"]["address"], *self._c.params["admin"]["aliases"]]
        with self._c.smtp("smtp") as session:
            session.sender("")
            for address in addresses:
                reply = session.recipient(address)
                if not reply.accepted:
                    raise Wrong(refusal_cause(reply, "recipient_refused"), f"{address}: {reply}")
        return ", ".join(addresses)

    def unknown(self) -> str:
        """``recipient.unknown``: one a run, the server counts them and bans."""
        address = f"tenantmail-nobody-{self._c.mark.rpartition(' ')[2]}@{self._c.domain}"
        with self._c.smtp("smtp") as session:
            session.sender("")
            reply = session.recipient(address)
        if reply.accepted:
            raise Wrong("recipient_accepted", f"{address}: {reply}")
        if reply.code != 550:
            raise Wrong(refusal_cause(reply, "submission_refused"), str(reply))
        return str(reply)

    # A message of the probe's own ---------------------------------------------------------------------------------------

    def delivered(self) -> str:
        """``message.delivered``: to the probe and, where there is one, to its group."""
        with self._submitting() as session:
            self._send(
                session, self._c.address, [self._c.address, *filter(None, [self._c.group])], f"{self._c.mark} self"
            )
        with self._c.mailbox() as box:
            own = f"{self._c.mark} self"
            found = probe_imap.wait_for(lambda: self._arrived(box, own), self._wait)
            if not found:
                raise self._missing(box)
        self._raw = found
        return f"{len(found)} octets in INBOX"

    def _arrived(self, box: probe_imap.Session, own: str) -> bytes:
        messages = list(box.find("INBOX", own).values())
        for raw in messages:
            text = _bounced(raw, self._c.address)
            if text:
                raise Wrong("over_quota" if "quota" in text.lower() else "bounced", text)
        return next((raw for raw in messages if not _is_report(raw)), b"")

    def _missing(self, box: probe_imap.Session) -> Wrong:
        for junk in JUNK:
            if box.find(junk, f"{self._c.mark} self"):
                return Wrong("spam_on", f"the message is in {junk}")
        return self._over_quota() or Wrong("not_delivered", f"not in INBOX after {self._wait:g} s")

    def _over_quota(self) -> t.Optional[Wrong]:
        found = self._c.server.fullness(self._c.address)
        if found is None or found[0] + ROOM <= found[1]:
            return None
        return Wrong("over_quota", f"{found[0]} of {found[1]} bytes are used", address=self._c.address)

    def dkim(self) -> str:
        """``message.dkim``"""
        received.require_libraries()
        self._signed = received.signatures(self._raw, self._c.published)
        own = [signature for signature in self._signed if signature.domain == self._c.domain]
        for signature in own:
            if signature.fault:
                raise Wrong("dkim_broken", f"{signature.algorithm} of selector {signature.selector}: {signature.fault}")
        missing = [kind for kind in _SIGN if kind not in {signature.key_type for signature in own}]
        if missing:
            found = ", ".join(signature.algorithm for signature in own) or "no signature"
            raise Wrong("unsigned", f"{found}; without {', '.join(missing)}")
        return ", ".join(f"{signature.algorithm} of {signature.selector}" for signature in own)

    def spf(self) -> str:
        """``message.spf``: as if the server had sent it from the address that is published for it."""
        received.require_libraries()
        address = self._c.port("submissions" if self._c.has("submissions") else "submission").address
        result, why = received.check_spf(self._c.published, address=address, sender=self._c.address, helo=self._c.host)
        if result != "pass":
            raise Wrong("spf_two" if "Two or more" in why else "spf_fails", f"{result} for {address}: {why}")
        self._spf_domain = self._c.domain
        return f"pass for {address}"

    def dmarc(self) -> str:
        """``message.dmarc``"""
        author = email.utils.parseaddr(_headers(self._raw).get("From", ""))[1].rpartition("@")[2]
        result, why = received.judge(self._c.published, author, spf=self._spf_domain, signed=self._signed)
        if result is None:
            raise Wrong("dmarc_fails", f"no policy applies: {why}")
        if not result.passed:
            raise Wrong(
                "dmarc_fails", f"nothing is aligned with {author}; the message is to be treated as {result.disposition}"
            )
        return f"pass by {' and '.join(result.aligned)}"

    def group(self) -> str:
        """``message.group``"""
        if not self._c.group:
            raise NotApplicable("there is no probe group")
        if self._group_reply is not None and not self._group_reply.accepted:
            raise Wrong("group_refuses_mail", f"{self._c.group}: {self._group_reply}", group=self._c.group)
        with self._c.mailbox() as box:
            inbox = self._group_inbox(box)
            found = probe_imap.wait_for(lambda: self._in_group(box, inbox), self._wait)
        if not found:
            raise Wrong("not_delivered", f"not in {inbox} after {self._wait:g} s")
        return f"in {inbox}"

    def _in_group(self, box: probe_imap.Session, inbox: str) -> bool:
        for raw in box.find("INBOX", f"{self._c.mark} self").values():
            text = _bounced(raw, self._c.group)
            if text:
                raise Wrong("group_refuses_mail", text, group=self._c.group)
        return bool(box.find(inbox, f"{self._c.mark} self"))

    def _group_inbox(self, box: probe_imap.Session) -> str:
        names = box.mailboxes()
        inbox = group_inbox(names, self._c.group)
        if inbox is None:
            raise Wrong("group_not_shared", f"mailboxes {', '.join(names)}", group=self._c.group)
        return inbox

    # A message from outside ---------------------------------------------------------------------------------------------

    def spam(self) -> str:
        """``message.spam``: what the filter thinks of it depends on rules that it fetches, that it looks does not."""
        wanted = bool(self._c.params["spam_filter"])
        mark = f"{self._c.mark} spam"
        with self._c.smtp("smtp") as session:
            try:
                self._send(session, OUTSIDE, [self._c.address], mark, GTUBE)
            except Wrong as exc:
                if "spam" not in exc.observed.lower():
                    raise
                return self._spam(True, wanted, f"refused ({exc.observed})")
        with self._c.mailbox() as box:
            found = probe_imap.wait_for(lambda: self._where(box, mark), self._wait)
            if found is None:
                raise self._over_quota() or Wrong("not_delivered", f"in no mailbox after {self._wait:g} s")
        place, raw = found
        judged = [name for name in _headers(raw) if name.lower().startswith("x-spam-")]
        return self._spam(
            place != "INBOX" or bool(judged), wanted, f"in {place}, {', '.join(judged) or 'without X-Spam headers'}"
        )

    def _where(self, box: probe_imap.Session, mark: str) -> t.Optional[tuple[str, bytes]]:
        for name in ("INBOX", *JUNK):
            for raw in box.find(name, mark).values():
                return name, raw
        return None

    @staticmethod
    def _spam(found: bool, wanted: bool, observed: str) -> str:
        if found != wanted:
            raise Wrong("spam_on" if found else "spam_off", f"the test message is {observed}")
        return f"the test message is {observed}"

    # ------------------------------------------------------------------------------------------------------------------

    def _submitting(self) -> Session:
        session = self._c.submission()
        reply = session.bearer(self._c.address, self._c.token)
        if not reply.accepted:
            session.close()
            raise Wrong(refusal_cause(reply, "token_refused"), str(reply))
        return session

    def _send(self, session: Session, sender: str, recipients: t.Sequence[str], mark: str, subject: str = "") -> None:
        """:raises Wrong: when the server does not take it. A group may be refused; its own check tells."""
        reply = session.sender(sender)
        if not reply.accepted:
            raise Wrong(refusal_cause(reply, "submission_refused"), f"MAIL FROM {sender}: {reply}")
        for address in recipients:
            reply = session.recipient(address)
            if address == self._c.group:
                self._group_reply = reply
            elif not reply.accepted:
                facts = {"address": self._c.address}
                raise Wrong(refusal_cause(reply, "submission_refused"), f"RCPT TO {address}: {reply}", **facts)
        self._sent = True
        reply = session.message(compose(sender, recipients, mark, self._c.domain, subject))
        if not reply.accepted:
            raise Wrong(refusal_cause(reply, "submission_refused"), f"DATA: {reply}", address=self._c.address)

    def remove(self) -> list[str]:
        """Remove this run's messages, and what earlier runs left; what went wrong, for warnings."""
        if not self._sent:
            return []
        try:
            with self._c.mailbox() as box:
                inbox = group_inbox(box.mailboxes(), self._c.group) if self._c.group else None
                yesterday = datetime.datetime.now(datetime.timezone.utc).date()
                for name in filter(None, ("INBOX", *JUNK, inbox)):
                    box.remove(name, [*box.find(name, self._c.mark), *box.old(name, (MARK, GTUBE), yesterday)])
        except (Wrong, Failure) as exc:
            return [f"the messages of {self._c.mark!r} could not be removed from {self._c.address}: {exc}"]
        return []


def compose(sender: str, recipients: t.Sequence[str], mark: str, domain: str, subject: str = "") -> bytes:
    """A message that holds a mark."""
    message = email.message.EmailMessage()
    message["From"] = sender
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject or mark
    message["Date"] = email.utils.format_datetime(datetime.datetime.now(datetime.timezone.utc))
    message["Message-ID"] = email.utils.make_msgid("tenantmail", domain)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{mark}\r\n\r\nThis proves that mail works. It is removed at once.\r\n")
    return message.as_bytes(policy=message.policy.clone(linesep="\r\n", max_line_length=200))


def group_inbox(names: t.Iterable[str], group: str) -> t.Optional[str]:
    """A group's INBOX among the names of all mailboxes: ``Shared Folders/<group>/INBOX``. Pure."""
    wanted = {group.lower(), group.partition("@")[0].lower()}
    for name in names:
        parts = name.replace("\\", "").split("/")
        if len(parts) > 1 and parts[-1].upper() == "INBOX" and parts[-2].lower() in wanted:
            return name
    return None


def _headers(raw: bytes) -> email.message.Message:
    return email.message_from_bytes(raw)


def _is_report(raw: bytes) -> bool:
    return _headers(raw).get_content_type() == "multipart/report"


def _bounced(raw: bytes, recipient: str) -> str:
    """What a delivery status notification (RFC 3464) says of a failed recipient; empty for anything else."""
    if not _is_report(raw):
        return ""
    for part in _headers(raw).walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for fields in t.cast("list[email.message.Message]", part.get_payload()):
            final = str(fields.get("Final-Recipient") or "").partition(";")[2].strip().lower()
            if final == recipient.lower() and str(fields.get("Action") or "").lower() in ("failed", "delayed"):
                return " ".join(str(fields.get("Diagnostic-Code") or fields.get("Status") or "no reason").split())
    return ""
