# What dockerds of all versions have in common. Sourced, never run.
# shellcheck shell=bash

docker_check() {
  is_root || fail "$engine needs root" "leave it out, or run as root"
  need ip nft nsenter unshare openssl curl
  if [[ $root == / ]]; then need dockerd containerd runc iptables; fi
}

# docker_start DOOR [FEATURE [OPTION...]]: a dockerd on the unix socket and, for DOOR tls or tcp, on the address
# of its network too. Not on both: dockerd speaks TLS on all of its TCP addresses or on none.
# FEATURE is one of its configuration that is switched on.
docker_start() {
  local ns host guest door=$1 feature=${2:-} options=("${@:3}")
  net_up "$id"
  read -r ns host guest <"$dir/net"

  # A file of our own, or dockerd reads the machine's. 20.10 also writes a key
  # of its own into /etc/docker unless told where; later versions do not know the option.
  if [[ $root == / && $(dockerd --version) == *" version 20."* ]]; then
    printf '{ "deprecated-key-path": "%s" }\n' "$dir/key.json" >"$dir/daemon.json"
  elif [[ $feature ]]; then
    printf '{ "features": { "%s": true } }\n' "$feature" >"$dir/daemon.json"
  else
    printf '{}\n' >"$dir/daemon.json"
  fi

  if [[ $door == tls ]]; then
    make_pki "$dir/tls" "$guest"
    options+=(--host "tcp://$guest:2376" --tlsverify --tlscacert "$dir/tls/good-ca.pem"
      --tlscert "$dir/tls/server-cert.pem" --tlskey "$dir/tls/server-key.pem")
  else
    net_close "$id" "$guest" 2375
    # Said in so many words, or dockerd waits 15 seconds to frighten people.
    options+=(--host "tcp://$guest:2375" --tls=false)
  fi
  # The addresses of its bridges only have to differ from the machine's own networks.
  options+=(--bip 10.214.0.1/24 --default-address-pool base=10.215.0.0/16,size=24)
  # Name given, because with systemd and cgroup v2 the default asks systemd over D-Bus.
  options+=(--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/slipway-$id")

  launch_inside dockerd --config-file "$dir/daemon.json" \
    --data-root "$dir/data" --exec-root "$dir/run" --pidfile "$dir/run/dockerd.pid" \
    --host "unix://$sock" --group root \
    --mtu "$(cat "/sys/class/net/sw$id/mtu")" --shutdown-timeout 3 "${options[@]}"
}

docker_cgroups() { printf 'slipway-%s\n' "$id"; }

# docker_env DOOR
docker_env() {
  local ns host guest prefix
  prefix=$(variable_prefix)
  read -r ns host guest <"$dir/net"
  export_line "${prefix}_HOST" "unix://$sock"
  export_line "${prefix}_GATEWAY" "$host"
  if [[ $1 == tls ]]; then
    export_line "${prefix}_TLS_HOST" "tcp://$guest:2376"
    export_line "${prefix}_CERT_PATH" "$dir/tls/client"
  else
    export_line "${prefix}_TCP_HOST" "tcp://$guest:2375"
  fi
}
