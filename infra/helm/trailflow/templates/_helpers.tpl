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

{{- define "trailflow.labels" -}}
{{ include "trailflow.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "trailflow.serviceAccountName" -}}
{{- .Values.serviceAccount.name | default (ternary (include "trailflow.fullname" .) "default" .Values.serviceAccount.create) -}}
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
