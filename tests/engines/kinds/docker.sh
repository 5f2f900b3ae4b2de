# dockerd of this machine's packages, root, overlay2. Sourced by ../engines.
# shellcheck shell=bash

engine_check() {
  is_root || fail "docker needs root" "leave it out, or run as root"
  need dockerd containerd runc ip nft iptables nsenter unshare openssl curl
}

engine_start() {
  local ns host guest options=()
  net_up "$id"
  read -r ns host guest <"$dir/net"
  make_pki "$dir/tls" "$guest"

  # A file of our own, or dockerd reads the machine's. 20.10 also writes a key
  # of its own into /etc/docker unless told where; later versions do not know the option.
  if [[ $(dockerd --version) == *" version 20."* ]]; then
    printf '{ "deprecated-key-path": "%s" }\n' "$dir/key.json" >"$dir/daemon.json"
  else
    printf '{}\n' >"$dir/daemon.json"
  fi

  # The addresses of its bridges only have to differ from the machine's own networks.
  options+=(--bip 10.214.0.1/24 --default-address-pool base=10.215.0.0/16,size=24)
  # Name given, because with systemd and cgroup v2 the default asks systemd over D-Bus.
  options+=(--exec-opt native.cgroupdriver=cgroupfs --cgroup-parent "/slipway-$id")

  launch_inside dockerd --config-file "$dir/daemon.json" \
    --data-root "$dir/data" --exec-root "$dir/run" --pidfile "$dir/run/dockerd.pid" \
    --host "unix://$sock" --group root \
    --host "tcp://$guest:2376" --tlsverify --tlscacert "$dir/tls/good-ca.pem" \
    --tlscert "$dir/tls/server-cert.pem" --tlskey "$dir/tls/server-key.pem" \
    --mtu "$(cat "/sys/class/net/sw$id/mtu")" --shutdown-timeout 3 "${options[@]}"
}

engine_cgroups() { printf 'slipway-%s\n' "$id"; }

engine_env() {
  local ns host guest
  read -r ns host guest <"$dir/net"
  export_line SLIPWAY_TEST_DOCKER_HOST "unix://$sock"
  export_line SLIPWAY_TEST_DOCKER_TLS_HOST "tcp://$guest:2376"
  export_line SLIPWAY_TEST_DOCKER_CERT_PATH "$dir/tls/client"
  export_line SLIPWAY_TEST_WRONG_CERT_PATH "$dir/tls/wrong"
  export_line SLIPWAY_TEST_DOCKER_GATEWAY "$host"
}
