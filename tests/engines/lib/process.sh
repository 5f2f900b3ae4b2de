# Starting, finding and ending an engine's processes. Sourced, never run.
# shellcheck shell=bash

# The start time tells our process from a later one that got the same number. A
# zombie has none: it is dead, its parent only has not asked for it yet.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -r -a fields <<<"${stat##*) }" # the name in parentheses may hold spaces
  [[ ${fields[0]} != Z ]] || return 1
  printf '%s' "${fields[19]}"
}

# running: prints the process id if the engine's outermost process lives.
running() {
  local pid started
  [[ -f $dir/pid ]] || return 1
  read -r pid started <"$dir/pid" || return 1
  [[ -n $started && $(start_time "$pid") == "$started" ]] || return 1
  printf '%s' "$pid"
}

# launch COMMAND...: starts it in the background, detached from this session and
# from every descriptor of ours: a caller reading our output must not hang.
launch() {
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      ((fd < 3 || fd == 255)) || eval "exec $fd>&-" 2>/dev/null || true
    done
    exec setsid "$@" </dev/null >>"$dir/log" 2>&1
  ) &
  local pid=$!
  disown "$pid"
  printf '%s %s\n' "$pid" "$(start_time "$pid" || true)" >"$dir/pid"
}

answers() {
  [[ $(curl -sS -m 5 --unix-socket "$1" http://engine/_ping 2>/dev/null) == OK ]]
}

# wait_ready: an engine is ready when it answers, not when a file exists.
wait_ready() {
  local deadline=$((SECONDS + ${SLIPWAY_TEST_ENGINE_DEADLINE:-60}))
  until engine_answers; do
    if ! running >/dev/null || ((SECONDS >= deadline)); then
      local what
      what="did not answer on $(engine_place) in time"
      running >/dev/null || what="ended before it answered"
      say "---- the last lines of $dir/log"
      tail -n 25 "$dir/log" >&2 || true
      say "----"
      fail "$engine $what" "the lines above are the engine's own"
    fi
    sleep 0.1
  done
}

# end_process SIGNAL SECONDS: signals the outermost process and waits for its end.
# As root that process owns a pid namespace, so the kernel ends all that ran in
# it: containerd, shims, conmon, containers. Nothing has to be searched for. A signal
# that asks goes to its child as well, because unshare(1) itself blocks those.
end_process() {
  local pid children=() tries=$(($2 * 20))
  pid=$(running) || return 0
  # The list has no newline, which read takes for a failure.
  if [[ $1 != KILL ]]; then read -r -a children <"/proc/$pid/task/$pid/children" || true; fi
  kill -s "$1" "$pid" "${children[@]}" 2>/dev/null || true
  while ((tries-- > 0)) && running >/dev/null; do
    sleep 0.05
  done
  ! running >/dev/null
}

# Control groups outlive their processes; ours are all named by the id.
remove_cgroups() {
  local tries group
  for tries in {1..40}; do
    for group in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
      [[ -d $group ]] || continue
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null || true
    done
    compgen -G "/sys/fs/cgroup/$1" >/dev/null || compgen -G "/sys/fs/cgroup/*/$1" >/dev/null || return 0
    sleep 0.05
  done
  say "warning: control groups named $1 are left in /sys/fs/cgroup ($tries tries)"
}
