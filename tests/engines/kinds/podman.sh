# podman of this machine's packages, root, overlay. Sourced by ../engines.
# shellcheck shell=bash

engine_check() {
  is_root || fail "podman as root needs root" "podman-rootless runs as an ordinary user"
  need podman runc ip nft nsenter unshare curl
}

engine_start() {
  local podman base=$dir
  net_up "$id"
  # Overlay cannot stand on overlay, which is what /tmp is inside a container.
  local driver=overlay
  [[ $(stat -f -c %T "$dir") != overlayfs ]] || driver=vfs
  podman_config "$driver"
  podman_command
  mkdir -p "$dir/run/tmp"
  launch_inside "${podman[@]}" system service --time=0 "unix://$sock"
}

# podman's group manager has no option for the name of the group above its containers.
engine_cgroups() {
  local id_of
  for id_of in "$dir"/data/overlay-containers/*/ "$dir"/data/vfs-containers/*/; do
    id_of=${id_of%/}
    [[ ! -d $id_of ]] || printf 'libpod_parent/libpod-%s\n' "${id_of##*/}"
  done
}

engine_env() {
  local ns host guest
  read -r ns host guest <"$dir/net"
  export_line SLIPWAY_TEST_PODMAN_HOST "unix://$sock"
  export_line SLIPWAY_TEST_PODMAN_GATEWAY "$host"
}
