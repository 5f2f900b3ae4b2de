# What debian:bookworm-slim is, from the distribution's packages.
# shellcheck shell=bash

suite=bookworm

image_key() { printf 'debian-%s-%s-v1' "$suite" "$(dpkg --print-architecture 2>/dev/null || uname -m)"; }

image_make() {
  local root=$1/root mirror epoch
  need debootstrap
  [[ $EUID -eq 0 ]] || fail "a Debian root file system can only be made by root" \
    "sudo tests/images/base debian OUT.tar, or pull debian:$suite-slim where a registry is reachable"
  # The mirror is debootstrap's own default unless the caller names one.
  debootstrap --variant=minbase "$suite" "$root" ${SLIPWAY_DEBIAN_MIRROR:+"$SLIPWAY_DEBIAN_MIRROR"} \
    >"$1/log" 2>&1 || {
    tail -n 15 "$1/log" >&2
    fail "debootstrap could not make $suite" \
      "is a Debian mirror reachable? SLIPWAY_DEBIAN_MIRROR=URL names another one"
  }

  # The youngest file of a package: the image is as old as its content.
  epoch=$(find "$root/usr" -type f -printf '%T@\n' | sort -n | tail -n 1)
  epoch=${epoch%.*}
  mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")
  mirror=${mirror%/}
  {
    printf 'deb %s %s main\n' "$mirror" "$suite" "$mirror" "$suite-updates"
    printf 'deb %s %s main\n' "${mirror%/*}/debian-security" "$suite-security"
  } >"$root/etc/apt/sources.list"
  slim "$root" "$epoch"
  pack "$root" "$epoch" "$1/image.tar"
}

# What the official slim image leaves out and how it sets up apt; also all that
# tells one making from the next.
slim() {
  local root=$1 epoch=$2
  cat >"$root/etc/dpkg/dpkg.cfg.d/docker" <<'CONF'
# No documentation in an image, but keep the licences.
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-include /usr/share/locale/locale.alias
path-exclude /usr/share/man/*
path-exclude /usr/share/groff/*
path-exclude /usr/share/lintian/*
# No waiting for the disk after every file: an image that fails is thrown away.
force-unsafe-io
CONF
  cat >"$root/etc/apt/apt.conf.d/docker" <<'CONF'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/archives/partial/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
Acquire::GzipIndexes "true";
Apt::AutoRemove::SuggestsImportant "false";
CONF
  printf '#!/bin/sh\n# Services do not start while an image is being built.\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"

  find "$root/usr/share/doc" -mindepth 2 ! -name copyright ! -type d -delete
  find "$root/usr/share/doc" -depth -type d -empty -delete
  find "$root/usr/share/locale" -mindepth 1 -maxdepth 1 ! -name locale.alias -exec rm -rf {} +
  rm -rf "$root"/usr/share/{info,man,groff,lintian}/* "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* \
    "$root"/var/cache/ldconfig/* "$root"/var/cache/debconf/*-old "$root"/var/lib/dpkg/*-old \
    "$root"/var/log/*.log "$root"/var/log/apt/* "$root"/etc/*- "$root"/etc/hostname "$root"/run/*
  mkdir -p "$root/var/lib/apt/lists/partial" "$root/var/cache/apt/archives/partial" "$root/run/lock"
  chmod 1777 "$root/run/lock"
  : >"$root/etc/machine-id"
  : >"$root/etc/resolv.conf"
  awk -F: -v OFS=: -v days=$((epoch / 86400)) '{ $3 = days } 1' "$root/etc/shadow" >"$root/etc/shadow.new"
  cat "$root/etc/shadow.new" >"$root/etc/shadow" # keeps owner and mode
  rm "$root/etc/shadow.new"
}
