# Starts a root engine in namespaces of its own. Sourced, never run; root only.
# shellcheck shell=bash

# launch_inside COMMAND...: COMMAND in the engine's network, with its own mounts
# and process ids. Mounts of the machine still show up there (slave), so that
# what a client binds into a container is what the client sees.
#
# Not `ip netns exec`: it mounts a new /sys and so hides the control groups.
launch_inside() {
  local ns _
  read -r ns _ <"$dir/net"
  write_resolv_conf "$dir/resolv.conf"
  launch nsenter --net="/run/netns/$ns" \
    unshare --mount --propagation slave --pid --fork --kill-child --mount-proc \
    "$here/lib/inside" "$dir" "$@"
}
