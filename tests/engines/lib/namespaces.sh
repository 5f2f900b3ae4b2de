# Starts a root engine in namespaces of its own. Sourced, never run; root only.
# shellcheck shell=bash

# launch_inside COMMAND...: COMMAND in the engine's network and root file system, with its own
# mounts and process ids. Mounts of the machine still show up there (slave), so that
# what a client binds into a container is what the client sees.
#
# Not `ip netns exec`: it mounts a new /sys and so hides the control groups.
launch_inside() {
  local ns network=() _
  read -r ns _ <"$dir/net"
  if [[ $ns != - ]]; then network=(nsenter --net="/run/netns/$ns"); fi
  write_resolv_conf "$dir/resolv.conf"
  # A proxy that the caller's environment names does not know the way to the tests' registry.
  NO_PROXY=${NO_PROXY:-${no_proxy:-}}
  launch env "NO_PROXY=${NO_PROXY:+$NO_PROXY,}10.213.0.0/16" "${network[@]}" \
    unshare --mount --propagation slave --pid --fork --kill-child --mount-proc \
    "$here/lib/inside" "$dir" "$state/.certs.d" "$root" "$@"
}
