#!/bin/sh
# Releases the services by the engine. With CI_DOCKER_CLI or DOCKER_CLI that CLI builds, without an engine; CI_PUSH=false
# needs none either. Arguments are for `pulumi up`.
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/node_modules/.bin:$PATH"

if [ -n "${CI_DOCKER_CLI:-${DOCKER_CLI:-}}" ] || [ "${CI_PUSH:-}" = false ]; then
  exec slipway publish --stack stage
fi
slipway env --stack stage -- pulumi stack select --create stage
exec slipway up --stack stage -- --yes "$@"
