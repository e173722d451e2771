{{/* The Job that configures the server from within the cluster. */}}

{{/* Not empty where there is a Job: without a domain there is nothing to configure. */}}
{{- define "stalwart.setupJob" -}}
{{- if and .Values.setupJob.enabled .Values.domain.primary -}}true{{- end -}}
{{- end -}}

{{- define "stalwart.setupSelectorLabels" -}}
app.kubernetes.io/name: stalwart
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: setup
{{- end -}}

{{- define "stalwart.setupImage" -}}
{{- with .Values.setupJob.image -}}
{{ .repository }}{{ with .tag | default (ternary "" $.Chart.Version (not (empty .digest))) }}:{{ . }}{{ end }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end -}}

{{/* The inventory: one tenant, derived from the same values as the release. */}}
{{- define "stalwart.setupInventory" -}}
{{- $dmarc := dict "policy" .Values.dns.dmarc.policy "rua" (.Values.dns.dmarc.rua | default nil) -}}
{{- $overlay := dict
  "generation" .Values.generation
  "domain" .Values.domain
  "keycloak" (pick .Values.keycloak "realmURL" "clientID")
  "admin" (pick .Values.admin "username")
  "spamFilter" .Values.spamFilter
  "dns" (dict "dmarc" $dmarc) -}}
{{- $password := printf "{{ lookup('ansible.builtin.file', '/etc/stalwart-admin/%s') }}" .Values.admin.externalSecret.remoteRef.property -}}
{{- $variables := dict
  "ansible_connection" "local"
  "ansible_python_interpreter" "{{ ansible_playbook_python }}"
  "tenant_server_only" true
  "tenant_verify" false
  "platform_proxy_networks" .Values.proxyProtocol.trustedNetworks
  "tenant_overlay" $overlay -}}
{{- with .Values.webAdmin.url -}}
{{- $_ := set $variables "tenant_chart_values" (dict "webAdmin" (dict "url" .)) -}}
{{- end -}}
{{- range $role := list "server_settings" "oidc_directory" "mailboxes" -}}
{{- $_ := set $variables (printf "%s_api_url" $role) (printf "http://%s-web.%s.svc:8080" $.Release.Name $.Release.Namespace) -}}
{{- $_ := set $variables (printf "%s_api_password" $role) $password -}}
{{- end -}}
{{- $_ := set $variables "server_settings_restart_kubernetes" (dict "namespace" .Release.Namespace "service" (printf "%s-web" .Release.Name)) -}}
{{- if or .Values.tls.secretName .Values.tls.certificate.enabled -}}
{{- $_ := set $variables "tenant_certificate_secret" (include "stalwart.tlsSecret" .) -}}
{{- end -}}
{{- $host := regexReplaceAll "[.].*$" .Values.domain.primary "" -}}
{{- $tenants := dict "hosts" (dict $host (merge dict .Values.setupJob.variables $variables)) -}}
{{- toYaml (dict "all" (dict "children" (dict "tenants" $tenants))) -}}
{{- end -}}
