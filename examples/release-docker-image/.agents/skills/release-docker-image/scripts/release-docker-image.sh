#!/bin/sh
# Releases the image from this machine: the local fallback for the CI release. Exit codes: 0 done, 1 failed, 2 used wrongly.
set -u

usage() {
  cat <<'TEXT'
usage: release-docker-image.sh [--version vX.Y.Z] [--publish-version-tag|--no-publish-version-tag] [--dry-run]

Settings by variables: AWL_DOCKER_RELEASE_VERSION, AWL_DOCKER_RELEASE_PUBLISH_VERSION_TAG, AWL_DOCKER_RELEASE_PLATFORMS,
AWL_DOCKER_RELEASE_DOCKERHUB_USERNAME, AWL_DOCKER_RELEASE_DOCKERHUB_TOKEN, AWL_DOCKER_RELEASE_GHCR_USERNAME,
AWL_DOCKER_RELEASE_GHCR_TOKEN; flags win.
TEXT
}

wrong() {
  echo "error: $1" >&2
  usage >&2
  exit 2
}

command="up --stack release -- --yes"
while [ $# -gt 0 ]; do
  case "$1" in
    --version)
      [ $# -gt 1 ] || wrong "--version needs a version"
      case "$2" in v[0-9]*.[0-9]*.[0-9]*) ;; *) wrong "$2 is no version such as v1.2.3" ;; esac
      export AWL_DOCKER_RELEASE_VERSION="$2"
      unset AWL_DOCKER_RELEASE_RELEASE_TAG AWL_DOCKER_RELEASE_TAG
      shift
      ;;
    --publish-version-tag) export AWL_DOCKER_RELEASE_PUBLISH_VERSION_TAG=true ;;
    --no-publish-version-tag) export AWL_DOCKER_RELEASE_PUBLISH_VERSION_TAG=false ;;
    --dry-run) command="preview --stack release" ;;
    --help | -h) usage && exit 0 ;;
    *) wrong "unknown argument $1" ;;
  esac
  shift
done

cd "$(dirname "$0")/../../../.." || exit 1
# The project's own package, never one that is fetched for its name.
slipway=node_modules/.bin/slipway
[ -x "$slipway" ] || {
  echo "error: slipway is not installed in $PWD: put its package there and run npm install (README.md)" >&2
  exit 1
}
"$slipway" env --stack release -- pulumi stack select --create release || exit 1
# The command's words are meant to be split.
# shellcheck disable=SC2086
"$slipway" $command || exit 1
