# What rootful and rootless podman have in common. Sourced, never run.
# shellcheck shell=bash

# podman_config DRIVER: every file podman would otherwise read from the machine.
# `base` is the engine's directory by the name podman itself knows it under.
podman_config() {
  mkdir -p "$dir/conf/networks" "$dir/home" "$dir/run/tmp"
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
    "HOME=$base/home" podman --root "$base/data" --runroot "$base/run/storage" --tmpdir "$base/run/libpod")
}

# As root:

podman_check() {
  is_root || fail "$engine needs root" "podman-rootless runs as an ordinary user"
  need ip nft nsenter unshare curl
  if [[ $root == / ]]; then need podman runc; fi
}

podman_start() {
  local podman base=$dir
  net_up "$id"
  # Overlay cannot stand on overlay, which is what /tmp is inside a container.
  local driver=overlay
  [[ $(stat -f -c %T "$dir") != overlayfs ]] || driver=vfs
  podman_config "$driver"
  podman_command
  launch_inside "${podman[@]}" system service --time=0 "unix://$sock"
}

# podman's group manager has no option for the name of the group above its containers.
podman_cgroups() {
  local id_of
  for id_of in "$dir"/data/overlay-containers/*/ "$dir"/data/vfs-containers/*/; do
    id_of=${id_of%/}
    [[ ! -d $id_of ]] || printf 'libpod_parent/libpod-%s\n' "${id_of##*/}"
  done
}

podman_env() {
  local ns host guest prefix
  prefix=$(variable_prefix)
  export_line "${prefix}_HOST" "unix://$sock"
  [[ -f $dir/net ]] || return 0
  read -r ns host guest <"$dir/net"
  export_line "${prefix}_GATEWAY" "$host"
}
