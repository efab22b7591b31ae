{{/* Refuses values that are each valid and wrong together. Included once, by the workload. */}}

{{- define "llm-extproc.checks" -}}
{{- with .Values.journal.persistence -}}
{{- if and .existingClaim (not .enabled) -}}
{{- fail "journal.persistence.existingClaim is set but journal.persistence.enabled is false" -}}
{{- end -}}
{{- if and .existingClaim (or (gt (int $.Values.replicaCount) 1) $.Values.autoscaling.enabled) -}}
{{- fail "journal.persistence.existingClaim: a journal has one writer, so one claim serves one replica. Leave existingClaim empty: every replica then gets a claim of its own" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.masterkey .Values.masterkeySecretName -}}
{{- fail "set masterkey or masterkeySecretName, not both" -}}
{{- end -}}
{{- if not .Values.proxyConfigMap.create -}}
{{- if .Values.proxy_config -}}
{{- fail "proxyConfigMap.create is false, so proxy_config would not be used: remove one of them" -}}
{{- end -}}
{{- end -}}
{{- with .Values.db -}}
{{- if .useExisting -}}
{{- if not .secret.name -}}
{{- fail "db.useExisting needs db.secret.name, a Secret with the database's URL (db.secret.urlKey) or its user and password" -}}
{{- end -}}
{{- if not (or .secret.urlKey .secret.endpointKey .endpoint) -}}
{{- fail "db.useExisting needs db.secret.urlKey, db.secret.endpointKey or db.endpoint" -}}
{{- end -}}
{{- if regexMatch "://[^/@]*:[^$/@][^/@]*@" .url -}}
{{- fail "db.url holds a password, which would stand in the pod's spec: write $(DATABASE_PASSWORD), or put the URL into a Secret and name it in db.secret.urlKey" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- with .Values.redis -}}
{{- if and .enabled (not .host) (not (and .secret.name .secret.urlKey)) -}}
{{- fail "redis.enabled needs redis.host, or redis.secret.name with redis.secret.urlKey" -}}
{{- end -}}
{{- if and (or .secret.urlKey .secret.passwordKey) (not .secret.name) -}}
{{- fail "redis.secret.urlKey and redis.secret.passwordKey need redis.secret.name" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- fail "ingress.enabled needs ingress.hosts" -}}
{{- end -}}
{{- with .Values.pdb -}}
{{- if and .enabled (kindIs "invalid" .minAvailable) (kindIs "invalid" .maxUnavailable) -}}
{{- fail "pdb.enabled needs pdb.minAvailable or pdb.maxUnavailable" -}}
{{- end -}}
{{- end -}}
{{- range $name := list "HOST" "PORT" "HEALTH_PORT" "RUN_DIR" "DATA_DIR" "CONFIG" "WORKERS" "DRAIN_SECONDS" "ENVOY_CONCURRENCY" "LOG_LEVEL" "JSON_LOGS" -}}
{{- if hasKey $.Values.envVars $name -}}
{{- fail (printf "envVars.%s: the chart sets this variable itself" $name) -}}
{{- end -}}
{{- end -}}
{{- include "llm-extproc.noSecrets" (dict "at" "envVars" "value" .Values.envVars) -}}
{{- include "llm-extproc.noSecrets" (dict "at" "proxy_config" "value" .Values.proxy_config) -}}
{{- end -}}

{{/* Walks `value`; text under a name that sounds like a secret must be a reference or `none`. */}}
{{- define "llm-extproc.noSecrets" -}}
{{- $at := .at -}}
{{- if kindIs "map" .value -}}
{{- range $name, $value := .value -}}
{{- $here := printf "%s.%s" $at $name -}}
{{- if kindIs "string" $value -}}
{{- if and (regexMatch "(?i)(^|_)(key|password|secret|token|database_url|redis_url|dsn)$" $name) (not (regexMatch "^(os\\.environ/.+|none|)$" $value)) -}}
{{- fail (printf "%s holds a secret that would be readable in the cluster: put it into a Secret named in environmentSecrets%s" $here (ternary " and write os.environ/NAME here" "" (hasPrefix "proxy_config" $at))) -}}
{{- end -}}
{{- else -}}
{{- include "llm-extproc.noSecrets" (dict "at" $here "value" $value) -}}
{{- end -}}
{{- end -}}
{{- else if kindIs "slice" .value -}}
{{- range $index, $value := .value -}}
{{- include "llm-extproc.noSecrets" (dict "at" (printf "%s[%d]" $at $index) "value" $value) -}}
{{- end -}}
{{- end -}}
{{- end -}}
