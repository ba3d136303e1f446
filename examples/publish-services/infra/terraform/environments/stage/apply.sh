#!/bin/sh
# Applies stage's Terraform where there is one; the example has no jobs of its own.
set -eu
cd "$(dirname "$0")"
if command -v terraform >/dev/null 2>&1 && [ -f main.tf ]; then
  exec terraform apply -auto-approve -var-file=stage.tfvars
fi
grep '^glass_docker_tag' stage.tfvars
