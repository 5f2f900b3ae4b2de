# podman without root. Sourced by ../engines.
#
# Run by an ordinary user it is that user's; run by root it belongs to a user made
# for the purpose, whose only trace is its line in the machine's user list.
# shellcheck shell=bash

test_user=slipway-test

engine_check() {
  need podman runc newuidmap slirp4netns curl
  if is_root; then
    need ip nft nsenter unshare setpriv useradd
    id "$test_user" >/dev/null 2>&1 ||
      useradd --create-home --shell /bin/bash --comment "slipway's engine tests" "$test_user"
  fi
  local user=$test_user
  is_root || user=$(id -un)
  if ! grep -q "^$user:" /etc/subuid || ! grep -q "^$user:" /etc/subgid; then
    fail "the user $user has no subordinate ids" \
      "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user"
  fi
}

# Native overlay without root needs Linux 5.13 and a file system that can carry it;
# vfs copies every file of an image for every container, but works anywhere.
# podman itself chooses vfs too often, so the mount is tried.
rootless_driver() {
  local probe as=()
  probe=$(mktemp -d "$dir/probe.XXXXXX")
  mkdir "$probe"/{lower,upper,work,merged}
  if is_root; then
    chmod 755 "$probe"
    chown -R "$test_user:" "$probe"
    # As in engine_start: the path may be closed to the user, the directory is not.
    as=(setpriv --reuid "$test_user" --regid "$test_user" --init-groups)
  fi
  if (cd "$probe" && "${as[@]}" unshare --user --map-root-user --mount \
    mount -t overlay -o "userxattr,lowerdir=lower,upperdir=upper,workdir=work" \
    overlay merged) 2>/dev/null; then
    printf overlay
  else
    printf vfs
  fi
  rm -rf "$probe"
}

engine_start() {
  local podman service base=$dir
  # Directories above the state directory may well be closed to the test user, so
  # in its own mount namespace it has a second name, made by lib/inside.
  if is_root; then base=/run/slipway-engine; fi
  mkdir -p "$dir/data"
  chmod 700 "$dir/run"
  podman_config "$(rootless_driver)"
  podman_command
  service=(env "XDG_RUNTIME_DIR=$base/run" "XDG_CONFIG_HOME=$base/home/.config"
    "${podman[@]}" system service --time=0 "unix://$base/socket/s")
  if ! is_root; then
    launch "${service[@]}"
    return
  fi
  net_up "$id"
  chmod 755 "$dir"
  chown -R "$test_user:" "$dir/home" "$dir/data" "$dir/run" "$dir/conf" "$dir/socket"
  launch_inside setpriv --reuid "$test_user" --regid "$test_user" --init-groups "${service[@]}"
}

# own_podman WORD...: a podman of the caller's on this data root, without the service.
own_podman() {
  local podman base=$dir
  podman_command
  env "XDG_RUNTIME_DIR=$dir/run" "XDG_CONFIG_HOME=$dir/home/.config" "${podman[@]}" "$@"
}

# Without root there is no pid namespace to end: containers are ended by podman
# itself, which also unmounts them, and the service by what its arguments say
# (podman starts itself a second time in a user namespace).
engine_leftovers() {
  local process
  if is_root || [[ ! -d $dir/conf ]]; then return 0; fi
  own_podman rm --all --force --time 0 >/dev/null 2>&1 || true
  for process in /proc/[0-9]*; do
    [[ $(tr '\0' ' ' 2>/dev/null <"$process/cmdline" || true) == *"unix://$dir/socket/s"* ]] || continue
    kill -KILL "${process##*/}" 2>/dev/null || true
  done
  end_pause
}

# A sleeping process of podman's holds the user namespace and what is mounted there.
end_pause() {
  local file
  for file in "$dir"/run/libpod/pause.pid "$dir"/run/libpod/tmp/pause.pid; do
    if [[ -f $file ]]; then kill -KILL "$(cat "$file")" 2>/dev/null || true; fi
    rm -f "$file"
  done
}

# Files in the data root belong to the subordinate ids, which only root and
# podman's own user namespace may remove.
engine_remove_data() {
  if is_root; then
    rm -rf "$dir/data"
    return
  fi
  own_podman unshare sh -c 'umount --lazy "$1/overlay" 2>/dev/null; rm -rf "$1"' sh "$dir/data"
  end_pause
}

engine_env() { podman_env; }
