{{/* Generation 0.16: config.json is the store, all else is a setting in it. */}}

{{- define "stalwart.config-0.16" -}}
{{- $store := deepCopy .Values.store -}}
{{- if and (eq (get $store "@type") "RocksDb") (not (hasKey $store "path")) -}}
{{- $_ := set $store "path" "/var/lib/stalwart/" -}}
{{- else if and (eq (get $store "@type") "Sqlite") (not (hasKey $store "path")) -}}
{{- $_ := set $store "path" "/var/lib/stalwart/stalwart.sqlite3" -}}
{{- end -}}
{{- toPrettyJson $store -}}
{{- end -}}

{{- define "stalwart.files-0.16" -}}
config.json: |
  {{- include "stalwart.config-0.16" . | nindent 2 }}
{{- end -}}

{{- define "stalwart.boot-0.16" -}}
configPath: /etc/stalwart
dataPath: /var/lib/stalwart
args: [--config, /etc/stalwart/config.json]
env:
  - name: STALWART_RECOVERY_ADMIN
    value: {{ printf "%s:$(ADMIN_PASSWORD)" .Values.admin.username | quote }}
  {{- with include "stalwart.mailHost" . }}
  - name: STALWART_HOSTNAME
    value: {{ . | quote }}
  {{- end }}
  {{- with include "stalwart.webHost" . }}
  - name: STALWART_PUBLIC_URL
    value: {{ printf "https://%s" . | quote }}
  {{- end }}
  {{- if .Values.ca.bundle }}
  # SSL_CERT_FILE alone would replace the image's own roots; with the directory named too, both count.
  - name: SSL_CERT_FILE
    value: /etc/stalwart-ca/ca.crt
  - name: SSL_CERT_DIR
    value: /etc/ssl/certs
  {{- end }}
{{- end -}}
