{{/*
Generation 0.15: config.toml is mounted read-only, so it holds what the server has to know before it opens its store, and
config.local-keys name exactly that. Every other key, directories and the default directory among them, is the store's,
where the settings API can write it. Without a default directory the server starts and lets the fallback administrator in,
who writes one.
*/}}

{{- define "stalwart.config-0.15" -}}
{{- with include "stalwart.mailHost" . -}}
server.hostname = {{ toRawJson . }}
{{ end -}}
{{- with include "stalwart.webHost" . -}}
http.url = {{ printf "'https://%s'" . | toRawJson }}
{{ end -}}
{{- with .Values.proxyProtocol.trustedNetworks -}}
server.proxy.trusted-networks = {{ toRawJson . }}
{{ end -}}
{{- $listeners := list
  (dict "id" "smtp" "protocol" "smtp" "port" 25)
  (dict "id" "submissions" "protocol" "smtp" "port" 465 "tls" true)
  (dict "id" "submission" "protocol" "smtp" "port" 587)
  (dict "id" "imap" "protocol" "imap" "port" 143)
  (dict "id" "imaptls" "protocol" "imap" "port" 993 "tls" true)
  (dict "id" "http" "protocol" "http" "port" 8080)
  (dict "id" "https" "protocol" "http" "port" 443 "tls" true) }}
{{- range $listener := $listeners }}
[server.listener.{{ $listener.id }}]
protocol = {{ toRawJson $listener.protocol }}
bind = {{ printf "[::]:%d" (int $listener.port) | toRawJson }}
tls.implicit = {{ $listener.tls | default false }}
{{ end }}
[store.data]
{{ include "stalwart.store-0.15" . }}
[storage]
data = "data"
blob = "data"
fts = "data"
lookup = "data"

[directory.internal]
type = "internal"
store = "data"

[tracer.stdout]
type = "stdout"
level = "info"
ansi = false
enable = true

[authentication.fallback-admin]
user = {{ toRawJson .Values.admin.username }}
secret = "%{env:ADMIN_PASSWORD}%"
{{- if not .Values.spamFilter.enabled }}

# Else a first start fetches rules, for a minute where nothing answers, and without any it resets queues at each start.
[spam-filter]
resource = "file:///opt/stalwart/etc/spam-filter.toml"
{{- end }}

# A file that is not there costs a line in the log; the archive is fetched as long as there is none.
[webadmin]
resource = {{ .Values.webAdmin.url | default "file:///opt/stalwart/etc/no-webadmin.zip" | toRawJson }}
{{- with include "stalwart.tlsSecret-0.15" . }}

# Of {{ . }}. Read again at each reload, so that a renewal needs no restart.
[certificate.default]
cert = "%{file:/etc/stalwart-tls/tls.crt}%"
private-key = "%{file:/etc/stalwart-tls/tls.key}%"
default = true
{{- end }}

[config]
local-keys = [
  "store.*", "storage.data", "storage.blob", "storage.fts", "storage.lookup", "directory.internal.*",
  "server.hostname", "server.listener.*", "server.proxy.*", "http.url", "tracer.stdout.*",
  "authentication.fallback-admin.*", "webadmin.resource"
  {{- if not .Values.spamFilter.enabled }}, "spam-filter.resource"{{ end }}
  {{- if include "stalwart.tlsSecret-0.15" . }}, "certificate.default.*"{{ end }}
]
{{- end -}}

{{/*
The Secret of which the server reads its certificate, where one is asked for. The server starts without it, but a file
that is named and missing makes it refuse every reload, so that files of a Secret which nobody makes are not named.
*/}}
{{- define "stalwart.tlsSecret-0.15" -}}
{{- $tls := get .Values "tls" | default dict -}}
{{- if or (get $tls "secretName") (dig "certificate" "enabled" false $tls) -}}
{{- get $tls "secretName" | default (printf "%s-tls" .Release.Name) -}}
{{- end -}}
{{- end -}}

{{/* A DataStore object of 0.16 in the words of 0.15; what these cannot say ends the rendering. */}}
{{- define "stalwart.store-0.15" -}}
{{- $type := get .Values.store "@type" -}}
{{- $file := dict "path" "path" "poolWorkers" "pool.workers" -}}
{{- $known := dict
  "RocksDb" (dict "type" "rocksdb" "defaults" (dict "path" "/opt/stalwart/data")
    "keys" (merge (dict "blobSize" "min-blob-size" "bufferSize" "write-buffer-size") $file))
  "Sqlite" (dict "type" "sqlite" "defaults" (dict "path" "/opt/stalwart/stalwart.sqlite3")
    "keys" (merge (dict "poolMaxConnections" "pool.max-connections") $file)) -}}
{{- $entry := get $known $type -}}
{{- $given := merge (omit .Values.store "@type") $entry.defaults -}}
type = {{ toRawJson $entry.type }}
{{ range $name := keys $given | sortAlpha -}}
{{- $value := get $given $name -}}
{{- if not (hasKey $entry.keys $name) -}}
{{- fail (printf "store.%s: generation 0.15 has nothing like it for a %s store (accepted: %s)." $name $type (keys $entry.keys | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $key := get $entry.keys $name -}}
{{- if kindIs "float64" $value -}}
{{ $key }} = {{ int64 $value }}
{{ else if not (kindIs "invalid" $value) -}}
{{ $key }} = {{ toRawJson $value }}
{{ end -}}
{{- end -}}
{{- end -}}

{{- define "stalwart.files-0.15" -}}
config.toml: |
  {{- include "stalwart.config-0.15" . | nindent 2 }}
{{- if not .Values.spamFilter.enabled }}
# No rules, of the first version that the server takes; any published one follows it.
spam-filter.toml: |
  version.spam-filter = "0.0.1"
  version.server = "0.15.0"
{{- end }}
{{- end -}}

{{- define "stalwart.boot-0.15" -}}
configPath: /opt/stalwart/etc
dataPath: /opt/stalwart
# Past the image's entrypoint: without a configuration that would make one, with a password of its own.
command: [/usr/local/bin/stalwart]
args: [--config, /opt/stalwart/etc/config.toml]
env: []
{{- end -}}
