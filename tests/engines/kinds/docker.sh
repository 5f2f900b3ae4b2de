# dockerd of this machine's packages, root, overlay2. Sourced by ../engines.
# shellcheck shell=bash

engine_check() { docker_check; }
engine_start() { docker_start tls; }
engine_cgroups() { docker_cgroups; }

engine_env() {
  docker_env tls
  export_line SLIPWAY_TEST_WRONG_CERT_PATH "$dir/tls/wrong"
}
