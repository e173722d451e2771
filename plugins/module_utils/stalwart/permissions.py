# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of permissions on both generations. Pure.

The canonical names are those of 0.16 (``emailReceive``); 0.15 spells most of them ``email-receive``. A few were split or
renamed, and what administers the server itself has nothing in common (contract of 0.15, appendix A).
"""

from __future__ import annotations

import re
import typing as t

#: Permissions of 0.15 that its role ``user`` does not have, then those that it has.
_ADMINISTRATION = """
    impersonate unlimited-requests unlimited-uploads delete-system-folders_ message-queue-list message-queue-get
    message-queue-update message-queue-delete outgoing-report-list outgoing-report-get outgoing-report-delete
    incoming-report-list incoming-report-get incoming-report-delete settings-list settings-update
    settings-delete settings-reload individual-list individual-get individual-update individual-delete
    individual-create group-list group-get group-update group-delete group-create domain-list domain-get
    domain-create domain-update domain-delete tenant-list tenant-get tenant-create tenant-update tenant-delete
    mailing-list-list mailing-list-get mailing-list-create mailing-list-update mailing-list-delete role-list
    role-get role-create role-update role-delete principal-list principal-get principal-create principal-update
    principal-delete blob-fetch purge-blob-store purge-data-store purge-in-memory-store purge-account
    fts-reindex undelete dkim-signature-create dkim-signature-get spam-filter-update webadmin-update logs-view
    spam-filter-train restart tracing-list tracing-get tracing-live metrics-list metrics-live api-key-list
    api-key-get api-key-create api-key-update api-key-delete oauth-client-list oauth-client-get
    oauth-client-create oauth-client-update oauth-client-delete oauth-client-registration oauth-client-override
    ai-model-interact troubleshoot spam-filter-test
"""
_USER = """
    authenticate authenticate-oauth email-send email-receive manage-encryption manage-passwords jmap-email-get
    jmap-mailbox-get jmap-thread-get jmap-identity-get jmap-email-submission-get jmap-push-subscription-get
    jmap-sieve-script-get jmap-vacation-response-get jmap-principal-get jmap-quota-get jmap-blob-get
    jmap-email-set jmap-mailbox-set jmap-identity-set jmap-email-submission-set jmap-push-subscription-set
    jmap-sieve-script-set jmap-vacation-response-set jmap-email-changes jmap-mailbox-changes jmap-thread-changes
    jmap-identity-changes jmap-email-submission-changes jmap-quota-changes jmap-email-copy jmap-blob-copy
    jmap-email-import jmap-email-parse jmap-email-query-changes jmap-mailbox-query-changes
    jmap-email-submission-query-changes jmap-sieve-script-query-changes jmap-principal-query-changes
    jmap-quota-query-changes jmap-email-query jmap-mailbox-query jmap-email-submission-query
    jmap-sieve-script-query jmap-principal-query jmap-quota-query jmap-search-snippet jmap-sieve-script-validate
    jmap-blob-lookup jmap-blob-upload jmap-echo imap-authenticate imap-acl-get imap-acl-set imap-my-rights
    imap-list-rights imap-append imap-capability imap-id imap-copy imap-move imap-create imap-delete imap-enable
    imap-expunge imap-fetch imap-idle imap-list imap-lsub imap-namespace imap-rename imap-search imap-sort
    imap-select imap-examine imap-status imap-store imap-subscribe imap-thread pop3-authenticate pop3-list
    pop3-uidl pop3-stat pop3-retr pop3-dele sieve-authenticate sieve-list-scripts sieve-set-active
    sieve-get-script sieve-put-script sieve-delete-script sieve-rename-script sieve-check-script
    sieve-have-space dav-sync-collection dav-expand-property dav-principal-acl dav-principal-list
    dav-principal-match dav-principal-search dav-principal-search-prop-set dav-file-prop-find
    dav-file-prop-patch dav-file-get dav-file-mk-col dav-file-delete dav-file-put dav-file-copy dav-file-move
    dav-file-lock dav-file-acl dav-card-prop-find dav-card-prop-patch dav-card-get dav-card-mk-col
    dav-card-delete dav-card-put dav-card-copy dav-card-move dav-card-lock dav-card-acl dav-card-query
    dav-card-multi-get dav-cal-prop-find dav-cal-prop-patch dav-cal-get dav-cal-mk-col dav-cal-delete
    dav-cal-put dav-cal-copy dav-cal-move dav-cal-lock dav-cal-acl dav-cal-query dav-cal-multi-get
    dav-cal-free-busy-query calendar-alarms calendar-scheduling-send calendar-scheduling-receive
    jmap-address-book-get jmap-address-book-set jmap-address-book-changes jmap-contact-card-get
    jmap-contact-card-changes jmap-contact-card-query jmap-contact-card-query-changes jmap-contact-card-set
    jmap-contact-card-copy jmap-contact-card-parse jmap-file-node-get jmap-file-node-set jmap-file-node-changes
    jmap-file-node-query jmap-file-node-query-changes jmap-principal-get-availability jmap-principal-changes
    jmap-share-notification-get jmap-share-notification-set jmap-share-notification-changes
    jmap-share-notification-query jmap-share-notification-query-changes jmap-calendar-get jmap-calendar-set
    jmap-calendar-changes jmap-calendar-event-get jmap-calendar-event-set jmap-calendar-event-changes
    jmap-calendar-event-query jmap-calendar-event-query-changes jmap-calendar-event-copy
    jmap-calendar-event-parse jmap-calendar-event-notification-get jmap-calendar-event-notification-set
    jmap-calendar-event-notification-changes jmap-calendar-event-notification-query
    jmap-calendar-event-notification-query-changes jmap-participant-identity-get jmap-participant-identity-set
    jmap-participant-identity-changes
"""
#: What 0.16 calls otherwise, or has split into several.
_RENAMED: dict[str, tuple[str, ...]] = {
    "jmap-search-snippet": ("jmapSearchSnippetGet",),
    "jmap-echo": ("jmapCoreEcho",),
    "calendar-alarms": ("calendarAlarmsSend",),
    "oauth-client-registration": ("oAuthClientRegistration",),
    "oauth-client-override": ("oAuthClientOverride",),
    "tracing-live": ("liveTracing",),
    "metrics-live": ("liveMetrics",),
    "blob-fetch": ("fetchAnyBlob",),
    "ai-model-interact": ("interactAi",),
}
#: How permissions look that only 0.16 has.
_ONLY_016 = re.compile(
    r"^(sys|action|task)[A-Z]|^(authenticateWithAlias|liveDeliveryTest|jmapFileNodeCopy)$|^jmapPrincipal(Create|Update|Destroy)$"
)


def _camel(name: str) -> str:
    head, *rest = name.split("-")
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def _canonical_of(name: str) -> tuple[str, ...]:
    if name in _RENAMED:
        return _RENAMED[name]
    if name.startswith("jmap-") and name.endswith("-set"):
        return tuple(_camel(name[: -len("set")] + verb) for verb in ("create", "update", "destroy"))
    return (_camel(name),)


#: Every permission of 0.15, with the canonical names that it stands for.
PERMISSIONS_015: dict[str, tuple[str, ...]] = {
    name: _canonical_of(name) for name in (*_ADMINISTRATION.split(), *_USER.split())
}
#: The permissions of 0.15's role ``user``.
USER_015 = frozenset(_USER.split())
#: Canonical names that 0.15 can express, alone or with their siblings.
CANONICAL_015 = frozenset(name for names in PERMISSIONS_015.values() for name in names)


def canonical(name: str) -> tuple[str, ...]:
    """The canonical names that a permission in either spelling stands for; one nobody knows is its own."""
    text = name.strip()
    if text in PERMISSIONS_015:
        return PERMISSIONS_015[text]
    return (_camel(text),)


def in_015(names: t.Iterable[str]) -> tuple[set[str], dict[str, str]]:
    """Canonical names in the spelling of 0.15.

    :returns: the names, and those canonical ones that it can only express together with others, with its own name.
    """
    wanted = set(names)
    found = {name for name, parts in PERMISSIONS_015.items() if wanted.issuperset(parts)}
    covered = {part for name in found for part in PERMISSIONS_015[name]}
    whole = {part: name for name, parts in PERMISSIONS_015.items() for part in parts}
    return found, {name: whole.get(name, "") for name in sorted(wanted - covered)}


def from_015(names: t.Iterable[str]) -> set[str]:
    """What a 0.15 server holds, in canonical names."""
    return {part for name in names for part in canonical(name)}


def only_on_other(name: str, generation: str) -> bool:
    """Whether a canonical name that this generation does not know belongs to the other one."""
    return name in CANONICAL_015 if generation == "0.16" else bool(_ONLY_016.match(name))
