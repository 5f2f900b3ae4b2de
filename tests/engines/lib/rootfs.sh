# Root file systems of other Debian releases, for engines of other versions. Sourced, never run;
# root only.
#
# They are made once and kept in a cache, because a first start costs a download and a later
# one only a bind mount. Engines see them read-only.
# shellcheck shell=bash

# What stands in every one of them: the engines, and what they start by name.
root_packages=(docker.io podman procps runc containerd netavark aardvark-dns catatonit iptables nftables
  ca-certificates base-files base-passwd bash coreutils mount util-linux)

root_cache() { printf '%s' "${SLIPWAY_TEST_ROOTS:-${XDG_CACHE_HOME:-$HOME/.cache}/slipway-tests/roots}"; }

# root_of SUITE: the directory of SUITE's root. Its name holds all that decides what is in it,
# so a changed list makes another one. The release that moves gets a new one every week.
root_of() {
  local week=''
  [[ $1 != sid ]] || week=-$(date +%G.%V)
  printf '%s/%s-%s%s-%s' "$(root_cache)" "$1" "$(uname -m)" "$week" \
    "$(sha256sum "$here/lib/rootfs.sh" | cut -c1-12)"
}

# root_make SUITE: makes the root unless it is there. Two at once: the second waits.
root_make() {
  local root
  root=$(root_of "$1")
  if [[ ! -d $root ]]; then
    need mmdebstrap
    mkdir -p "$(root_cache)"
    locked "$(root_cache)/.lock-$1" root_make_locked "$1"
  fi
  touch "$root" # in use, see root_remove_old
}

root_make_locked() {
  local suite=$1 root cache began=$SECONDS
  root=$(root_of "$suite") cache=$(root_cache)
  [[ ! -d $root ]] || return 0
  say "making the root file system of Debian $suite in $cache"
  rm -rf --one-file-system "$cache/.making-$suite".* # of a killed run
  work=$(mktemp -d "$cache/.making-$suite.XXXXXX")
  trap 'rm -rf --one-file-system "$work"' EXIT
  trap 'exit 130' INT TERM
  root_unpack "$suite" "$work/root" >"$work/log" 2>&1 || {
    tail -n 15 "$work/log" >&2
    fail "the root file system of Debian $suite could not be made" \
      "is a Debian mirror reachable? SLIPWAY_DEBIAN_MIRROR=URL names another one"
  }
  mv "$work/root" "$root"
  root_remove_old "$suite"
  say "made it in $((SECONDS - began)) s, $(du -sm "$root" | cut -f1) MB"
}

# root_unpack SUITE DIR: the packages' files only, which takes a third of the time of installing
# them; what their scripts would have done and an engine needs is done here.
#
# The index must be signed, but may be old, as debootstrap has it too: mirrors are snapshots, and
# an engine that is a month old is still one to test with.
root_unpack() {
  local root=$2 name
  mmdebstrap --variant=extract --aptopt='Acquire::Check-Valid-Until "false"' \
    --include="$(printf '%s,' "${root_packages[@]}")" \
    "$1" "$root" ${SLIPWAY_DEBIAN_MIRROR:+"$SLIPWAY_DEBIAN_MIRROR"} || return 1
  for name in passwd group; do
    cp "$root/usr/share/base-passwd/$name.master" "$root/etc/$name" || return 1
  done
  for name in iptables ip6tables; do
    ln -sf "$name-nft" "$root/usr/sbin/$name"
    ln -sf "$name-nft-save" "$root/usr/sbin/$name-save"
    ln -sf "$name-nft-restore" "$root/usr/sbin/$name-restore"
  done
  cat "$root"/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt" || return 1
  # No engine starts these: podman's own tests, programs for people, texts.
  rm -rf "$root"/usr/libexec/podman/podman-testing "$root"/usr/bin/{ctr,podman-remote,perl*} \
    "$root"/usr/bin/containerd-shim{,-runc-v1} "$root"/usr/share/{doc,info,locale,man,lintian} \
    "$root"/usr/lib/*/{gconv,perl-base} "$root"/var/{cache,lib}/apt "$root"/usr/share/{bash,zsh}*
  rm -f "$root"/etc/{resolv.conf,hostname}
}

# root_remove_old SUITE: roots that nobody has started an engine with for a week (another branch
# of the sources may still want its own), and that none lives in: lib/inside holds a shared lock.
root_remove_old() {
  local old
  for old in "$(root_cache)/$1"-*; do
    [[ $old != "$(root_of "$1")" && -n $(find "$old" -maxdepth 0 -mtime +6) ]] || continue
    (flock --nonblock 9 && rm -rf --one-file-system "$old") 9<"$old" || true
  done
}
