# Errors, locks and the state directory. Sourced, never run.
#
# A state directory holds everything of a set of engines:
#   STATE/NAME/pid     process id and start time of the engine's outermost process
#   STATE/NAME/sock    its unix socket        STATE/NAME/log   what it printed
#   STATE/NAME/data    its data root          STATE/NAME/run   its runtime files
#   STATE/NAME/tls     certificates           STATE/NAME/net   name and addresses of its network
#   STATE/.certs.d     the registry's authority, as engines look for it
# shellcheck shell=bash

# fail MESSAGE [HINT]
fail() {
  printf 'error: %s\n' "$1" >&2
  [[ -z ${2:-} ]] || printf 'hint: %s\n' "$2" >&2
  exit 1
}

say() { printf '%s\n' "$*" >&2; }

is_root() { [[ $EUID -eq 0 ]]; }

# need COMMAND...: every command must be there before anything is started.
need() {
  local command missing=()
  for command; do
    [[ -n $(type -P "$command") ]] || missing+=("$command")
  done
  [[ ${#missing[@]} -eq 0 ]] ||
    fail "$engine needs ${missing[*]}, not found on this machine" "third_party/install engines"
}

# variable_prefix: what the names of this engine's variables begin with.
variable_prefix() { printf 'SLIPWAY_TEST_%s' "$(tr 'a-z-' 'A-Z_' <<<"$engine")"; }

# Two state directories must never share a name of the kernel's (network
# namespace, interface, table, cgroup), so all of them carry this id.
engine_id() { printf '%s/%s' "$state" "$engine" | sha256sum | cut -c1-8; }

# locked FILE COMMAND...: one at a time, over processes.
locked() {
  local file=$1
  shift
  (
    flock 9
    "$@" 9>&-
  ) 9>"$file"
}

# The kernel's limit for the path of a unix socket is 107 bytes; engines append
# names of their own to what they are given.
check_socket_length() {
  ((${#1} < 100)) ||
    fail "the path of the socket is ${#1} bytes long: $1" \
      "choose a shorter state directory: --state DIR or SLIPWAY_TEST_ENGINES"
}
