# Two megabytes with a shell and the usual tools, from one static program.
# shellcheck shell=bash

image_key() {
  need busybox
  # The program is the content: another one makes another image. So does this file.
  printf 'busybox-%s' "$(cat "$(type -P busybox)" "$here/kinds/busybox.sh" | sha256sum | cut -c1-12)"
}

image_make() {
  local root=$1/root program path
  program=$(type -P busybox)
  [[ $(LC_ALL=C head -c 65536 "$program" | tr -d '\0') != *ld-linux* ]] ||
    fail "$program is linked dynamically" "install busybox-static: third_party/install engines"
  mkdir -p "$root"/{bin,sbin,usr/bin,usr/sbin,etc,root,proc,sys,dev,run,var/tmp,home,tmp}
  chmod 755 "$root" "$root"/{bin,sbin,usr,usr/bin,usr/sbin,etc,proc,sys,dev,run,var,home}
  chmod 700 "$root/root"
  chmod 1777 "$root/tmp" "$root/var/tmp"
  install -m 755 "$program" "$root/bin/busybox"
  while read -r path; do
    path=${path#linuxrc}
    if [[ -z $path || $path == bin/busybox ]]; then continue; fi
    mkdir -p "$root/${path%/*}"
    ln -s /bin/busybox "$root/$path"
  done < <("$program" --list-full)
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  chmod 644 "$root"/etc/*
  chown -R --no-dereference 0:0 "$root" 2>/dev/null || true
  pack_as_root "$root" "$1/image.tar"
}

# An ordinary user can make this one too: everything in it belongs to root anyway.
pack_as_root() {
  tar --create --file "$2" --directory "$1" --sort=name --owner=0 --group=0 --numeric-owner \
    --format=gnu --mtime=@0 .
}
