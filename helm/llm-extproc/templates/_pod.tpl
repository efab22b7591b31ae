{{/* The pod: Envoy, the workers under their agent, the management API, and the folder of their sockets.

     Workers and management API are sidecars (init containers that stay): the kubelet starts Envoy when
     the workers serve, and tells them to stop only after Envoy has drained and ended. Stopped all at
     once, they would leave Envoy's open calls without anybody to account for them. */}}

{{- define "llm-extproc.pod" -}}
metadata:
  labels:
    {{- include "llm-extproc.labels" . | nindent 4 }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    kubectl.kubernetes.io/default-container: worker
    checksum/config: {{ toJson .Values.proxy_config | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "llm-extproc.serviceAccount" . }}
  automountServiceAccountToken: {{ .Values.serviceAccount.automount }}
  # A Service named "redis" would otherwise set REDIS_PORT to something that is no port.
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "llm-extproc.graceSeconds" . }}
  securityContext:
    {{- toYaml .Values.podSecurityContext | nindent 4 }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  initContainers:
    {{- with .Values.extraInitContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- include "llm-extproc.workerContainer" . | nindent 4 }}
    {{- include "llm-extproc.adminContainer" . | nindent 4 }}
  containers:
    {{- include "llm-extproc.envoyContainer" . | nindent 4 }}
    {{- with .Values.extraContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- include "llm-extproc.volumes" . | nindent 4 }}
  {{- range $field := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" "priorityClassName" }}
  {{- with index $.Values $field }}
  {{ $field }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "llm-extproc.envoyContainer" -}}
- name: envoy
  {{- include "llm-extproc.container" (list . "envoy") | nindent 2 }}
  # Envoy itself would cut what is open at the first SIGTERM.
  lifecycle:
    preStop:
      exec: {command: [extproc, drain]}
  ports:
    - {name: http, containerPort: {{ include "llm-extproc.port" . }}, protocol: TCP}
  env:
    {{- include "llm-extproc.env" . | nindent 4 }}
  startupProbe:
    httpGet: {path: /health/liveliness, port: http}
    {{- toYaml .Values.startupProbe | nindent 4 }}
  livenessProbe:
    httpGet: {path: /health/liveliness, port: http}
    {{- toYaml .Values.livenessProbe | nindent 4 }}
  readinessProbe:
    httpGet: {path: /health/readiness, port: http}
    {{- toYaml .Values.readinessProbe | nindent 4 }}
  resources:
    {{- toYaml .Values.envoy.resources | nindent 4 }}
  volumeMounts:
    {{- include "llm-extproc.mounts" . | nindent 4 }}
{{- end -}}

{{- define "llm-extproc.workerContainer" -}}
- name: worker
  restartPolicy: Always
  {{- include "llm-extproc.container" (list . "agent") | nindent 2 }}
  ports:
    - {name: grpc-health, containerPort: {{ include "llm-extproc.healthPort" . }}, protocol: TCP}
  env:
    {{- include "llm-extproc.gatewayEnv" . | nindent 4 }}
  {{- with include "llm-extproc.envFrom" . }}
  envFrom:
    {{- . | nindent 4 }}
  {{- end }}
  {{- range $probe := list "startupProbe" "livenessProbe" "readinessProbe" }}
  {{ $probe }}:
    grpc: {port: {{ include "llm-extproc.healthPort" $ }}}
    {{- toYaml (index $.Values $probe) | nindent 4 }}
  {{- end }}
  resources:
    {{- toYaml .Values.resources | nindent 4 }}
  volumeMounts:
    {{- include "llm-extproc.mounts" . | nindent 4 }}
    {{- include "llm-extproc.configMount" . | nindent 4 }}
    - {name: data, mountPath: {{ include "llm-extproc.dataDir" . }}}
{{- end -}}

{{/* Not probed for readiness: calls to models do not need it. It listens on a socket, so its
     liveness is asked through Envoy, which starts after it: hence no startup probe either. */}}
{{- define "llm-extproc.adminContainer" -}}
- name: admin
  restartPolicy: Always
  {{- include "llm-extproc.container" (list . "admin") | nindent 2 }}
  env:
    {{- include "llm-extproc.gatewayEnv" . | nindent 4 }}
  {{- with include "llm-extproc.envFrom" . }}
  envFrom:
    {{- . | nindent 4 }}
  {{- end }}
  livenessProbe:
    httpGet: {path: /routes, port: {{ include "llm-extproc.port" . }}}
    {{- toYaml .Values.livenessProbe | nindent 4 }}
  resources:
    {{- toYaml .Values.admin.resources | nindent 4 }}
  volumeMounts:
    {{- include "llm-extproc.mounts" . | nindent 4 }}
    {{- include "llm-extproc.configMount" . | nindent 4 }}
{{- end -}}

{{/* (root, command of extproc) */}}
{{- define "llm-extproc.container" -}}
{{- $root := index . 0 -}}
image: {{ include "llm-extproc.image" $root | quote }}
imagePullPolicy: {{ $root.Values.image.pullPolicy }}
command: [extproc, {{ index . 1 }}]
securityContext:
  {{- toYaml $root.Values.securityContext | nindent 2 }}
{{- end -}}

{{- define "llm-extproc.mounts" -}}
- {name: run, mountPath: {{ include "llm-extproc.runDir" . }}}
- {name: tmp, mountPath: /tmp}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "llm-extproc.configMount" -}}
{{- if include "llm-extproc.configMap" . -}}
- {name: config, mountPath: /etc/litellm, readOnly: true}
{{- end -}}
{{- end -}}

{{- define "llm-extproc.volumes" -}}
- name: run
  emptyDir:
    {{- include "llm-extproc.emptyDir" .Values.runDir | nindent 4 }}
- name: tmp
  emptyDir: {}
{{- with include "llm-extproc.configMap" . }}
- name: config
  configMap:
    name: {{ . }}
    items: [{key: {{ $.Values.proxyConfigMap.key }}, path: config.yaml}]
{{- end }}
{{- if .Values.journal.persistence.existingClaim }}
- name: data
  persistentVolumeClaim: {claimName: {{ .Values.journal.persistence.existingClaim }}}
{{- else if not .Values.journal.persistence.enabled }}
- name: data
  emptyDir:
    {{- include "llm-extproc.emptyDir" .Values.journal | nindent 4 }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "llm-extproc.emptyDir" -}}
{{- $given := dict -}}
{{- range $field := list "medium" "sizeLimit" -}}
{{- with get $ $field }}{{ $_ := set $given $field . }}{{ end -}}
{{- end -}}
{{- toYaml $given -}}
{{- end -}}
