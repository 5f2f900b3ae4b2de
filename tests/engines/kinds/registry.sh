# A registry of images for the other engines: TLS by an authority they trust, one user.
# A second port serves the same by an authority they do not know. Sourced by ../engines.
# shellcheck shell=bash

engine_check() {
  is_root || fail "the registry needs root, as the engines that use it do" "leave it out, or run as root"
  need docker-registry htpasswd ip unshare openssl curl
}

registry_user=tester

engine_place() {
  local ns address _
  read -r ns address _ <"$dir/net" && printf '%s:5000' "$address"
}

engine_answers() {
  local place
  place=$(engine_place 2>/dev/null) || return 1
  [[ $(curl --silent --max-time 5 --noproxy '*' --cacert "$dir/tls/good-ca.pem" \
    --user "$registry_user:$(cat "$dir/password")" "https://$place/v2/") == '{}' ]]
}

# registry_config PORT CERTIFICATE
registry_config() {
  cat <<CONF
version: 0.1
log:
  level: warn
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: $dir/data
  delete:
    enabled: true
auth:
  htpasswd:
    realm: tests
    path: $dir/htpasswd
http:
  addr: $address:$1
  secret: $(openssl rand -hex 16)
  tls:
    certificate: $dir/tls/$2-cert.pem
    key: $dir/tls/$2-key.pem
CONF
}

engine_start() {
  local ns address _ trust
  mkdir -p "$dir/data"
  address_up "$id"
  read -r ns address _ <"$dir/net"
  make_pki "$dir/tls" "$address"
  make_wrong_server "$dir/tls" "$address"
  (
    umask 077
    openssl rand -hex 12 >"$dir/password"
    # It knows passwords as bcrypt (-B) only.
    htpasswd -iBc "$dir/htpasswd" "$registry_user" <"$dir/password" 2>>"$dir/log"
    registry_config 5000 server >"$dir/good.yml"
    registry_config 5001 wrong-server >"$dir/wrong.yml"
  )
  trust=$state/.certs.d/$address:5000
  mkdir -p "$trust"
  install -m 644 "$dir/tls/good-ca.pem" "$trust/ca.crt"
  # Without the environment: it takes every variable REGISTRY_... for a setting, also podman's.
  launch_inside env -i "PATH=$PATH" bash -c '
    docker-registry serve "$1/wrong.yml" &
    exec docker-registry serve "$1/good.yml"' registry "$dir"
}

# The address may be another engine's by now; nobody shall trust it for our sake.
engine_leftovers() {
  local place
  place=$(engine_place 2>/dev/null) || return 0
  rm -rf "$state/.certs.d/$place"
}

engine_env() {
  local place
  place=$(engine_place)
  export_line SLIPWAY_TEST_REGISTRY "$place"
  export_line SLIPWAY_TEST_REGISTRY_UNTRUSTED "${place%:*}:5001"
  export_line SLIPWAY_TEST_REGISTRY_USER "$registry_user"
  export_line SLIPWAY_TEST_REGISTRY_PASSWORD "$(cat "$dir/password")"
  export_line SLIPWAY_TEST_REGISTRY_CA "$dir/tls/good-ca.pem"
}
