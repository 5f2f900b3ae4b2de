# What rootful and rootless podman have in common. Sourced, never run.
# shellcheck shell=bash

# podman_config DRIVER: every file podman would otherwise read from the machine.
# `base` is the engine's directory by the name podman itself knows it under.
podman_config() {
  mkdir -p "$dir/conf/networks"
  # runc, because crun refuses hybrid control groups. The limits are equal, soft
  # and hard (podman's API swaps the two), and small, because raising a limit
  # needs CAP_SYS_RESOURCE, which not every root has.
  cat >"$dir/conf/containers.conf" <<CONF
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=8192:8192"]

[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"

[network]
network_backend = "netavark"
network_config_dir = "$base/conf/networks"
CONF
  cat >"$dir/conf/storage.conf" <<CONF
[storage]
driver = "$1"
graphroot = "$base/data"
runroot = "$base/run/storage"
CONF
  # Empty: the machine's own may name mirrors. Short names are resolved by the API.
  : >"$dir/conf/registries.conf"
}

# podman_command: sets the array `podman`, the words of a podman with that configuration.
podman_command() {
  podman=(env
    "CONTAINERS_CONF=$base/conf/containers.conf"
    "CONTAINERS_STORAGE_CONF=$base/conf/storage.conf"
    "CONTAINERS_REGISTRIES_CONF=$base/conf/registries.conf"
    "TMPDIR=$base/run/tmp"
    podman --root "$base/data" --runroot "$base/run/storage" --tmpdir "$base/run/libpod")
}
