# A network of its own for one engine: network namespace, veth pair and one nft
# table, all named by the engine's id. Sourced, never run; root only.
#
# Why: engines rewrite bridges and packet filters of the network they run in. In
# the machine's network that would cut the user's own containers off.
# shellcheck shell=bash

shared=/run/slipway-test-engines # what all state directories of the machine have in common

net_names() {
  ns=sw-$1 link=sw$1 table=slipway_$1
}

uplink() { ip -4 route show default | awk '{ for (i = 1; i < NF; i++) if ($i == "dev") { print $(i + 1); exit } }'; }

# Addresses come in fours out of 10.213.0.0/16; the id says where to look first.
free_subnet() {
  local slot=$((16#${1:0:4} % 16384)) taken tries
  taken=$(ip -4 -o addr show)
  for tries in {1..512}; do
    local base="10.213.$((slot / 64)).$((slot % 64 * 4))"
    local prefix=${base%.*} last=${base##*.}
    if [[ $taken != *" $prefix.$((last + 1))/"* ]]; then
      printf '%s %s' "$prefix.$((last + 1))" "$prefix.$((last + 2))"
      return
    fi
    slot=$(((slot + tries) % 16384))
  done
  fail "no free addresses in 10.213.0.0/16" "stop engines that nobody uses: ls $shared"
}

net_up() {
  mkdir -p "$shared/users"
  locked "$shared/lock" net_up_locked "$1"
}

net_up_locked() {
  local ns link table host guest device mtu=1500 was
  net_names "$1"
  read -r host guest <<<"$(free_subnet "$1")"
  device=$(uplink)
  [[ -z $device ]] || mtu=$(cat "/sys/class/net/$device/mtu")

  ip netns add "$ns"
  : >"$shared/users/$ns"
  printf '%s %s %s\n' "$ns" "$host" "$guest" >"$dir/net"
  # An uplink smaller than 1500 (tunnels, clouds) loses large packets of a larger link.
  ip link add "$link" mtu "$mtu" type veth peer name eth0 mtu "$mtu" netns "$ns"
  ip addr add "$host/30" dev "$link"
  ip link set "$link" up
  ip -n "$ns" link set lo up
  ip -n "$ns" addr add "$guest/30" dev eth0
  ip -n "$ns" link set eth0 up
  ip -n "$ns" route add default via "$host"

  nft -f - <<RULES
table ip $table {
  chain out {
    type nat hook postrouting priority srcnat;
    ip saddr $guest oifname != "$link" masquerade
  }
  chain pass {
    type filter hook forward priority mangle;
    iifname "$link" tcp flags syn tcp option maxseg size set rt mtu
    oifname "$link" tcp flags syn tcp option maxseg size set $((mtu - 40))
  }
}
RULES

  warn_if_forwarding_is_dropped "$1"

  # Forwarding is switched on for the two interfaces concerned, not for the
  # machine; the uplink's earlier value comes back with the last engine.
  echo 1 >"/proc/sys/net/ipv4/conf/$link/forwarding"
  if [[ -n $device ]]; then
    was=$(cat "/proc/sys/net/ipv4/conf/$device/forwarding")
    if [[ $was == 0 ]]; then
      echo 1 >"/proc/sys/net/ipv4/conf/$device/forwarding"
      printf '%s\n' "$device" >>"$shared/forwarding"
    fi
  fi
}

# net_close ID ADDRESS PORT: of this machine only root reaches the port, and nobody from elsewhere.
net_close() {
  local ns link table
  net_names "$1"
  nft -f - <<RULES
table ip $table {
  chain own {
    type filter hook output priority filter;
    ip daddr $2 tcp dport $3 meta skuid != 0 reject
  }
  chain others {
    type filter hook forward priority filter;
    ip daddr $2 tcp dport $3 drop
  }
}
RULES
}

# address_up ID: an address of the machine's own, which engines reach by their way out. Other
# than one in a namespace it works where the machine's packet filter drops what is forwarded.
address_up() {
  mkdir -p "$shared"
  locked "$shared/lock" address_up_locked "$1"
}

address_up_locked() {
  local ns link table address _
  net_names "$1"
  read -r address _ <<<"$(free_subnet "$1")"
  ip addr add "$address/32" dev lo label "lo:$link"
  printf '%s %s %s\n' - "$address" "$address" >"$dir/net"
}

# A machine that runs a Docker of its own drops what it does not know. No rule of
# ours can overrule that, and its rules are not ours to change.
warn_if_forwarding_is_dropped() {
  if nft list chain ip filter FORWARD 2>/dev/null | grep -q 'policy drop'; then
    say "warning: the machine's packet filter drops forwarded packets: containers of $engine reach no network"
    say "hint: allow interface sw$1 in the chain FORWARD (or DOCKER-USER) of table ip filter"
  fi
}

# net_down ID: also cleans what a killed run left; nothing there is no error.
net_down() {
  [[ -d $shared ]] || return 0
  locked "$shared/lock" net_down_locked "$1"
}

net_down_locked() {
  local ns link table user device
  net_names "$1"
  nft delete table ip "$table" 2>/dev/null || true
  ip link delete "$link" 2>/dev/null || true
  ip netns delete "$ns" 2>/dev/null || true
  ip -4 addr flush dev lo label "lo:$link" 2>/dev/null || true
  rm -f "$shared/users/$ns"

  for user in "$shared"/users/*; do
    if [[ -e $user && -e /run/netns/${user##*/} ]]; then return 0; fi
  done
  if [[ -f $shared/forwarding ]]; then
    while read -r device; do
      [[ ! -e /proc/sys/net/ipv4/conf/$device ]] || echo 0 >"/proc/sys/net/ipv4/conf/$device/forwarding"
    done <"$shared/forwarding"
  fi
  rm -rf "$shared/forwarding" "$shared/users"
}

# write_resolv_conf FILE: name servers that answer from another network namespace.
write_resolv_conf() {
  local source servers
  for source in /etc/resolv.conf /run/systemd/resolve/resolv.conf; do
    [[ -r $source ]] || continue
    servers=$(grep -E '^nameserver[[:space:]]' "$source" | grep -Ev '[[:space:]](127\.|::1)' || true)
    if [[ -n $servers ]]; then
      grep -Ev '^nameserver[[:space:]]+(127\.|::1)' "$source" >"$1"
      return
    fi
  done
  say "warning: the machine's name servers listen on loopback only; $engine gets public ones"
  printf 'nameserver 9.9.9.9\nnameserver 1.1.1.1\n' >"$1"
}
