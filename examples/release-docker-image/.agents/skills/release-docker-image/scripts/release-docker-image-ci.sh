#!/bin/sh
# Releases the image in CI: dispatches the workflow, waits for it, shows its digests. release-docker-image.sh, beside this,
# releases from this machine where CI cannot be reached. Exit codes: 0 done, 1 failed, 2 used wrongly.
set -u

cd "$(dirname "$0")/../../../.." || exit 1
# The project's own package, never one that is fetched for its name.
slipway=node_modules/.bin/slipway
[ -x "$slipway" ] || {
  echo "error: slipway is not installed in $PWD: put its package there and run npm install (README.md)" >&2
  exit 1
}
exec "$slipway" dispatch --stack release --workflow release-docker.yml "$@"
