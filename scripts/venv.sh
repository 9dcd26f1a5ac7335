#!/bin/sh
# A Python with the libraries that tests and benchmarks compare with (requirements.txt), in a virtual environment
# outside the repository: $CLR_PEERS, or clr/peers in the user's cache directory. Made once; prints its python's path.
set -eu
requirements=$(dirname "$0")/requirements.txt
venv=${CLR_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/clr/peers}
wanted=$(cksum <"$requirements")

if [ "$(cat "$venv/.requirements" 2>/dev/null)" != "$wanted" ]; then
  for candidate in python3.11 python3 /usr/bin/python3 ""; do
    if "$candidate" -c 'import ensurepip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then break; fi
  done
  if [ -z "$candidate" ] || [ "$(uname -sm)" != "Linux x86_64" ]; then
    echo "venv: needs Python 3.11 with venv on Linux x86-64 (Debian 12: apt-get install python3-venv)" >&2
    exit 1
  fi
  echo "venv: downloading PyTorch, SciPy, fastai and others into $venv (about 2.5 GB from PyPI, 5 GB on disk)" >&2
  "$candidate" -m venv "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir --no-deps --only-binary=:all: \
    --require-hashes -r "$requirements" >&2
  echo "$wanted" >"$venv/.requirements" # last, so that an interrupted installation is continued
fi
echo "$venv/bin/python"
