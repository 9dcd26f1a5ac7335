#!/bin/sh
# Mesa's lavapipe, a Vulkan device in software, to test the webgpu backend on. Debian 12's own (22.3) is too old for dawn;
# 25.0 is in its backports, which are taken from where this machine takes Debian from.
set -eu
install() {
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" mesa-vulkan-drivers libvulkan1 >/dev/null
}

. /etc/os-release
if [ "${VERSION_CODENAME:-}" != bookworm ]; then
  install
  exit
fi

sources=${APT_SOURCES:-/etc/apt} # another folder: to try this out
suite=bookworm-backports
entries() { find "$sources" -name "*.$1" -exec cat {} +; }

if ! { entries list; entries sources; } | grep -v '^#' | grep -qw $suite; then
  # deb822: the first stanza of Debian's main archive; else the first such line
  stanza=$(entries sources | awk -v RS= -v suite="Suites: $suite" '/\nSuites:[^\n]*bookworm[ \n]/ && /\nComponents:[^\n]*main/ {
    sub(/Suites:[^\n]*/, suite); print; exit }')
  line=$(entries list | awk -v suite=$suite '/^deb .* bookworm .*main/ { sub(/ bookworm /, " " suite " "); print; exit }')
  if [ -n "$stanza" ]; then
    echo "$stanza" >"$sources/sources.list.d/$suite.sources"
  else
    echo "$line" >"$sources/sources.list.d/$suite.list"
  fi
  apt-get update -qq >/dev/null
fi
install -t $suite
