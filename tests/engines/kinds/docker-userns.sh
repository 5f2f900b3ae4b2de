# dockerd of this machine's packages whose containers have user ids of their own: their root is
# nobody on this machine. Sourced by ../engines.
# shellcheck shell=bash

mapped_user=slipway-mapped

engine_check() {
  docker_check
  need useradd
  id "$mapped_user" >/dev/null 2>&1 ||
    useradd --no-create-home --shell /usr/sbin/nologin --comment "slipway's engine tests" "$mapped_user"
  if ! grep -q "^$mapped_user:" /etc/subuid || ! grep -q "^$mapped_user:" /etc/subgid; then
    fail "the user $mapped_user has no subordinate ids" \
      "usermod --add-subuids 300000-365535 --add-subgids 300000-365535 $mapped_user"
  fi
}
# Directories above the state directory may well be closed to that user; see lib/inside.
engine_start() {
  chmod 755 "$dir"
  docker_start tcp '' --userns-remap "$mapped_user" --data-root /run/slipway-engine/data
}
engine_cgroups() { docker_cgroups; }
engine_env() { docker_env tcp; }
