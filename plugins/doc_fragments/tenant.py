# Copyright: (c) 2026, tenantmail contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The public inventory variables, as options of tenant_model."""

    DOCUMENTATION = r"""
options:
  platform_fqdn:
    description:
      - The platform's name. Every OpenBao path begins with C(sovereign/<platform_fqdn>).
      - Must be given.
    type: str
  platform_parent_domain:
    description: Parent of the free subdomains. O(platform_fqdn) where it is not given.
    type: str
  platform_openbao_url:
    description:
      - Base URL of OpenBao, without C(/v1).
      - Must be given.
    type: str
  platform_openbao_mount:
    description: Where the KV version 2 engine is mounted. V(secret) where it is not given.
    type: str
  platform_openbao_auth:
    description: How to log in to OpenBao. Only checked here, never part of the model.
    type: dict
    suboptions:
      method:
        description: The authentication method.
        type: str
        choices: [approle, token, kubernetes, jwt]
        required: true
      mount_point:
        description: Where the method is mounted.
        type: str
      role_id:
        description: Role ID for V(approle); name of the role for V(kubernetes) and V(jwt).
        type: str
      secret_id:
        description: Secret ID for V(approle).
        type: str
      token:
        description: Token for V(token).
        type: str
      jwt:
        description: JSON Web Token for V(kubernetes) and V(jwt).
        type: str
  platform_keycloak_auth:
    description:
      - How to log in to the admin API of the tenant's Keycloak, O(platform_keycloak_auth.username) with
        O(platform_keycloak_auth.password), or O(platform_keycloak_auth.client_id) with
        O(platform_keycloak_auth.client_secret).
      - Only checked here, never part of the model.
    type: dict
    suboptions:
      client_id:
        description: The client. C(admin-cli) where it is not given.
        type: str
      client_secret:
        description: The client's secret.
        type: str
      username:
        description: The user.
        type: str
      password:
        description: The user's password.
        type: str
  platform_keycloak_auth_realm:
    description: The realm to log in to. V(master) where it is not given.
    type: str
  platform_powerdns_url:
    description:
      - The PowerDNS API, with or without C(/api), C(/api/v1) or C(/api/v1/servers/<id>).
      - Must be given for a free subdomain.
    type: str
  platform_powerdns_api_key:
    description: The key of the PowerDNS API. Only checked here, never part of the model.
    type: str
  platform_powerdns_server_id:
    description: The server's id. The one in O(platform_powerdns_url), else V(localhost), where it is not given.
    type: str
  platform_powerdns_zone:
    description:
      - The zone that free subdomains are published in, O(platform_parent_domain) or a name above it.
      - O(platform_parent_domain) where it is not given.
    type: str
  platform_powerdns_nameservers:
    description: Addresses of the authoritative name servers to ask, with C(:port) where it is not 53.
    type: list
    elements: str
  platform_secret_store:
    description: The store of the External Secrets Operator.
    type: dict
    suboptions:
      kind:
        description: V(ClusterSecretStore) where it is not given.
        type: str
        choices: [ClusterSecretStore, SecretStore]
      name:
        description: V(openbao) where it is not given.
        type: str
  platform_gateway:
    description: The Gateway that the tenants' HTTPRoutes refer to. One of its listeners has to take the web host.
    type: dict
    suboptions:
      name:
        description: V(cilium-gateway) where it is not given.
        type: str
      namespace:
        description: V(kube-system) where it is not given.
        type: str
  platform_ca_file:
    description:
      - PEM file of a private certification authority on the controller, trusted besides the public ones.
      - A server of generation V(0.15) trusts public ones only.
    type: str
  platform_certificate_issuer:
    description:
      - The issuer of cert-manager that signs the certificates of the tenants' mail hosts.
      - Without one, or where the cluster has neither cert-manager nor this issuer, a certificate that is put into
        O(tenant_certificate_secret) is used, and else a self-signed one, which the tenant's line tells.
    type: dict
    suboptions:
      group:
        description: API group of the issuer. V(cert-manager.io) where it is not given.
        type: str
      kind:
        description: V(ClusterIssuer) where it is not given, or V(Issuer) for one in the tenant's namespace. Other groups have kinds of their own.
        type: str
      name:
        description: Its name; required.
        type: str
  platform_proxy_networks:
    description:
      - Networks of load balancers that send the PROXY protocol. Every connection from them has to begin with it.
      - A server takes them over when it starts.
    type: list
    elements: str
  platform_shared_mail_hosts:
    description: Host names of the platform's own mail servers. No tenant may take one of them.
    type: list
    elements: str
  platform_own_variables:
    description:
      - Names of variables of your own that begin with C(tenant_) or C(platform_) and nearly have the name of one of these, such
        as C(tenant_score). They are not taken for misspelt ones.
    type: list
    elements: str
  tenant_slug:
    description:
      - The tenant's short name, an RFC 1035 label of at most 40 characters.
      - O(host), which is the inventory host name in role P(tenantmail.stalwart.tenant#role), where it is not given.
    type: str
  tenant_display_name:
    description: The tenant's name for people, at most 255 characters. The slug where it is not given.
    type: str
  tenant_domain:
    description:
      - The mail domain; names in other scripts are turned into A-labels.
      - Must be given with O(tenant_domain_mode=byo). For a free subdomain it is C(<slug>.<platform_parent_domain>) where it is
        not given, and otherwise a name below O(platform_powerdns_zone).
    type: str
  tenant_domain_mode:
    description:
      - With V(free-subdomain) the platform publishes the domain's records; with V(byo) the tenant brings a domain and publishes
        them.
      - V(free-subdomain) where it is not given.
    type: str
    choices: [free-subdomain, byo]
  tenant_mail_host:
    description: Host name of the mail server. C(mail.<domain>) where it is not given.
    type: str
  tenant_web_host:
    description:
      - Host name of the web interface. The mail host where it is not given.
      - Must differ from the mail host when web and mail have different addresses.
    type: str
  tenant_realm_url:
    description:
      - The realm's URL, which is the issuer of its tokens and ends in C(/realms/<realm>).
      - C(https://keycloak.<slug>.<platform_parent_domain>/realms/sme-<slug>) where it is not given.
    type: str
  tenant_keycloak_admin_url:
    description: Base URL of Keycloak's admin API. The part of the realm URL before C(/realms/) where it is not given.
    type: str
  tenant_layers:
    description: The layers to manage; the others are only checked. All where it is not given.
    type: list
    elements: str
  tenant_realm_group_parent:
    description:
      - A group at the realm's top. The groups directly below it are mailboxes, and every group of the inventory is kept there.
      - Without it, groups are kept at the realm's top and only those that the inventory names are mailboxes.
    type: str
  tenant_public_client:
    description:
      - Whether the public client with PKCE for mail programs and the web interface is enabled. V(true) where it is not given.
    type: bool
  tenant_users:
    description:
      - Users of the tenant's realm. They are created once; a password that a user has chosen is never written.
    type: list
    elements: dict
    suboptions:
      username:
        description:
          - Name in lower case, at least 3 characters. The mailbox is C(<username>@<domain>). Must be given.
        type: str
      email:
        description:
          - The address of the user's mailbox, which follows from the name; no other one is accepted.
        type: str
      first_name:
        description:
          - First name. Must be given; without names Keycloak lets nobody log in.
        type: str
      last_name:
        description:
          - Last name. Must be given.
        type: str
      enabled:
        description:
          - Whether the user may log in. V(true) where it is not given.
        type: bool
      groups:
        description:
          - Groups whose member the user is. Membership of other groups of mailboxes is removed.
        type: list
        elements: str
      password:
        description:
          - Password for the first login, which asks for another one. Used when the user is created, never after.
        type: str
      required_actions:
        description:
          - What the user must do at the first login. Used when the user is created.
        type: list
        elements: str
  tenant_generation:
    description:
      - Stalwart's generation, V(0.16) where it is not given, or V(0.15).
      - It is chosen once. Neither reads the other's data, so a tenant with a server of the other one is refused.
      - A server of V(0.15) takes any token of the realm, whatever its audience and scopes, no groups from tokens, and only a
        realm whose certificate is of a public authority (or plain HTTP).
    type: str
  tenant_image:
    description: The server's image, C(repository:tag) with C(@sha256:<digest>) if wanted. The tag names the generation.
    type: str
  tenant_store:
    description:
      - The server's data store, a DataStore object of type V(RocksDb), as where it is not given, or V(Sqlite), in the tenant's
        volume.
      - For V(0.15) it is translated, as far as that generation has the same.
    type: dict
  tenant_kubernetes:
    description:
      - The tenant's cluster, in the connection options of collection kubernetes.core. Its C(K8S_AUTH_*) environment variables
        where it is not given.
      - The API key and the password are never part of the model.
    type: dict
    suboptions:
      kubeconfig:
        description: Path of a kubeconfig file.
        type: str
      context:
        description: Context in the kubeconfig.
        type: str
      host:
        description: URL of the API server.
        type: str
      api_key:
        description: Bearer token.
        type: str
      username:
        description: User for basic authentication.
        type: str
      password:
        description: Password for basic authentication.
        type: str
      validate_certs:
        description: Whether to verify the API server's certificate.
        type: bool
        aliases: [verify_ssl]
      ca_cert:
        description: PEM file of the API server's certification authority.
        type: str
        aliases: [ssl_ca_cert]
      client_cert:
        description: PEM file of a client certificate.
        type: str
        aliases: [cert_file]
      client_key:
        description: PEM file of the client certificate's key.
        type: str
        aliases: [key_file]
      proxy:
        description: URL of an HTTP proxy.
        type: str
      no_proxy:
        description: Hosts that are reached without the proxy.
        type: str
  tenant_namespace:
    description: The tenant's namespace. C(tenant-<slug>) where it is not given.
    type: str
  tenant_release:
    description: The Helm release. V(stalwart) where it is not given.
    type: str
  tenant_certificate_secret:
    description: Name of the Secret of type C(kubernetes.io/tls) with the server's certificate. C(<release>-tls) where it is not given.
    type: str
  tenant_resources:
    description:
      - The server's C(requests) and C(limits), laid on 100m CPU and 256Mi requested, and 1 CPU and 1Gi at most.
    type: dict
  tenant_storage:
    description:
      - C(size) of the volume (20Gi where it is not given), a Kubernetes quantity whose unit is needed (V(k), V(M), V(G), V(T), V(P),
        V(E), V(Ki), V(Mi), V(Gi), V(Ti), V(Pi) or V(Ei)), and its storage C(class) (the cluster's default).
      - The volume grows with the size where its class allows that; it never shrinks or changes its class.
    type: dict
  tenant_chart_values:
    description:
      - More values of the chart C(bp-stalwart-tenant), laid on those that the model derives. Values that follow from another
        variable are refused here.
    type: dict
  tenant_mail_addresses:
    description: Addresses of the mail host, in place of those of the Service (node addresses, NAT).
    type: list
    elements: str
  tenant_dns:
    description:
      - What the published records say. The keys are C(spf_policy) (C(-all), C(~all) or C(?all)), C(dmarc_policy) (C(reject),
        C(quarantine) or C(none)), C(dmarc_rua) (an address, C(dmarc@<domain>) where it is not given), C(ttl) in seconds (300),
        C(profile) (C(standard)) and C(dkim_delegation) (C(false)).
    type: dict
  tenant_relay:
    description:
      - The SMTP server that takes the tenant's outgoing mail. The keys are C(host) (required), C(port) (587), C(tls) (C(starttls),
        C(implicit) or C(none)), C(username), C(openbao_path) and C(openbao_property) of its password, C(signed_headers), which
        DKIM signatures cover, and C(spf), mechanisms of the SPF record that name the relay.
    type: dict
  tenant_spam_filter:
    description: Whether the spam filter is on. It needs DNS and HTTPS to the internet. Off where it is not given.
    type: bool
  tenant_settings:
    description:
      - More settings of the server, as in option O(tenantmail.stalwart.stalwart_settings#module:settings). Flat and nested
        keys may be mixed. Secrets are refused here; refer to an environment variable or a file.
    type: dict
  tenant_mailboxes:
    description:
      - The tenant's mailboxes, each as an item of O(tenantmail.stalwart.stalwart_principal#module:principals) of type C(individual),
        without a password. A bare local part stands for an address of the tenant's domain.
      - Mailboxes of O(tenant_mailboxes_file) come besides.
    type: list
    elements: dict
  tenant_groups:
    description: The tenant's shared mailboxes, likewise, of type C(group).
    type: list
    elements: dict
  tenant_lists:
    description: The tenant's mailing lists, likewise, of type C(list).
    type: list
    elements: dict
  tenant_mailboxes_file:
    description:
      - A file of further mailboxes on the controller, CSV with a header row or a YAML list (C(.csv), C(.yml), C(.yaml), C(.json)). A
        relative path begins at the inventory's folder. It may be encrypted with Ansible's vault.
      - The columns have the names of the options of C(tenant_mailboxes), C(name) among them; addresses within a cell are separated
        by blanks. Text is UTF-8; the delimiter is the one of the header row, a comma, a semicolon or a tab.
      - Every mistake is told with its row, as a spreadsheet counts them.
    type: str
  tenant_password_clients:
    description:
      - How programs log in that cannot do it with the realm's tokens. With V(app_passwords), the default, everybody makes app passwords
        for them; with V(none), nobody can, and those that exist are revoked.
      - With V(internal), the server checks logins by passwords of its own. The realm's tokens are refused then, so that
        O(tenant_verify) must be V(false).
    type: str
    choices: [app_passwords, internal, none]
  tenant_verify:
    description: Whether a probe mailbox, client and user exist and the run ends with role verify. V(true) where it is not given.
    type: bool
  tenant_overlay:
    description:
      - The values file of the original design, verbatim. A C(tenant_*) variable comes before it, a C(platform_*) variable
        after it. Unknown keys are refused.
    type: dict
  tenant_offline:
    description: Plan without any read. A credential may be empty then.
    type: bool
  tenant_server_only:
    description:
      - Derive what the mail server needs and nothing else, for a run that talks to no other back end (playbook
        C(configure_server)). Addresses and credentials of the others, and O(platform_fqdn), may be missing then.
    type: bool
"""
