# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every check of ``mail_probe``, and every cause a failed check can have: its layer, what it means, and the fix. Plain data.

``docs/verify.md`` is printed from here. Placeholders in hints: ``{provision}`` is the command that provisions this tenant,
``{publish}`` how its record sets get published, ``{domain}`` and ``{mail_host}`` its names; a check may add more.
"""

from __future__ import annotations

import typing as t


class About(t.NamedTuple):
    """:param layer: where to look first. :param proves: what a pass means."""

    layer: str
    proves: str


class Cause(t.NamedTuple):
    """:param means: what is wrong, for the documentation. :param hint: the fix."""

    layer: str
    means: str
    hint: str


CHECKS: dict[str, About] = {
    "dns.mx": About("dns", "the domain's only MX is the mail host"),
    "dns.address": About(
        "dns", "the mail host has the addresses of the tenant's server; every connection below goes there"
    ),
    "dns.spf": About("dns", "there is exactly one SPF record, and it is the tenant's"),
    "dns.dmarc": About("dns", "there is exactly one DMARC record, RFC 7489 accepts it, and it is the tenant's"),
    "dns.dkim": About("dns", "the key of every selector that the server signs with is published"),
    "server.admin": About("kubernetes", "the recovery administrator logs in with the secret of OpenBao"),
    "server.directory": About("stalwart", "the directory that the server runs is the tenant's realm"),
    "realm.issuer": About("keycloak", "the realm's discovery document names the realm URL as issuer"),
    "realm.clients": About("keycloak", "each client is enabled and has the secret that OpenBao holds"),
    "realm.audiences": About("keycloak", "tokens of the mail clients open mailboxes, tokens of the other apps do not"),
    "realm.groups": About("keycloak", "no group that the claim may name has the address of a user's mailbox"),
    "realm.mailboxes": About(
        "keycloak",
        "every user who is enabled in the realm has a mailbox, and every mailbox that is not suspended has a user",
    ),
    "token.probe": About("keycloak", "the probe gets a token whose claims are what the server asks for"),
    "token.foreign": About("keycloak", "another realm gives a token to try at this tenant's server"),
    "port.smtp": About("mail", "port 25 greets in time, and with the mail host's name"),
    "port.submissions": About("mail", "port 465 speaks TLS at once and greets in time, with the mail host's name"),
    "port.submission": About(
        "mail",
        "port 587 greets in time with the mail host's name, speaks TLS after STARTTLS, and takes no password before it",
    ),
    "port.imaps": About("mail", "port 993 speaks TLS at once and greets in time"),
    "port.imap": About("mail", "port 143 greets in time and speaks TLS after STARTTLS"),
    "certificate": About(
        "mail",
        "every port serves a certificate of the mail host, after STARTTLS, too, which is trusted and for its name, or is known to be self-signed",
    ),
    "network.policy": About(
        "kubernetes",
        "the pod is under default deny both ways; everybody reaches its mail ports, and its web ports only who is configured",
    ),
    "login.jmap": About("stalwart", "the probe's token opens its mailbox by JMAP"),
    "login.smtp": About("stalwart", "the probe's token is accepted for submission"),
    "login.imap": About("stalwart", "the probe's token opens its mailbox by IMAP"),
    "foreign.jmap": About("stalwart", "a token of another realm is refused by JMAP"),
    "foreign.smtp": About("stalwart", "a token of another realm is refused by SMTP"),
    "foreign.imap": About("stalwart", "a token of another realm is refused by IMAP"),
    "refused.audience": About("stalwart", "a token without the server's audience is refused"),
    "refused.groups": About("stalwart", "a token without the scope groups is refused"),
    "refused.expired": About("stalwart", "an expired token is refused"),
    "sender.admin": About("stalwart", "the administrator's account may send as postmaster"),
    "sender.other": About("stalwart", "another account may not send as postmaster"),
    "recipient.promised": About("stalwart", "the addresses that RFC 2142 and the records promise take mail"),
    "recipient.unknown": About("stalwart", "mail to an address that does not exist is refused"),
    "message.delivered": About("mail", "a message that the probe sends to itself arrives"),
    "message.dkim": About("dns", "its DKIM signatures, one for each type of key, verify with the published keys"),
    "message.spf": About("dns", "SPF passes for the address that DNS publishes"),
    "message.dmarc": About("dns", "a receiver computes a DMARC pass"),
    "message.group": About("stalwart", "a message to the probe's group reaches its member"),
    "message.spam": About("stalwart", "the spam filter is on or off as configured"),
}

_REALM = "Run {provision} --tags realm."
_PUBLISH = "{publish}"

CAUSES: dict[str, Cause] = {
    # dns
    "dns_silent": Cause(
        "dns",
        "a name server does not answer",
        "Check platform_powerdns_nameservers, and that they answer on port 53 by UDP and TCP.",
    ),
    "dns_differs": Cause(
        "dns",
        "name servers disagree",
        "The zone's transfer to a name server fails or is late: look at that server's log; notify it (pdns_control notify {domain}).",
    ),
    "mx_missing": Cause("dns", "the domain has no MX", _PUBLISH),
    "mx_other": Cause("dns", "the domain's MX leads elsewhere", _PUBLISH + " Remove every other MX of {domain}."),
    "address_missing": Cause("dns", "the mail host has no address", _PUBLISH),
    "address_other": Cause(
        "dns",
        "the mail host's address is another host's",
        _PUBLISH + " If the published address is right, correct tenant_mail_addresses.",
    ),
    "spf_missing": Cause("dns", "the domain has no SPF record", _PUBLISH),
    "spf_two": Cause(
        "dns",
        "the domain has several SPF records, which is a permanent error (RFC 7208 section 4.5)",
        "Merge the SPF records (TXT beginning with v=spf1) of {domain} into one, then: " + _PUBLISH,
    ),
    "spf_other": Cause("dns", "the SPF record is another one", _PUBLISH),
    "dmarc_missing": Cause("dns", "the domain has no DMARC record", _PUBLISH),
    "dmarc_two": Cause(
        "dns",
        "there are several DMARC records, so none counts (RFC 7489 section 6.6.3)",
        "Remove every TXT record of _dmarc.{domain} but the tenant's, then: " + _PUBLISH,
    ),
    "dmarc_syntax": Cause("dns", "the DMARC record breaks RFC 7489 section 6.3 and is ignored", _PUBLISH),
    "dmarc_other": Cause("dns", "the DMARC record is another one", _PUBLISH),
    "dkim_missing": Cause("dns", "a key that the server signs with is not published", _PUBLISH),
    "dkim_stale": Cause("dns", "another key is published than the server signs with", _PUBLISH),
    "dkim_none": Cause(
        "stalwart",
        "the server has no DKIM key for the domain",
        "Run {provision} --tags server_settings,dns_records; the server makes its keys some seconds after the domain.",
    ),
    # keycloak
    "realm_missing": Cause("keycloak", "the realm does not exist", _REALM),
    "issuer_changed": Cause(
        "keycloak",
        "the realm names another issuer than the inventory",
        "Set Keycloak's hostname (or the realm's frontend URL) back to the realm URL, or tenant_realm_url to the new issuer and run "
        "{provision} --tags realm,oidc_directory.",
    ),
    "client_missing": Cause("keycloak", "a client does not exist", _REALM),
    "client_disabled": Cause("keycloak", "a client is disabled", _REALM),
    "client_secret_differs": Cause(
        "keycloak",
        "a client's secret is not the one in OpenBao",
        "Somebody rotated it in Keycloak or in OpenBao: run {provision} --tags secrets,realm,chart, which takes OpenBao's "
        "(with -e realm_secret_source=keycloak, Keycloak's).",
    ),
    "direct_grant_off": Cause("keycloak", "the probe client may not use passwords (direct access grants)", _REALM),
    "audience_missing": Cause(
        "keycloak", "tokens lack the server's audience: the audience mapper is missing or wrong", _REALM
    ),
    "audience_leaks": Cause(
        "keycloak", "another app's tokens carry the server's audience and so open mailboxes", _REALM
    ),
    "scope_missing": Cause("keycloak", "the realm or the probe client lacks a client scope", _REALM),
    "groups_missing": Cause("keycloak", "tokens carry no groups claim: the groups mapper is missing", _REALM),
    "groups_full_path": Cause(
        "keycloak",
        "the groups claim has full paths (/a/b), which are no addresses",
        "In Keycloak delete the mapper (type Group Membership, full path on) that writes the claim groups, in the client scope groups or in "
        "the client; {provision} --tags realm keeps the mapper that belongs there.",
    ),
    "group_collides": Cause(
        "keycloak",
        "a group has the name of a user's mailbox, so its members cannot log in",
        "Rename the Keycloak group {group} and run {provision} --tags realm, which sets its attribute tenantmail_group; or rename the "
        "mailbox. A token that lists the group is refused as a whole.",
    ),
    "probe_not_in_group": Cause("keycloak", "the probe is not a member of its group", _REALM),
    "username_other": Cause("keycloak", "the token is for another user name than the probe's mailbox", _REALM),
    "email_other": Cause(
        "keycloak",
        "the token's e-mail is not the probe's address: at each login 0.15 makes that the mailbox's address",
        _REALM,
    ),
    "token_not_yet_valid": Cause(
        "keycloak",
        "the token's nbf lies in the future",
        "Remove the mapper that sets nbf from the client or its scopes in Keycloak, and compare the clocks of Keycloak, controller and nodes (NTP).",
    ),
    "token_expired": Cause(
        "keycloak",
        "a fresh token has expired already",
        "Compare the clocks of Keycloak and controller (NTP), and the realm's access token lifespan.",
    ),
    "probe_user_missing": Cause("keycloak", "the probe user does not exist", _REALM),
    "probe_password_differs": Cause(
        "keycloak",
        "the probe's password is not the one in OpenBao",
        "Run {provision} --tags secrets,realm, which sets OpenBao's.",
    ),
    "probe_locked_out": Cause(
        "keycloak",
        "brute-force detection has locked the probe user",
        "Wait until it ends, or unlock the user {username} in Keycloak (realm {realm}, Users, Unlock); the events tell who tried.",
    ),
    "probe_disabled": Cause("keycloak", "the probe user is disabled", _REALM),
    "probe_incomplete": Cause("keycloak", "the probe user has a required action, or lacks e-mail or names", _REALM),
    "login_refused": Cause(
        "keycloak",
        "Keycloak refuses the probe for another reason",
        "Look at the realm's events; then run {provision} --tags realm.",
    ),
    "user_without_mailbox": Cause(
        "keycloak",
        "a user of the realm has no mailbox: mail to it is refused until its first login",
        "Add the mailbox to tenant_mailboxes and run {provision} --tags mailboxes; or remove the user from the realm, or disable it "
        "(in tenant_users, enabled: false, and {provision} --tags realm). Where users without a mailbox are meant to be, name "
        "realm.mailboxes in verify_warn.",
    ),
    "mailbox_without_user": Cause(
        "keycloak",
        "a mailbox has no user in the realm: nobody can log in to it",
        "Add the user to the realm (tenant_users; {provision} --tags realm), suspend or remove the mailbox (state in tenant_mailboxes; "
        "{provision} --tags mailboxes), or list it in verify_mailboxes_without_user.",
    ),
    # kubernetes
    "secret_unsynced": Cause(
        "kubernetes",
        "the cluster's Secret is not what OpenBao holds",
        "Run {provision} --tags chart: it makes External Secrets fetch OpenBao's value and restarts the pod.",
    ),
    "secret_missing": Cause("kubernetes", "the Secret does not exist", "Run {provision} --tags chart."),
    "pod_outdated": Cause(
        "kubernetes",
        "OpenBao and the Secret agree, but the pod runs with an older value",
        "Run {provision} --tags chart: it restarts the pod with the Secret's value.",
    ),
    "admin_refused": Cause(
        "stalwart",
        "the server refuses the recovery administrator's secret",
        "Compare STALWART_RECOVERY_ADMIN of the server with the secret in OpenBao; run {provision} --tags secrets,chart.",
    ),
    "port_closed": Cause(
        "kubernetes",
        "nothing listens on the port at the published address",
        "Run {provision} --tags chart,server_settings: the Service, the NetworkPolicy or the server's listener lacks port {port}; or the load "
        "balancer comes by the nodes' ports (service.allocateLoadBalancerNodePorts in tenant_chart_values).",
    ),
    "port_silent": Cause(
        "kubernetes",
        "the connection gets no answer",
        "A firewall, the NetworkPolicy or the load balancer drops port {port}: run {provision} --tags chart, then look at what is in between. "
        "One that comes by the nodes' ports needs service.allocateLoadBalancerNodePorts: true in tenant_chart_values.",
    ),
    "policy_missing": Cause(
        "kubernetes",
        "no NetworkPolicy selects the server's pod, so everybody in the cluster reaches it, or it reaches everybody",
        "Run {provision} --tags chart: it writes the release's NetworkPolicies again.",
    ),
    "policy_changed": Cause(
        "kubernetes",
        "the release's own NetworkPolicy opens more than the chart does",
        "Run {provision} --tags chart: it sets the NetworkPolicy {policy} right. Who has to reach the web port belongs in "
        "tenant_chart_values, networkPolicy.webFrom.",
    ),
    "policy_opens": Cause(
        "kubernetes",
        "somebody's NetworkPolicy opens what the release's ones keep shut",
        "Remove it (kubectl delete networkpolicy {policy} --namespace {namespace}), or let it not select the mail server's pod; who has to "
        "reach the web port belongs in tenant_chart_values, networkPolicy.webFrom.",
    ),
    "policy_closed": Cause(
        "kubernetes",
        "no NetworkPolicy opens a mail port",
        "Run {provision} --tags chart: it writes the release's NetworkPolicies again.",
    ),
    # stalwart
    "banned": Cause(
        "stalwart",
        "the server has blocked an address and closes its connections at once",
        "Remove {blocked} from the server's blocked addresses (stalwart_settings, blockedIp, state: absent: README, One task for one "
        "tenant), and let it know the controller for good: tenant_settings, allowedIp, and {provision} --tags server_settings.",
    ),
    "closed_at_once": Cause(
        "stalwart",
        "the port accepts the connection and closes it without a greeting",
        "Something in front (load balancer, proxy protocol) has no server behind it, or the server stops; look at the pod's log.",
    ),
    "directory_internal": Cause(
        "stalwart",
        "the server runs its internal directory: the realm was down when the pod started, or the reload was never done",
        "Run {provision} --tags oidc_directory: it reloads the directory.",
    ),
    "directory_other": Cause(
        "stalwart",
        "the server runs another issuer's directory",
        "Run {provision} --tags oidc_directory: it sets the realm and reloads.",
    ),
    "token_refused": Cause(
        "stalwart",
        "the server refuses a token that is right",
        "Run {provision} --tags oidc_directory. If it stays so, the server cannot reach the realm's keys (look at its log), or the "
        "realm's keys were rotated less than 5 minutes ago.",
    ),
    "login_forbidden": Cause(
        "stalwart",
        "the account may not use this protocol, or is suspended",
        "Run {provision} --tags mailboxes: it resumes the probe's mailbox and sets its role.",
    ),
    "mailbox_missing": Cause(
        "stalwart", "the probe's mailbox does not exist or is another account's", "Run {provision} --tags mailboxes."
    ),
    "foreign_accepted": Cause(
        "stalwart",
        "the server accepts another realm's token",
        "Stop mail for this tenant and run {provision} --tags oidc_directory: the directory's issuer is not the tenant's realm.",
    ),
    "audience_not_required": Cause(
        "stalwart",
        "the server accepts a token without its audience",
        "Run {provision} --tags oidc_directory: it sets requireAudience.",
    ),
    "groups_not_required": Cause(
        "stalwart",
        "the server accepts a token without the scope groups",
        "Run {provision} --tags oidc_directory: it sets requireScopes.",
    ),
    "expired_accepted": Cause(
        "stalwart", "the server accepts an expired token", "Compare the clocks of the node and of Keycloak (NTP)."
    ),
    "sender_refused": Cause(
        "stalwart",
        "the account may not send as an address that is its own",
        "Run {provision} --tags admin_principal: it gives postmaster@{domain} and the sender rule to the administrator's account.",
    ),
    "sender_open": Cause(
        "stalwart",
        "an account may send as an address that is not its own",
        "Run {provision} --tags server_settings,admin_principal: the sender rule (mustMatchSender) is off or lists too much.",
    ),
    "recipient_refused": Cause(
        "stalwart",
        "an address that must take mail is refused",
        "Run {provision} --tags admin_principal,mailboxes: an account with this address is missing.",
    ),
    "recipient_accepted": Cause(
        "stalwart",
        "mail to an unknown address is accepted",
        "Remove the catch-all address of {domain} from the server, or relaying for it.",
    ),
    "group_refuses_mail": Cause(
        "stalwart",
        "the group takes no mail (permission emailReceive)",
        "Run {provision} --tags mailboxes: it gives the group the permission to receive.",
    ),
    "group_not_shared": Cause(
        "stalwart",
        "the group's mailbox does not show up for its member",
        "Run {provision} --tags realm,mailboxes: the claim groups and the group {group} must name the same.",
    ),
    "spam_on": Cause(
        "stalwart",
        "the spam filter acts although tenant_spam_filter is false",
        "Run {provision} --tags server_settings.",
    ),
    "spam_off": Cause(
        "stalwart",
        "the spam filter does not act although tenant_spam_filter is true",
        "Run {provision} --tags server_settings.",
    ),
    "unsigned": Cause(
        "stalwart",
        "the server does not sign with every key type",
        "Run {provision} --tags server_settings,dns_records: an active key of each type is needed.",
    ),
    # mail
    "greeting_slow": Cause(
        "mail",
        "the server greets late",
        "The server waits before it greets: check the resolvers that its pod uses, its load, and mtaStageConnect for a script or hook that waits.",
    ),
    "greeting_refused": Cause(
        "mail",
        "the server greets with a refusal",
        "Read what it says; 421 stands for too many connections or a shutdown.",
    ),
    "other_host": Cause(
        "dns",
        "another host answers at the published address",
        _PUBLISH + " If the address is right, run {provision} --tags server_settings, which sets the host name.",
    ),
    "no_starttls": Cause(
        "mail",
        "the port offers no STARTTLS",
        "Give the server a certificate, and its listener TLS ({provision} --tags server_settings).",
    ),
    "passwords_in_clear": Cause(
        "stalwart",
        "the port takes passwords before TLS is on, for everybody on the way to read",
        "Set mtaStageAuth.saslMechanisms in tenant_settings so that it gives PLAIN and LOGIN with is_tls only, as the server does by itself, and "
        "run {provision} --tags server_settings.",
    ),
    "no_tls": Cause(
        "mail",
        "the port does not speak TLS",
        "Run {provision} --tags server_settings: the listener needs implicit TLS; or something in front ends TLS.",
    ),
    "certificate_other_name": Cause(
        "mail",
        "the certificate is for another name",
        "Name an issuer (platform_certificate_issuer), or put a certificate for {mail_host} into the Secret of tenant_certificate_secret.",
    ),
    "certificate_expired": Cause(
        "mail",
        "the certificate has expired or is not valid yet",
        "Run {provision} --tags server_settings: where the Secret is newer than what is served, the server reads it (schedule that run). Else "
        "renew the certificate of {mail_host} in its Secret first; with an issuer, kubectl describe certificate tells why it has not.",
    ),
    "certificate_untrusted": Cause(
        "mail",
        "the certificate's issuer is not trusted",
        "Where intermediate certificates are missing in the Secret, put them behind {mail_host}'s own and run {provision} --tags "
        "server_settings. For a private CA, give its root in platform_ca_file; otherwise use a public certificate.",
    ),
    "certificate_self_signed": Cause(
        "mail",
        "the certificate is self-signed although an issuer is configured",
        "Run {provision} --tags chart,server_settings: its line tells why none has been issued for {mail_host} yet, or serves it.",
    ),
    "over_quota": Cause(
        "mail",
        "the probe's mailbox is over its quota",
        "Run {provision} --tags mailboxes: it takes the quota from the mailbox {address}. Where none is set, delete what is in it.",
    ),
    "rate_limited": Cause(
        "mail",
        "the server's limit of messages or connections is used up",
        "Wait an hour (25 messages per hour for each sender's domain and recipient by default), or raise mtaInboundThrottle.",
    ),
    "submission_refused": Cause("mail", "the server refuses the message", "Read what it says; the pod's log has more."),
    "not_delivered": Cause(
        "mail",
        "the message was accepted, but did not arrive in time",
        "Look at the server's queue and log: delivery hangs, or is put off (a full disk, an overloaded pod).",
    ),
    "bounced": Cause(
        "mail", "the message was accepted and came back", "Read the bounce's text; the account cannot take mail."
    ),
    "dkim_broken": Cause(
        "dns",
        "a DKIM signature does not verify with the published key",
        _PUBLISH + " It publishes the keys that the server signs with now.",
    ),
    "spf_fails": Cause("dns", "SPF does not pass for the mail host's address", _PUBLISH),
    "dmarc_fails": Cause("dns", "neither SPF nor DKIM passes in alignment with the domain", _PUBLISH),
    "no_such_command": Cause(
        "mail", "the server does not offer what the check needs", "Check the server's version and listeners."
    ),
    "defect": Cause(
        "inventory", "the check itself failed", "The collection does not know this failure; please report it."
    ),
}
