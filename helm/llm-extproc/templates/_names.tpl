{{/* Names, labels and the numbers that more than one file needs. */}}

{{- define "llm-extproc.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* Short enough for every suffix of ours within 63 characters. */}}
{{- define "llm-extproc.fullname" -}}
{{- $name := include "llm-extproc.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "llm-extproc.selector" -}}
app.kubernetes.io/name: {{ include "llm-extproc.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "llm-extproc.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "llm-extproc.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "llm-extproc.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "llm-extproc.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "llm-extproc.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* A claim for each replica needs a StatefulSet; everything else is a Deployment. */}}
{{- define "llm-extproc.kind" -}}
{{- with .Values.journal.persistence -}}
{{- ternary "StatefulSet" "Deployment" (and .enabled (not .existingClaim)) -}}
{{- end -}}
{{- end -}}

{{- define "llm-extproc.masterkeySecret" -}}
{{- default (printf "%s-masterkey" (include "llm-extproc.fullname" .)) .Values.masterkeySecretName -}}
{{- end -}}

{{/* Empty when the environment alone says what is served. */}}
{{- define "llm-extproc.configMap" -}}
{{- if not .Values.proxyConfigMap.create -}}
{{- .Values.proxyConfigMap.name -}}
{{- else if .Values.proxy_config -}}
{{- default (printf "%s-config" (include "llm-extproc.fullname" .)) .Values.proxyConfigMap.name -}}
{{- end -}}
{{- end -}}

{{- define "llm-extproc.port" -}}4000{{- end -}}
{{- define "llm-extproc.healthPort" -}}14000{{- end -}}
{{/* Short: with it a Unix socket's path must fit into 107 bytes. */}}
{{- define "llm-extproc.runDir" -}}/run/extproc{{- end -}}
{{- define "llm-extproc.dataDir" -}}/var/lib/extproc{{- end -}}

{{/* Envoy drains; then the workers may take as long again; then the rest of the journal is shipped. */}}
{{- define "llm-extproc.graceSeconds" -}}{{ add (mul 2 (int .Values.drainSeconds)) 30 }}{{- end -}}
