{{- define "trailflow.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "trailflow.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "trailflow.commonLabels" -}}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "trailflow.labels" -}}
{{ include "trailflow.selectorLabels" . }}
{{ include "trailflow.commonLabels" . }}
{{- end -}}

{{- define "trailflow.compaction.fullname" -}}
{{- printf "%s-compact" (include "trailflow.fullname" . | trunc 44 | trimSuffix "-") -}}
{{- end -}}

{{- /* Another name than the workers': no Service, monitor, budget or policy of theirs may select these pods. */ -}}
{{- define "trailflow.compaction.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-compact
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "trailflow.compaction.labels" -}}
{{ include "trailflow.compaction.selectorLabels" . }}
{{ include "trailflow.commonLabels" . }}
{{- end -}}

{{- define "trailflow.compaction.serviceAccountName" -}}
{{- .Values.compaction.serviceAccount.name | default (include "trailflow.compaction.fullname" .) -}}
{{- end -}}

{{- define "trailflow.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "trailflow.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "trailflow.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "trailflow.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: ["ALL"]
{{- end -}}

{{- define "trailflow.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* All that is missing, in one message: a pod that starts without a queue only fails later. */ -}}
{{- define "trailflow.validate" -}}
{{- $missing := list -}}
{{- if not .Values.config.source.queue_url -}}
{{- $missing = append $missing "config.source.queue_url (the URL of the SQS queue)" -}}
{{- end -}}
{{- if not .Values.config.source.buckets -}}
{{- $missing = append $missing "config.source.buckets (the log buckets that may be read)" -}}
{{- end -}}
{{- if not .Values.config.lake.url -}}
{{- $missing = append $missing "config.lake.url (s3://bucket of the lake)" -}}
{{- end -}}
{{- if and .Values.keda.enabled (not .Values.config.aws.region) -}}
{{- $missing = append $missing "config.aws.region (KEDA asks the queue there)" -}}
{{- end -}}
{{- if $missing -}}
{{- fail (printf "trailflow: set %s" (join ", " $missing)) -}}
{{- end -}}
{{- if and .Values.compaction.enabled (eq (include "trailflow.compaction.serviceAccountName" .) (include "trailflow.serviceAccountName" .)) -}}
{{- fail "trailflow: compaction.serviceAccount must be another than serviceAccount: the workers could delete the lake's rows otherwise" -}}
{{- end -}}
{{- if and .Values.config.signals.directory (include "trailflow.signalTables" . | fromJsonArray) -}}
{{- fail "trailflow: set config.signals.directory (signals of the image) or signals (mounted ones), not both" -}}
{{- end -}}
{{- end -}}

{{- /* Where signals of `signals` are mounted: not below the configuration, where nothing can be mounted. */ -}}
{{- define "trailflow.signalsDirectory" -}}
/etc/trailflow-signals
{{- end -}}

{{- /* The tables that `signals` has files for, as JSON. */ -}}
{{- define "trailflow.signalTables" -}}
{{- $tables := keys .Values.signals.configMaps -}}
{{- range $path, $text := .Values.signals.files -}}
{{- $tables = append $tables (dir $path) -}}
{{- end -}}
{{- $tables | uniq | sortAlpha | toJson -}}
{{- end -}}

{{- /* The key of a signal in the chart's ConfigMap: a key holds no slash, and a table no dot. */ -}}
{{- define "trailflow.signalKey" -}}
{{- replace "/" "." . -}}
{{- end -}}

{{- /* Where `compact` writes what does not fit into memory; the image has the folder too, for ECS. */ -}}
{{- define "trailflow.spillDirectory" -}}
/var/spool/trailflow
{{- end -}}

{{- /* What every pod may call. */ -}}
{{- define "trailflow.egress" -}}
# DNS
- ports:
    - port: 53
      protocol: UDP
    - port: 53
      protocol: TCP
# S3, STS and for workers SQS: their addresses change, so only the port is named.
- ports:
    - port: 443
      protocol: TCP
# The EKS Pod Identity agent, on the node's own addresses.
- to:
    - ipBlock:
        cidr: 169.254.170.23/32
    - ipBlock:
        cidr: fd00:ec2::23/128
  ports:
    - port: 80
      protocol: TCP
{{- end -}}

{{- define "trailflow.signalMounts" -}}
{{- range include "trailflow.signalTables" . | fromJsonArray }}
- name: signals-{{ . | replace "_" "-" }}
  mountPath: {{ include "trailflow.signalsDirectory" $ }}/{{ . }}
  readOnly: true
{{- end }}
{{- end -}}

{{- define "trailflow.signalVolumes" -}}
{{- range $table := include "trailflow.signalTables" . | fromJsonArray }}
- name: signals-{{ $table | replace "_" "-" }}
  projected:
    sources:
      {{- with get $.Values.signals.configMaps $table }}
      - configMap:
          name: {{ . }}
      {{- end }}
      {{- $items := list }}
      {{- range $path := keys $.Values.signals.files | sortAlpha }}
      {{- if eq $table (dir $path) }}
      {{- $items = append $items (dict "key" (include "trailflow.signalKey" $path) "path" (base $path)) }}
      {{- end }}
      {{- end }}
      {{- with $items }}
      # Last, and so before one of the same name above.
      - configMap:
          name: {{ include "trailflow.fullname" $ }}-signals
          items:
            {{- toYaml . | nindent 12 }}
      {{- end }}
{{- end }}
{{- end -}}

{{- /* One TOML value. JSON's strings are TOML's; numbers of the configuration are all whole. */ -}}
{{- define "trailflow.tomlValue" -}}
{{- if kindIs "string" . -}}
{{- toJson . -}}
{{- else if kindIs "bool" . -}}
{{- . -}}
{{- else if kindIs "slice" . -}}
[{{ range $i, $item := . }}{{ if $i }}, {{ end }}{{ include "trailflow.tomlValue" $item }}{{ end }}]
{{- else if kindIs "map" . -}}
{ {{ range $i, $key := keys . | sortAlpha }}{{ if $i }}, {{ end }}{{ $key }} = {{ include "trailflow.tomlValue" (get $ $key) }}{{ end }} }
{{- else -}}
{{- int64 . -}}
{{- end -}}
{{- end -}}

{{- define "trailflow.toml" -}}
{{- $config := .Values.config }}
{{- if include "trailflow.signalTables" . | fromJsonArray }}
{{- $config = merge (dict "signals" (dict "directory" (include "trailflow.signalsDirectory" .))) $config }}
{{- end }}
{{- range $section := keys $config | sortAlpha }}
{{- $table := get $config $section }}
{{- if $table }}
[{{ $section }}]
{{- range $key := keys $table | sortAlpha }}
{{ $key }} = {{ include "trailflow.tomlValue" (get $table $key) }}
{{- end }}
{{ end }}
{{- end }}
{{- end -}}
