#!/bin/bash
# jaxnst train on a slice of a TPU pod. UNTRIED: written from Google Cloud's and JAX's documentation.
#
#   ./tpu_pod.sh create     once: makes the slice and installs jaxnst on all its hosts
#   ./tpu_pod.sh train      again to go on
#   ./tpu_pod.sh delete     when all is done: it costs until then
#
# /shared is a folder that all hosts have mounted (Filestore, say), with the photos and the work folder.
set -euo pipefail
NAME=jaxnst ZONE=europe-west4-b KIND=v5litepod-16 VERSION=v2-alpha-tpuv5-lite

everywhere() {
    gcloud compute tpus tpu-vm ssh "$NAME" --zone="$ZONE" --worker=all --command="$1"
}

case ${1:-} in
create)
    gcloud compute tpus tpu-vm create "$NAME" --zone="$ZONE" --accelerator-type="$KIND" --version="$VERSION"
    everywhere "python3 -m venv ~/venv && ~/venv/bin/pip install '/shared/jaxnst[tpu]'"
    ;;
train)
    everywhere "~/venv/bin/jaxnst train --config add_style --style /shared/painting.jpg --data /shared/photos \
        --work /shared/run --batch 256 --coordinator auto"
    ;;
delete)
    gcloud compute tpus tpu-vm delete "$NAME" --zone="$ZONE"
    ;;
*)
    echo "usage: $0 create|train|delete" >&2
    exit 2
    ;;
esac
