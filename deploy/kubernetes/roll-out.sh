#!/bin/sh
# Brings a version into a cluster: the database first, then the service, pod after pod; where the new
# pods do not become ready the version before comes back.
#   sh deploy/kubernetes/roll-out.sh deploy/kubernetes/overlays/production
set -eu
wanted=$(mktemp)
trap 'rm -f "$wanted"' EXIT
kubectl kustomize "$1" >"$wanted"
namespace=$(sed -n '/^kind: Deployment$/,$s/^  namespace: //p' "$wanted" | head -n 1)
in_place() { kubectl --namespace "$namespace" "$@"; }

in_place delete job tria-migrate --ignore-not-found # a job never changes
in_place apply -f "$wanted" -l app.kubernetes.io/component=migrate
in_place wait job/tria-migrate --for=condition=complete --timeout=600s
in_place apply -f "$wanted" -l app.kubernetes.io/component!=migrate
if ! in_place rollout status deployment/tria --timeout=600s; then
  in_place rollout undo deployment/tria
  in_place rollout status deployment/tria --timeout=600s
  echo "The new version did not become ready: the one before serves." >&2
  exit 1
fi
