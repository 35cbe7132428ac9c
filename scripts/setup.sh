#!/usr/bin/env bash
# Installs what apt.txt and requirements.txt name, and nothing where it is there already (then no root is needed). With
# "packages" as argument what apt.txt names alone, with "tests" what requirements-test.txt names, too.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 2; }

# Packages that are missing or of another version, as "name=pattern".
missing_packages() {
  local installed name pattern
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\n' 2>/dev/null | sed -n 's/^installed //p')
  grep -v '^#' apt.txt | while IFS='=' read -r name pattern; do
    local version
    version=$(awk -v name="$name" '$1 == name { print $2; exit }' <<<"$installed")
    # shellcheck disable=SC2053  # the pattern is one
    [[ -n $version && $version == $pattern ]] || echo "$name=$pattern"
  done
}

if command -v dpkg-query >/dev/null; then
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]})); then
    sudo=()
    if ((EUID != 0)); then
      command -v sudo >/dev/null || fail "these packages are missing and need root: ${missing[*]%%=*}; as root, run: apt-get install ${missing[*]%%=*}"
      sudo=(sudo)
    fi
    say "installing ${#missing[@]} Debian packages: ${missing[*]%%=*}"
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  fi
else
  say "no dpkg here: make sure that what apt.txt names is installed"
fi

[[ ${1:-} != packages ]] || exit 0

stamp=.venv/requirements.sha256
wanted=$(sha256sum requirements.txt | cut -d' ' -f1)
if [[ ! -x .venv/bin/python || $(cat "$stamp" 2>/dev/null) != "$wanted" ]]; then
  say "creating .venv with PyTorch (some minutes on the first time)"
  python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "python3 is older than 3.10: put a newer one first in PATH"
  python3 -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
  echo "$wanted" >"$stamp"
fi

if [[ ${1:-} == tests ]]; then
  stamp=.venv/requirements-test.sha256
  wanted=$(sha256sum requirements-test.txt | cut -d' ' -f1)
  if [[ $(cat "$stamp" 2>/dev/null) != "$wanted" ]]; then
    say "installing what only tests need"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-test.txt
    echo "$wanted" >"$stamp"
  fi
fi
