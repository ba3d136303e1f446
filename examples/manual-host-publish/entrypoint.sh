#!/bin/sh
set -e
exec /usr/local/bin/entrypoint-user.sh "$@"
