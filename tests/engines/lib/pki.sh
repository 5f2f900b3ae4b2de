# Certificates for an engine on TCP, made on the spot. Sourced, never run.
# shellcheck shell=bash

# issue CA NAME SUBJECT EXTENSIONS: NAME-key.pem and NAME-cert.pem signed by CA.
issue() {
  local ca=$1 name=$2 subject=$3 extensions=$4
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 \
    -keyout "$name-key.pem" -out "$name.csr" -subj "/CN=$subject"
  openssl x509 -req -sha256 -days 30 -in "$name.csr" -CA "$ca-ca.pem" -CAkey "$ca-ca-key.pem" \
    -set_serial "0x$(openssl rand -hex 8)" -extfile <(printf '%s\n' "$extensions") -out "$name-cert.pem"
  rm "$name.csr"
}

authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 30 \
    -keyout "$1-ca-key.pem" -out "$1-ca.pem" -subj "/CN=slipway tests: $1" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign
}

server_extensions() {
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:%s\nextendedKeyUsage=serverAuth' "$1"
}

# make_pki DIR IP: server files in DIR, and two directories a client can name as
# DOCKER_CERT_PATH: client/ is good; in wrong/ everything comes from an authority
# the server has never heard of.
make_pki() (
  umask 077
  mkdir -p "$1/client" "$1/wrong"
  cd "$1"
  authority good
  authority wrong
  issue good server localhost "$(server_extensions "$2")"
  issue good client client extendedKeyUsage=clientAuth
  issue wrong wrong-client client extendedKeyUsage=clientAuth
  mv client-cert.pem client/cert.pem
  mv client-key.pem client/key.pem
  cp good-ca.pem client/ca.pem
  mv wrong-client-cert.pem wrong/cert.pem
  mv wrong-client-key.pem wrong/key.pem
  cp wrong-ca.pem wrong/ca.pem
) >>"$dir/log" 2>&1

# make_wrong_server DIR IP: beside them, a server that nobody has reason to trust.
make_wrong_server() (
  umask 077
  cd "$1"
  issue wrong wrong-server localhost "$(server_extensions "$2")"
) >>"$dir/log" 2>&1
