# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stalwart_principal
short_description: Manage mailboxes, groups and mailing lists of a Stalwart mail server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Makes any number of individuals, groups and mailing lists what the task says. Options that are not given, and principals
    that are not named, are not touched, unless O(managed_by) says so.
  - An individual is a mailbox of a person. A group is a mailbox that its members share. A list has no mailbox; it passes mail on.
    Stalwart calls all three principals.
  - A principal is its address, and its domain must exist on the server, see M(tenantmail.stalwart.stalwart_settings). In check
    mode a missing domain is only a warning, because an earlier task would have created it.
  - Everything is checked before the first write. An address that somebody else holds is a failure that names the holder.
  - All changes take effect at once, for mail and for logins.
  - The same principals can be given to servers of both generations. What a generation cannot express is refused with the code
    V(unsupported_by_generation); where the generations differ, the options below say so.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.stalwart
  - tenantmail.stalwart.stalwart.writing
attributes:
  idempotent:
    support: partial
    details: On 0.16, passwords are written on every run with O(update_secrets=always), because they cannot be read back. On 0.15 they
      are compared with the stored hash.
options:
  principals:
    description:
      - The principals. Their order does not matter, and they may refer to each other.
      - A server takes a thousand of them in one task.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The address, such as V(alice@acme.omantel.test). Upper case is written in lower case, as the server does.
          - It is what tells principals apart, so it cannot be changed. To rename somebody, give the new address as O(principals[].name)
            of a new principal, or add it to O(principals[].aliases).
          - On 0.15, it is the first of the principal's addresses.
        type: str
        required: true
      type:
        description:
          - V(individual) is a mailbox that a person logs in to, V(group) a mailbox that its members share, V(list) passes mail on
            to its members.
          - It cannot be changed once the principal exists.
        type: str
        choices: [individual, group, list]
        default: individual
      state:
        description:
          - V(suspended) is an individual that cannot log in, neither with tokens nor with app passwords, while its mail is still
            accepted. V(present) lets it log in again.
          - Not given, it is V(present), so a suspended individual that is named without a state may log in again.
          - An individual that does not exist is created by V(suspended), too, and a warning names the nearest that does, for a
            misspelt address locks nobody out.
          - V(absent) removes it together with its mail, and with its rows of O(principals[].send_as). Its addresses may go to others
            in the same task.
        type: str
        choices: [present, absent, suspended]
        default: present
      description:
        description:
          - Name for display, such as V(Alice Al-Harthy).
          - Where logins are checked by an OIDC directory that reads a name claim, every login overwrites an individual's, so it is
            then written on creation only.
        type: str
      aliases:
        description:
          - All further addresses, such as V([postmaster@acme.omantel.test]). Addresses that are not among them are taken away.
          - An alias may move from one principal to another within one task, two may swap theirs, and an alias may become a new principal.
          - On 0.16, an alias that somebody has disabled on the server stays as it is; naming it enables it.
        type: list
        elements: str
      members:
        description:
          - All members. Those of a group are addresses of individuals, such as V([alice@acme.omantel.test]); those of a list are any
            addresses, here or elsewhere.
          - A member of a list that is an address of this server and nobody's is only a warning.
          - On 0.15, a list takes outside members below V(.test) and other private endings only when it is created.
        type: list
        elements: str
      member_of:
        description:
          - All groups of an individual, by address, such as V([sales@acme.omantel.test]). Given at both ends, it must agree with
            O(principals[].members).
        type: list
        elements: str
      members_from_claims:
        description:
          - Whether the issuer's groups claim, not this task, says who is in a group. On 0.16, every login whose token has that claim
            sets the groups of the account to what it says.
          - With V(true) on a group, its O(principals[].members) are given to individuals that the task creates, so that the group works
            before their first login. With V(true) on an individual, the same holds for its O(principals[].member_of). Memberships of
            individuals that exist are left alone.
          - Without it, memberships are kept as given, and a warning is returned where a groups claim would undo them.
          - 0.15 knows no groups claim, so that memberships are kept as given there whatever this says.
        type: bool
        default: false
      roles:
        description:
          - V(user) or V(admin) for an individual, V(default) for a group, or names of roles of the server.
          - Not given, a new individual gets V(user) and a new group V(default).
          - On 0.15, V(tenant-admin) is known, too, and the roles of a group can be set when it is created only.
        type: list
        elements: str
      quota:
        description:
          - Space of the mailbox in bytes, or a size such as V(5G) or V(500M), of 1024 each; V(0) takes the limit away.
        type: raw
      locale:
        description: Language and region, such as V(en_US) or V(ar_OM).
        type: str
      enabled_permissions:
        description:
          - Permissions beyond those of the roles, such as V([impersonate]). Those that are not among them are taken away.
          - The names of both generations are accepted on both, V(emailReceive) as well as V(email-receive), and translated. Where
            0.15 has one permission for several of 0.16 (V(jmap-email-set) for V(jmapEmailCreate), V(jmapEmailUpdate) and
            V(jmapEmailDestroy)), all of them must be given.
          - Nobody can grant permissions that the credential of the task does not have.
        type: list
        elements: str
      disabled_permissions:
        description:
          - Permissions that are taken away, whatever the roles say, such as V([emailSend]).
          - For V(authenticate), say O(principals[].state=suspended); for V(emailReceive), O(principals[].receive_mail=false).
        type: list
        elements: str
      receive_mail:
        description:
          - Whether mail to the principal is accepted. A group always receives mail unless this is V(false), also on 0.15, where a
            group that was made without any role or permission bounces its mail with C(550 5.5.0).
          - Not given, an individual's permission to receive is not touched.
        type: bool
      send_as:
        description:
          - All addresses that an individual may use as the envelope's sender beside its own, such as V([noreply@shop.test]);
            V(*@shop.test) stands for all addresses of a domain. Its own address, its aliases and those of its groups need not be given.
          - The envelope's sender is the address that the sending program gives the server and that bounces go to (C(MAIL FROM)), not
            the one in the letter's head.
          - Writes a row of the server's lookup table C(sender-allow) for each of them, removes the other rows of this account, and makes
            the server's rule ask that table unless it does. Whatever else the rule says is kept. A row is C(<account>:<sender>) on 0.16
            and C(<account>|<sender>) on 0.15.
          - Where M(tenantmail.stalwart.stalwart_settings) sets the same rule, it leaves this part of it alone, and an export gives it
            as this option.
          - On 0.16, the rule is C(MtaStageAuth.mustMatchSender). On 0.15, it is C(session.auth.must-match-sender), and it holds for SMTP
            only, for JMAP takes no sender that is not the account's own.
        type: list
        elements: str
      login_name:
        description:
          - On 0.15, what the server calls the account, which need not be its address there; a password or an app password is used with
            this name. Where logins are checked by an OIDC directory, it must be the value of the claim that the directory takes for the
            name, such as V(alice) for C(preferred_username).
          - Not given, an account keeps its name. A new one is called by its address; where an OIDC directory takes the name from a claim
            of its own, by the part of the address before the C(@), unless that is taken.
          - On 0.16, an account's name is its address, so that this is ignored.
        type: str
      password:
        description:
          - Password of an individual, at least 8 characters; written as O(update_secrets) says.
          - Refused where logins are checked by an external directory, because the server takes no passwords then. A mail program that
            cannot log in there uses an app password, which the account's owner makes.
          - On 0.15, where the server would store it as it is, it is hashed before it is sent (PBKDF2 with SHA-512).
        type: str
      confirm_data_loss:
        description: Allows O(principals[].state=absent) to remove a mailbox that holds mail.
        type: bool
        default: false
  managed_by:
    description:
      - Name of the inventory that the principals come from, such as V(mailboxes). Principals that the task names are marked with it on
        the server, and what happens to those that have the mark but are not named any more, O(disappeared) says.
      - The marks are rows of a lookup table of this collection's own on 0.16, and a URN among a principal's URLs on 0.15. They cost no
        request. Principals without the mark, such as those that a login has made, are left alone unless O(exclusive) is set.
    type: str
  disappeared:
    description:
      - What becomes of principals with the mark of O(managed_by) that the task does not name.
      - V(suspend) suspends individuals. Groups and lists, which nobody logs in to, stay as they are, with a warning.
      - V(absent) removes them. A mailbox that holds mail is refused; name it with O(principals[].state=absent) and
        O(principals[].confirm_data_loss=true).
      - V(keep) leaves them as they are and takes their mark away.
    type: str
    choices: [suspend, absent, keep]
    default: suspend
  disappeared_max:
    description:
      - Fail before anything is written when O(disappeared) and O(exclusive) would suspend or remove more principals than this at once.
        Half of an exported file is a valid one.
      - Not given, any number is accepted.
    type: int
  exclusive:
    description:
      - Individuals without the mark of O(managed_by) that the task does not name are suspended, too, those included that a login has
        made. They are never removed.
      - Administrators, the account of O(api_username) and those in O(spare) are not among them; neither are groups and lists.
    type: bool
    default: false
  spare:
    description: Addresses that neither O(disappeared) nor O(exclusive) concerns, such as those that another task keeps.
    type: list
    elements: str
    default: []
notes:
  - A server of 0.15 takes 100 requests a minute from an address that uses O(api_token), and one request per changed principal. For
    many principals use O(api_username), or allow-list the controller.
seealso:
  - module: tenantmail.stalwart.stalwart_info
  - module: tenantmail.stalwart.stalwart_settings
"""

EXAMPLES = r"""
- name: Create the administrator's mailbox with the addresses that RFC 2142 asks for
  tenantmail.stalwart.stalwart_principal:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    principals:
      - name: admin@acme.omantel.test
        roles: [user]
        aliases: [postmaster@acme.omantel.test, abuse@acme.omantel.test]

- name: Create a shared mailbox with two members, and a list
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: sales@acme.omantel.test
        type: group
        description: Sales
        members: [alice@acme.omantel.test, bob@acme.omantel.test]
      - name: alice@acme.omantel.test
        description: Alice Al-Harthy
        quota: 5368709120
        locale: ar_OM
      - name: bob@acme.omantel.test
      - name: news@acme.omantel.test
        type: list
        members: [alice@acme.omantel.test, press@elsewhere.test]

- name: Leave it to the issuer who is in the groups
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: sales@acme.omantel.test
        type: group
        members: [carol@acme.omantel.test]
        members_from_claims: true
      - name: carol@acme.omantel.test

- name: Lock somebody out while mail keeps coming in
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: bob@acme.omantel.test
        state: suspended

- name: Let the shop send as its no-reply address, and as anybody of the newsletter's domain, but receive nothing
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: shop@acme.omantel.test
        send_as: [noreply@shop.test, "*@news.shop.test"]
        receive_mail: false
        disabled_permissions: [imapAuthenticate, pop3Authenticate]

- name: Give an account of a 0.15 server the name that the realm's claim says, and help-desk staff more rights
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: alice@acme.omantel.test
        login_name: alice.h
        enabled_permissions: [impersonate]

- name: Set a password, and change it when the inventory does, where the server itself checks logins
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    update_secrets: always
    principals:
      - name: scanner@acme.omantel.test
        password: "{{ scanner_password }}"

- name: Keep all people of an inventory, and suspend whoever is not in it any more
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    managed_by: people
    principals: "{{ people }}"

- name: Take somebody's alias over, and remove a mailbox with the mail in it
  tenantmail.stalwart.stalwart_principal:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    principals:
      - name: alice@acme.omantel.test
        aliases: [info@acme.omantel.test]
      - name: dave@acme.omantel.test
        aliases: []
      - name: bob@acme.omantel.test
        state: absent
        confirm_data_loss: true
"""

RETURN = r"""
principals:
  description: The principals of the option as the server holds them now, with their managed and unmanaged options.
  type: list
  elements: dict
  returned: success
  sample:
    - name: admin@acme.omantel.test
      type: individual
      state: present
      aliases: [abuse@acme.omantel.test, postmaster@acme.omantel.test]
disappeared:
  description: Principals that are marked as those of O(managed_by) and are not named any more, whatever became of them.
  type: list
  elements: dict
  returned: success
  sample:
    - name: dave@acme.omantel.test
      type: individual
changes:
  description: What was changed or, in check mode, would be.
  type: list
  elements: dict
  returned: success
  contains:
    action:
      description: V(create), V(update) or V(delete).
      type: str
    kind:
      description: V(individual), V(group) or V(list); C(mark) for the mark of O(managed_by) alone; C(sender rule) for the rule
        behind O(principals[].send_as), and C(running settings) for a reload that an earlier run did not come to.
      type: str
    key:
      description: The address, or what the change is about.
      type: str
  sample:
    - action: create
      kind: individual
      key: admin@acme.omantel.test
diff:
  description: For each changed principal the options that differ, before and after, with secrets masked.
  type: list
  elements: dict
  returned: success
unvalidated:
  description: Whether names of permissions and locales could not be checked because no schema is at hand, with O(server=absent).
  type: bool
  returned: success
generation:
  description: The server's API family.
  type: str
  returned: success
  sample: "0.16"
schema_hash:
  description: Hash of the server's schema, which names its version's vocabulary.
  type: str
  returned: success
probe:
  description: What the server was found to be, for the option O(probe) of later tasks of the same run; V(null) where no server was asked.
  type: dict
  returned: success
  sample:
    server: http://stalwart-web.tenant-acme
    generation: "0.16"
    schema_hash: 25gnm1_xB9bPk-puX9VTFMP1W5V-1muUWuK964-_uEw
requests:
  description: HTTP requests that were made.
  type: int
  returned: success
  sample: 2
failure:
  description: What went wrong. Its keys are C(layer), C(code), C(message), C(hint), C(tenant), C(request) and, for several problems
    at once, C(details).
  type: dict
  returned: failure
  sample:
    layer: stalwart
    code: conflict
    message: "principals[0] info@acme.omantel.test: the address info@acme.omantel.test is an alias of the individual admin@acme.omantel.test."
    hint: Nothing was written.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.kubernetes.connection import inline_secrets
from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import PRINCIPAL_SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.principal_task import run


def main() -> None:
    """Entry point."""
    run_module(PRINCIPAL_SPEC, run, secrets=inline_secrets)


if __name__ == "__main__":
    main()
