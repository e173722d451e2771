{{/* Names and labels. Everything is named after the release: roles and Services of others find it by that. */}}

{{- define "stalwart.selectorLabels" -}}
app.kubernetes.io/name: stalwart
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: mail-server
{{- end -}}

{{- define "stalwart.labels" -}}
{{ include "stalwart.selectorLabels" . }}
app.kubernetes.io/version: {{ ternary .Chart.AppVersion .Values.generation (hasPrefix .Values.generation .Chart.AppVersion) | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "stalwart.mailHost" -}}
{{- with .Values.domain -}}
{{- if .mailHost -}}{{ .mailHost }}{{- else if .primary -}}mail.{{ .primary }}{{- end -}}
{{- end -}}
{{- end -}}

{{- define "stalwart.webHost" -}}
{{- .Values.domain.webHost | default (include "stalwart.mailHost" .) -}}
{{- end -}}

{{- define "stalwart.tlsSecret" -}}
{{- .Values.tls.secretName | default (printf "%s-tls" .Release.Name) -}}
{{- end -}}

{{- define "stalwart.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ with .tag }}:{{ . }}{{ end }}{{ with .digest }}@{{ . }}{{ end }}
{{- end -}}
{{- end -}}

{{/*
Of the generation, each in a file of its own (_config-<generation>.tpl): the configuration's text, the ConfigMap's files, and
how the container starts.
*/}}
{{- define "stalwart.config" -}}
{{- include (printf "stalwart.config-%s" .Values.generation) . -}}
{{- end -}}

{{- define "stalwart.files" -}}
{{- include (printf "stalwart.files-%s" .Values.generation) . -}}
{{- end -}}

{{- define "stalwart.boot" -}}
{{- include (printf "stalwart.boot-%s" .Values.generation) . -}}
{{- end -}}

{{/* Port of the realm URL: what it says, else the scheme's. */}}
{{- define "stalwart.realmPort" -}}
{{- $url := urlParse .Values.keycloak.realmURL -}}
{{- $port := regexFind ":[0-9]+$" (get $url "host") | trimPrefix ":" -}}
{{- $port | default (ternary "80" "443" (eq (get $url "scheme") "http")) -}}
{{- end -}}
