#!/bin/sh
# Sets everything up; can be run again at any time: Debian packages (as root on a Debian-like system, unless CLR_NO_APT
# is set; otherwise lists them), npm packages, the build. `npm start` and `npm test` call it; it prints one line for
# each thing that it really does.
set -eu
cd "$(dirname "$0")/.."

# Only for the oneDNN backend; without them the others are used.
packages="g++ make python3 libdnnl-dev"
if command -v dpkg-query >/dev/null; then
  missing=""
  for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
  done
  if [ -n "$missing" ] && [ "$(id -u)" = 0 ] && [ -z "${CLR_NO_APT:-}" ]; then
    echo "setup: installing these Debian packages, to compile the onednn backend:$missing (CLR_NO_APT=1 prevents it)" >&2
    # shellcheck disable=SC2086 # a list
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >/dev/null ||
      echo "setup: could not install$missing: the onednn backend will be missing" >&2
  elif [ -n "$missing" ]; then
    echo "setup: for the onednn backend, install:$missing" >&2
  fi
fi

stamp=node_modules/.lock-checksum
if [ "$(cat $stamp 2>/dev/null)" != "$(cksum package-lock.json)" ]; then
  echo "setup: npm ci" >&2
  npm ci --ignore-scripts --loglevel=error >&2 # no script of a dependency runs, least of all as root
  cksum package-lock.json >$stamp
fi

node scripts/build-onednn.mjs >&2 # says why if it cannot be built: the other backends are used

changed() { find src bin scripts package.json tsconfig.json .config -path '*/native/build' -prune -o -newer dist/.built -print -quit; }
if [ ! -e dist/.built ] || [ -n "$(changed)" ]; then
  echo "setup: building" >&2
  npm run --silent build >&2
  touch dist/.built
fi
