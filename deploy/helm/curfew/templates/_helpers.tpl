{{- define "curfew.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 63 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "curfew.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "curfew.labels" -}}
{{ include "curfew.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{/*
Seconds that a server may take to stop: CURFEW_DRAIN_MS; two and a half times CURFEW_LEASE_MS, for verifiers that do
not answer, and for ends that were accepted in the meantime and wait for those of other servers; and 15 seconds for the
rest. At least 30.
*/}}
{{- define "curfew.grace" -}}
{{- $settings := .Values.settings | default dict }}
{{- $drain := int64 ($settings.CURFEW_DRAIN_MS | default "5000") }}
{{- $lease := int64 ($settings.CURFEW_LEASE_MS | default "2000") }}
{{- max 30 (div (add $drain (div (mul 5 $lease) 2) 15999) 1000) }}
{{- end }}

{{/* The template of a pod, the same for both kinds of store. */}}
{{- define "curfew.pod" -}}
metadata:
  labels:
    {{- include "curfew.labels" . | nindent 4 }}
  {{- with .Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ include "curfew.grace" . }}
  {{- with .Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  containers:
    - name: curfew
      image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities:
          drop: [ALL]
      env:
        {{- if .Values.existingSecret }}
        - name: CURFEW_STORE_FILE
          value: /run/secrets/curfew/store
        - name: CURFEW_SECRET_KEY_FILE
          value: /run/secrets/curfew/secret-key
        {{- end }}
        {{- range $name, $value := .Values.settings }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      ports:
        - name: http
          containerPort: 2873
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 2
        # An hour: an upgrade of a large store, or a check of all its data, must not be killed and begin again.
        failureThreshold: 1800
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 2
        timeoutSeconds: 2
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        {{- if .Values.existingSecret }}
        - name: secrets
          mountPath: /run/secrets/curfew
          readOnly: true
        {{- else }}
        - name: data
          mountPath: /data
        {{- end }}
  {{- if .Values.existingSecret }}
  volumes:
    - name: secrets
      secret:
        secretName: {{ .Values.existingSecret }}
        defaultMode: 0440
  {{- end }}
  {{- with .Values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if .Values.existingSecret }}
  topologySpreadConstraints:
    - maxSkew: 1
      topologyKey: kubernetes.io/hostname
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "curfew.selector" . | nindent 10 }}
  {{- end }}
{{- end }}
