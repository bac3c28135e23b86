# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the daemon under a service manager, which hears when it is ready, reloads, lives and stops (sd_notify(3)).

hear() { # PATH: a manager is there
    start_process manager "$scratch/manager.log" ip netns exec "$topology_tag-front" /usr/bin/python3 -B "$here/hear_notify.py" "$1"
    wait_until 5 grep -q listening "$scratch/manager.log"
}
heard() { # COUNT WORD
    cat "$scratch/manager.log"
    [ "$(grep -cw -- "$2" "$scratch/manager.log")" -eq "$1" ]
}
start_served() { # PATH
    hear "$1" && NOTIFY_SOCKET=$1 start_gate front "$FRONT_POLICY" "$scratch/keys"
}
reloads() {
    "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
}
in_order() { # it stops, and says nothing after that; at first it was ready
    sed -n 's/^at=[0-9]* //p' "$scratch/manager.log" | sed 's/MONOTONIC_USEC=[0-9]*//; s/STATUS=.*//; s/ *$//' | tr '\n' ' ' |
        tee /dev/stderr | grep -Eq '^READY=1 RELOADING=1 READY=1 RELOADING=1 READY=1 STOPPING=1 $'
}
is_timed() { # the time in it is that of the datagram, to half a second
    /usr/bin/python3 - "$scratch/manager.log" <<'EOT'
import re, sys
times = re.findall(r"at=(\d+) RELOADING=1 MONOTONIC_USEC=(\d+)$", open(sys.argv[1]).read(), re.M)
assert len(times) == 2 and all(0 <= int(heard) - int(said) < 500000 for heard, said in times), times
EOT
}

check "a daemon that a manager has started" start_served "$scratch/notify"
check "is ready when the gate is up" wait_until 3 heard 1 READY=1
check "its gate is open then" in_front nft list table inet sallyport
check "a reload" reloads
check "is told of at its beginning and its end" heard 2 READY=1
cp "$scratch/keys" "$scratch/service.keys"
echo nonsense >"$scratch/keys"
check_fails "a reload that fails" reloads
mv "$scratch/service.keys" "$scratch/keys"
end_process front
check "all was told in order" wait_until 2 in_order
check "with the time at which a reload began" is_timed
check "and what is in force, also when a reload was refused" eval \
    'heard 2 "STATUS=2 rules are in force: $FRONT_POLICY" && heard 1 "STATUS=2 rules are in force as before, the last reload was refused: $FRONT_POLICY"'
check "signs of life that nobody asked for are not given" heard 0 WATCHDOG=1
end_process manager

export WATCHDOG_USEC=3000000
check "a manager in the abstract namespace, that wants signs of life" start_served "@$topology_tag-notify"
check "is told as well" wait_until 20 heard 1 READY=1
lives() {
    [ "$(grep -c WATCHDOG=1 "$scratch/manager.log")" -ge 2 ]
}
check "and gets them" wait_until 5 lives
kill -STOP "${topology_pids[front]}"
sleep 0.3
count=$(grep -c WATCHDOG=1 "$scratch/manager.log")
sleep 1.5
check "but not while the control thread stands still" heard "$count" WATCHDOG=1
kill -CONT "${topology_pids[front]}"
end_process front
end_process manager
unset WATCHDOG_USEC

NOTIFY_SOCKET=$scratch/nobody check "a manager that isn't there doesn't matter" \
    start_gate front "$FRONT_POLICY" "$scratch/keys"
check "the gate is up" in_front nft list table inet sallyport

# ---- before there is a network

end_gates
start_gate_of_bystander() {
    ip -n "$topology_tag-bystander" address flush dev side0
    start_gate bystander "$FRONT_POLICY" "$scratch/keys"
}
check "on a host that has no address yet it starts" start_gate_of_bystander
give_address bystander side0 "$BYSTANDER_IPV4/24"
check "and learns them when they are there" wait_until 3 is_true bystander "s[\"addresses\"] == [\"$BYSTANDER_IPV4\"]"
end_process bystander
