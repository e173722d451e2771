# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: stalwart_settings
short_description: Manage the settings of a Stalwart mail server
version_added: 0.1.0
author: tenantmail contributors (@tenantmail)
description:
  - Makes any number of settings of one server what the task says. What is not mentioned is not touched, in a nested object as
    little as among the objects.
  - The same settings work on both generations. On 0.16, types, access rules and names come from the server's own schema. On
    0.15, a table translates the names to that generation's keys and back; it is published as
    U(https://github.com/tenantmail/stalwart/blob/main/docs/vocabulary-0.15.md).
  - Unknown keys, wrong types, values that an enumeration does not have, references to nothing and expressions that cannot be
    right (a single C(=), say) are refused before any write, with the nearest valid names. So is everything that 0.15 cannot
    express, all of it at once, with the code V(unsupported_by_generation).
  - Writes are followed by the reload, by which a server takes over what is stored. On 0.15, a trial reload comes first, for any wrong key there,
    of whomever, blocks every reload. If the server stores the settings but
    refuses to run them, the task fails with the code V(reload_refused), naming the object and the reason, and the next run
    repeats the reload.
  - After writing, everything is read back and compared again. Where C(authentication.directoryId) or a C(directory) is
    managed, the directory that the server really runs is compared, too. A server that was started while its issuer was down is found
    and healed, and that is reported as a change.
extends_documentation_fragment:
  - tenantmail.stalwart.attributes
  - tenantmail.stalwart.stalwart
  - tenantmail.stalwart.stalwart.writing
attributes:
  idempotent:
    support: partial
    details: With O(update_secrets=always), secrets are written on every run.
options:
  settings:
    description:
      - The settings, in the vocabulary of Stalwart 0.16 (see O(vocabulary)), nested or with dotted keys; both forms can be mixed.
      - Names are those of Stalwart's own schema. An unknown one is refused with the nearest that exist. For the usual things see
        U(https://github.com/tenantmail/stalwart/blob/main/docs/settings-by-task.md); what both generations know is listed in
        U(https://github.com/tenantmail/stalwart/blob/main/docs/vocabulary-0.15.md), whose names are called canonical.
      - "B(Where a setting stands.) The first level is a singleton, settings that are there once (V(systemSettings)), or an object type
        (V(directory)). Below an object type comes the object's label, by which settings call it, then its properties. A label that
        contains dots needs the nested form."
      - >-
        B(How objects are found.) An object that has a natural name is found by it (a domain or an MTA route by its C(name), an
        allowed address by its C(address)), others by their C(description). The label stands for it unless the properties give another value.
      - Labels put together from several properties are C(<selector>._domainkey.<domain>) for V(dkimSignature) and
        C(<namespace>:<key>) for V(memoryLookupKey). A V(tracer) is found by its C(@type).
      - A V(certificate) is found by its C(certificate), an V(alert) by its C(condition); their labels are free. A renewed certificate
        is another object; the old one stays until it expires, unless O(exclusive) names the type.
      - >-
        B(References.) A property that refers to another object takes that object's label, be it on the server already or in the same task.
      - >-
        B(Values.) Sets and lists are YAML lists; the order of a set never counts. Objects with variants carry C(@type). Durations are
        milliseconds, or texts such as V(5s), V(10m), V(1h), V(30d). V(null) clears a property that may be empty; as a whole object
        (C(blockedIp.203.0.113.9), nested) it means one without properties, which is created. To remove one, see O(state=absent).
      - >-
        B(Expressions) are small programs that the server evaluates for each message or session; a text, or a mapping with C(match) (a
        list of C(if) and C(then)) and C(else). A C(match) or an C(else) that is left out keeps what the server has.
      - >-
        B(Secrets) of 0.16 have a variant, C({"@type": Value, secret: ...}); a plain text is taken for that, on both generations.
      - A C(blockedIp) takes no C(reason) on 0.15 but V(manual); on 0.16 it is one of the server's own words.
      - The issuer of a C(directory) must be reachable at each reload of 0.16, which fetches its discovery document; 0.15 does not ask it.
      - V(storage.directory) is another name of V(authentication.directoryId).
      - Members that are left out of a list's items are not compared.
      - On 0.15, a C(domain) also means its signing keys, RSA and Ed25519, which 0.16 makes by itself. The C(issuerUrl) of a
        C(directory) becomes the address of the realm's userinfo endpoint, with Keycloak's path.
      - On 0.15, keys that the server keeps in its config.toml (see C(config.local-keys) there) are compared; where they differ,
        the task fails with the code V(conflict) and names what the file must hold.
    type: dict
    required: true
  vocabulary:
    description:
      - Whose names O(settings) and O(exclusive) have. With V(native), they are the keys of the server's own generation.
      - On 0.15, that is its flat keys, nested or dotted. A list becomes C(key.0000), C(key.0001) and so on; an expression is a
        text, a mapping with C(match) and C(else), or a list of mappings; V(null) removes the key.
      - On 0.16, both are the same.
    type: str
    choices: [canonical, native]
    default: canonical
  on_unsupported:
    description:
      - What to do with settings of which the table says that 0.15 has no counterpart, such as C(requireAudience) of a
        C(directory). With V(report), the task does the rest, warns, and lists them as RV(unsupported).
      - They have no effect on such a server. Mind what that means for access, as with the audience of tokens.
      - Names that the table does not know are refused in any case.
    type: str
    choices: [fail, report]
    default: fail
  wait_certificate:
    description:
      - Seconds to wait until the server can read the file that a V(certificate) names. 0.16 reads it when the setting is written, and
        refuses the setting otherwise. What is new in a Secret reaches a running pod within about a minute.
      - The task fails with the code V(invalid_value), as without waiting, if the file does not come.
      - 0.15 reads its files when it is told to, see M(tenantmail.stalwart.stalwart_certificate); nothing is waited for there.
    type: float
    default: 0
    version_added: 0.2.0
  state:
    description:
      - With V(absent), an object without properties is removed, a property with the value V(null) goes back to its default, a
        list removes these members from a set, and a mapping removes these keys from a map.
      - An object that others still refer to is not removed; the failure names them.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Prefixes under which O(settings) is all there is. Below an object type (V(directory)) all other objects are removed;
        below a singleton (V(http)) or an object (V(domain.example.org)) all other properties go back to their defaults; below a
        map (V(systemSettings.services)) all other keys are removed.
      - An example is V([allowedIp, mtaRoute]), which removes all other allowed addresses and routes.
      - On 0.15, the server and its rules write lookup entries, spam rules and blocked addresses of their own; prefixes as short
        as V(lookup) or V(spam-filter) are refused.
    type: list
    elements: str
    default: []
notes:
  - Accounts and mailing lists are managed by M(tenantmail.stalwart.stalwart_principal).
  - A change of listeners or stores takes effect at the server's next start, see RV(restart_required).
  - Between a write and the success of its reload, the server holds an object C(memoryLookupKey) in the namespace
    C(tenantmail-pending), one of 0.15 the key C(tenantmail.pending); neither has an effect. It is how a run that was refused or
    interrupted is completed by the next one.
  - What 0.15 runs cannot be asked for. There, RV(running_issuer) is what is stored, unless a reload is owed.
seealso:
  - module: tenantmail.stalwart.stalwart_info
  - module: tenantmail.stalwart.stalwart_principal
"""

EXAMPLES = r"""
- name: Name the server and switch the spam filter off
  tenantmail.stalwart.stalwart_settings:
    kubernetes:
      namespace: tenant-acme
      service: stalwart-web
    api_username: admin
    api_password: "{{ admin_password }}"
    settings:
      domain:
        acme.omantel.test: {}
      systemSettings.defaultHostname: mail.acme.omantel.test
      systemSettings.defaultDomainId: acme.omantel.test
      spamSettings.enable: false
      spamPyzor.enable: false

- name: Let Keycloak check the logins
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    settings:
      directory:
        keycloak:
          "@type": Oidc
          description: Per-tenant Keycloak (acme.omantel.test)
          issuerUrl: https://keycloak.acme.omantel.test/realms/sme-acme
          claimGroups: groups
          requireScopes: [openid, email, profile, groups]
          usernameDomain: acme.omantel.test
      authentication.directoryId: keycloak

- name: Let one account send from any address (for single addresses, see send_as of stalwart_principal)
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    settings:
      mtaStageAuth:
        mustMatchSender:
          match:
            - if: "authenticated_as == 'newsletter@acme.omantel.test'"
              then: "false"
          else: "true"

- name: Send all mail through a relay that wants a password
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    settings:
      mtaRoute:
        relay:
          "@type": Relay
          address: smtp.provider.test
          port: 587
          protocol: smtp
          authUsername: acme
          authSecret:
            "@type": Value
            secret: "{{ relay_password }}"
      mtaOutboundStrategy.route: "'relay'"

- name: Block an address, and let nobody ban the cluster
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    settings:
      blockedIp:
        203.0.113.9: {}
      allowedIp:
        10.42.0.0/16:
          reason: the cluster's network

- name: The same directory on whichever generation the server has
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_username: admin
    api_password: "{{ admin_password }}"
    on_unsupported: report
    settings:
      directory:
        keycloak:
          "@type": Oidc
          issuerUrl: https://keycloak.acme.omantel.test/realms/sme-acme
          claimUsername: preferred_username
          requireAudience: stalwart
      authentication.directoryId: keycloak

- name: Use keys of 0.15 that have no other name
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_username: admin
    api_password: "{{ admin_password }}"
    vocabulary: native
    settings:
      queue.limiter.inbound.sender.enable: false
      session.rcpt.sub-addressing: true

- name: Remove an MTA route
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    state: absent
    settings:
      mtaRoute.smarthost: {}

- name: Allow exactly one address
  tenantmail.stalwart.stalwart_settings:
    api_url: https://mail.acme.omantel.test
    api_token: "{{ api_key }}"
    exclusive: [allowedIp]
    settings:
      allowedIp:
        192.0.2.10:
          reason: the controller
"""

RETURN = r"""
settings:
  description: The managed settings as the server holds them now, nested, with secrets masked.
  type: dict
  returned: success
  sample:
    spamSettings:
      enable: false
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
      description:
        - The object's type, V(native) for a key of O(vocabulary=native).
        - V(running directory) and V(running settings) stand for a reload of what is stored already.
      type: str
    key:
      description: The object's label.
      type: str
  sample:
    - action: create
      kind: domain
      key: acme.omantel.test
diff:
  description: For each changed object the properties that differ, before and after, with secrets masked.
  type: list
  elements: dict
  returned: success
restart_required:
  description: Types of changed objects that take effect at the server's next start only.
  type: list
  elements: str
  returned: success
  sample: [networkListener]
running_issuer:
  description:
    - Issuer of the directory that the server runs; empty for the internal one.
    - V(null) when neither C(authentication.directoryId) nor a C(directory) is managed.
  type: str
  returned: success
  sample: https://keycloak.acme.omantel.test/realms/sme-acme
unsupported:
  description: Settings that the server's generation cannot express, with O(on_unsupported=report).
  type: list
  elements: dict
  returned: success
  contains:
    key:
      description: The setting.
      type: str
    why:
      description: Why it has no counterpart.
      type: str
  sample:
    - key: directory.keycloak.requireAudience
      why: "0.15 asks the userinfo endpoint and checks no claim: every token that it accepts logs in"
unvalidated:
  description: Whether names and types could not be checked because no schema is at hand, with O(server=absent).
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
  sample: 25gnm1_xB9bPk-puX9VTFMP1W5V-1muUWuK964-_uEw
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
    code: invalid_value
    message: "settings: directory.keycloak.issuerURL: unknown property of Oidc; did you mean 'issuerUrl'?"
    hint: Nothing was written.
    tenant: acme
    request: null
"""

from ansible_collections.tenantmail.stalwart.plugins.module_utils.shell import run_module
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.argspec import SETTINGS_SPEC
from ansible_collections.tenantmail.stalwart.plugins.module_utils.stalwart.settings_task import run, secrets


def main() -> None:
    """Entry point."""
    run_module(SETTINGS_SPEC, run, secrets=secrets)


if __name__ == "__main__":
    main()
