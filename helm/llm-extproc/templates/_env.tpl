{{/* The environment of the containers: what all of them know, and what only the gateway's own may. */}}

{{/* No secret: Envoy's container has this alone. */}}
{{- define "llm-extproc.env" -}}
- {name: HOST, value: 0.0.0.0}
- {name: PORT, value: {{ include "llm-extproc.port" . | quote }}}
- {name: HEALTH_PORT, value: {{ include "llm-extproc.healthPort" . | quote }}}
- {name: RUN_DIR, value: {{ include "llm-extproc.runDir" . }}}
- {name: DATA_DIR, value: {{ include "llm-extproc.dataDir" . }}}
- {name: DRAIN_SECONDS, value: {{ .Values.drainSeconds | quote }}}
- {name: ENVOY_CONCURRENCY, value: {{ .Values.envoy.concurrency | quote }}}
- {name: LOG_LEVEL, value: {{ .Values.logLevel }}}
- {name: JSON_LOGS, value: "true"}
- {name: HOME, value: /tmp}
{{- end -}}

{{/* The workers and the management API compile the same configuration from the same variables. */}}
{{- define "llm-extproc.gatewayEnv" -}}
{{ include "llm-extproc.env" . }}
- {name: WORKERS, value: {{ .Values.numWorkers | quote }}}
{{- if include "llm-extproc.configMap" . }}
- {name: CONFIG, value: /etc/litellm/config.yaml}
{{- end }}
- name: LITELLM_MASTER_KEY
  valueFrom:
    secretKeyRef:
      name: {{ include "llm-extproc.masterkeySecret" . }}
      key: {{ .Values.masterkeySecretKey }}
# The name that configurations written for LiteLLM's chart refer to.
- {name: PROXY_MASTER_KEY, value: $(LITELLM_MASTER_KEY)}
{{ include "llm-extproc.databaseEnv" . }}
{{ include "llm-extproc.redisEnv" . }}
{{- range $name, $value := .Values.envVars }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- with .Values.extraEnvVars }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "llm-extproc.envFrom" -}}
{{- range .Values.environmentConfigMaps }}
- configMapRef: {name: {{ . }}}
{{- end }}
{{- range .Values.environmentSecrets }}
- secretRef: {name: {{ . }}}
{{- end }}
{{- end -}}

{{- define "llm-extproc.databaseEnv" -}}
{{- with .Values.db -}}
{{- if not .useExisting -}}
- {name: DATABASE_URL, value: none}
{{- else if .secret.urlKey -}}
{{ include "llm-extproc.secretEnv" (list "DATABASE_URL" .secret.name .secret.urlKey) }}
{{- else -}}
{{ include "llm-extproc.secretEnv" (list "DATABASE_USERNAME" .secret.name .secret.usernameKey) }}
{{ include "llm-extproc.secretEnv" (list "DATABASE_PASSWORD" .secret.name .secret.passwordKey) }}
{{ if .secret.endpointKey -}}
{{ include "llm-extproc.secretEnv" (list "DATABASE_HOST" .secret.name .secret.endpointKey) }}
{{- else -}}
- {name: DATABASE_HOST, value: {{ .endpoint | quote }}}
{{- end }}
- {name: DATABASE_NAME, value: {{ .database | quote }}}
- {name: DATABASE_URL, value: {{ .url | quote }}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "llm-extproc.redisEnv" -}}
{{- with .Values.redis -}}
{{- if not .enabled -}}
- {name: REDIS_URL, value: none}
{{- else if .secret.urlKey -}}
{{ include "llm-extproc.secretEnv" (list "REDIS_URL" .secret.name .secret.urlKey) }}
{{- else -}}
- {name: REDIS_HOST, value: {{ .host | quote }}}
- {name: REDIS_PORT, value: {{ .port | quote }}}
{{- if .secret.passwordKey }}
{{ include "llm-extproc.secretEnv" (list "REDIS_PASSWORD" .secret.name .secret.passwordKey) }}
{{- end }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* (variable, Secret, key) */}}
{{- define "llm-extproc.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef: {name: {{ index . 1 | quote }}, key: {{ index . 2 | quote }}}
{{- end -}}
