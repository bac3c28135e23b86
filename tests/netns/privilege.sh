# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the daemon has no more than it needs, the kernel says so of each thread, and it works all the same: traffic,
# reloads, repairs, a state. Whoever takes a thread over can't get out by other system calls.

# ---- what the kernel says

in_each_thread() { # HOST FIELD VALUE: lines of /proc/PID/task/TID/status
    local file
    for file in /proc/"${topology_pids[$1]}"/task/*/status; do
        grep -Eq "^$2:[[:space:]]*$3$" "$file" || { grep -H "^$2" "$file" && return 1; }
    done
}
in_workers() { # HOST FIELD VALUE
    local file count=0
    for file in /proc/"${topology_pids[$1]}"/task/*/status; do
        [[ $file == */task/"${topology_pids[$1]}"/* ]] && continue
        count=$((count + 1))
        grep -Eq "^$2:[[:space:]]*$3$" "$file" || { grep -H "^$2" "$file" && return 1; }
    done
    [ "$count" -gt 0 ]
}
in_control_thread() { # HOST FIELD VALUE
    grep -Eq "^$2:[[:space:]]*$3$" "/proc/${topology_pids[$1]}/status" || { grep "^$2" "/proc/${topology_pids[$1]}/status" && return 1; }
}
NET_ADMIN_AND_RAW=0000000000003000
AT_START=0000000000003404 # and NET_BIND_SERVICE, DAC_READ_SEARCH: for which a bounding set has no way back
NOTHING=0000000000000000

is_confined() { # HOST
    for set in CapPrm CapEff; do
        in_control_thread "$1" $set $NET_ADMIN_AND_RAW && in_workers "$1" $set $NOTHING || return 1
    done
    for set in CapInh CapAmb; do
        in_each_thread "$1" $set $NOTHING || return 1
    done
    in_each_thread "$1" CapBnd $AT_START && in_each_thread "$1" NoNewPrivs 1 && in_each_thread "$1" Seccomp 2
}
hides_memory() { # HOST: no core files, and all that is locked may be
    local limits=/proc/${topology_pids[$1]}/limits
    grep -Eq '^Max core file size +0 +0 ' "$limits" && grep -Eq '^Max locked memory +([^ ]+) +\1 ' "$limits"
}
has_locked_memory() { # HOST
    [ "$(sed -n 's/^VmLck:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/${topology_pids[$1]}/status")" -ge 64 ]
}

if ! grep -q '^Seccomp_filters' /proc/self/status; then
    skip "the daemon's privileges" "this kernel has no filters for system calls"
    return 0
fi

cp "$scratch/keys" "$scratch/privilege.keys"
check "daemons start, with a state, and two workers" eval \
    'start_gate front "$FRONT_POLICY" "$scratch/privilege.keys" --state "$scratch/state-front" --workers 2 &&
     start_gate back "$BACK_POLICY" "$scratch/keys" --state "$scratch/state-back" --workers 2'
check "two capabilities in the control thread, none in the workers, and no way back" is_confined front
check "no core files; all locks of memory granted" hides_memory front
check "keys are in locked memory" has_locked_memory front
check "status says the same" is_true front \
    's["confinement"] == {"user": 0, "capabilities": ["net_admin", "net_raw"], "worker_capabilities": [], "are_system_calls_filtered": True}'
check "also to people" bash -c '"$0" status --control "$1" | grep -q "^confinement: user 0, capabilities net_admin net_raw; threads of the data path none; system calls filtered"' \
    "$SP_BUILD/tools/ipsecctl/ipsecctl" "$scratch/front.sock"

# ---- and yet it works

check "a large file comes through" fetches front "$BACK_IPV4" big
check "and over IPv6" fetches front "[$BACK_IPV6]" big
check "a reload is done" "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
in_front ip link delete sally0
check "the device, deleted, is made again" wait_until 5 fetches front "$BACK_IPV4" small
check "with workers that have nothing either" wait_until 2 is_confined front
in_front nft flush ruleset
check "the guard, flushed, is put up again" wait_until 5 in_front nft list table inet sallyport
check "the gate is open" wait_until 5 fetches front "$BACK_IPV4" small
end_process front KILL
check "started again, it goes on with its state" start_gate front "$FRONT_POLICY" "$scratch/privilege.keys" \
    --state "$scratch/state-front" --workers 2
check "and the gate is open" fetches front "$BACK_IPV4" small

# ---- a port below 1024 is the one thing that takes a third capability

end_process front
check "an encapsulation port below 1024" start_gate front "$FRONT_POLICY" "$scratch/privilege.keys" \
    --state "$scratch/state-front" --encap-port 500
check "keeps the capability for it" is_true front \
    's["confinement"]["capabilities"] == ["net_admin", "net_bind_service", "net_raw"]'
end_process front

# ---- not root at all

NOBODY=65534
stranger=(--reuid $NOBODY --regid $NOBODY --clear-groups)
two_capabilities=(--inh-caps -all,+net_admin,+net_raw --ambient-caps -all,+net_admin,+net_raw)
start_as_stranger() {
    mkdir -p "$scratch/stranger"
    cp "$scratch/privilege.keys" "$scratch/stranger/keys"
    cp "$FRONT_POLICY" "$scratch/stranger/policy"
    chown -R $NOBODY:$NOBODY "$scratch/stranger"
    mkdir -p /run/sallyport
    chown $NOBODY /run/sallyport # as RuntimeDirectory= does
    cp "$SP_BUILD/tools/sallyportd/sallyportd" "$scratch/sallyportd"
    cp -P "$SP_BUILD"/lib/libsallyport.so* "$SP_BUILD"/offload/libsallyport-offload.so* "$scratch"
    start_process front "$scratch/front.log" ip netns exec "$topology_tag-front" env LD_LIBRARY_PATH="$scratch" \
        setpriv "${stranger[@]}" "${two_capabilities[@]}" "$scratch/sallyportd" --policy "$scratch/stranger/policy" \
        --keys "$scratch/stranger/keys" --control "$scratch/stranger/front.sock" --state "$scratch/stranger/state"
    wait_until 5 test -S "$scratch/stranger/front.sock" && ln -sf stranger/front.sock "$scratch/front.sock" &&
        wait_until 5 gate_status front
}
is_strangers() {
    is_true front "s[\"confinement\"][\"user\"] == $NOBODY and s[\"confinement\"][\"capabilities\"] == [\"net_admin\", \"net_raw\"]" &&
        in_workers front CapPrm $NOTHING && in_each_thread front CapAmb $NOTHING &&
        [ "$(stat -c %u "/proc/${topology_pids[front]}/mem")" -eq 0 ] # what is not dumpable is root's
}
check "another user with two capabilities may run it as well" start_as_stranger
check "and has no more in it, nor its memory" is_strangers
check "a reload is done there, too" "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
in_front ip link delete sally0
check "and a repair" wait_until 5 in_front ip link show sally0
end_process front
rm -f "$scratch/front.sock"
chown 0 /run/sallyport
refuses_without_capabilities() {
    in_front env LD_LIBRARY_PATH="$scratch" setpriv "${stranger[@]}" "$scratch/sallyportd" --policy "$scratch/stranger/policy" \
        --keys "$scratch/stranger/keys" >"$scratch/refused.log" 2>&1
    [ $? -eq 2 ] && grep -q 'must be root, or have CAP_NET_ADMIN and CAP_NET_RAW' "$scratch/refused.log"
}
check "and without them is refused" refuses_without_capabilities
end_gates

# ---- taken over

if [ "$(uname -m)" != x86_64 ]; then
    skip "system calls that are not on the list" "the test speaks to x86-64 processors only"
    return 0
fi
CALL_EXECVE=59 CALL_OPEN=2 CALL_SOCKET=41 CALL_MMAP=9 CALL_CLONE=56 CALL_GETPID=39
asks_as() { # control|worker NUMBER [ARGUMENT...]: what came of it
    local pid=${topology_pids[front]} tid
    tid=$pid
    [ "$1" = control ] || tid=$(ls "/proc/$pid/task" | grep -vx "$pid" | head -n 1)
    /usr/bin/python3 -B "$here/ask_as_thread.py" "$tid" "${@:2}"
}
is_answered() { # ANSWER THREAD NUMBER [ARGUMENT...]
    local answer
    answer=$(asks_as "${@:2}")
    echo "answer: $answer"
    [ "$answer" = "$1" ]
}
is_over() {
    end_process front
    echo "exit status $ended_status"
    [ "$ended_status" -eq 3 ]
}
ends_by() { # TITLE THREAD NUMBER [ARGUMENT...]
    renew_keys
    start_gates
    start_capture taken front wire0
    check "$1 (the $2 thread)" is_answered SIGSYS "${@:2}"
    wait_until 3 fails is_running front
    check "$1 ends the daemon, with status 3" is_over
    check "$1 is said" grep -q "system call 0*$3 is not on the list" "$scratch/front.log"
    check "$1: nothing gets through any more" stays_shut front "$BACK_IPV4"
    stop_capture taken
    check "$1: and nothing leaves in clear" is_unseen taken "src $FRONT_IPV4 and tcp port 80"
    end_gates
    in_front "$SP_BUILD/tools/sallyportd/sallyportd" --undo
    rm -f "$scratch/front.sock" "$scratch/front.stats"
}
MAP_PRIVATE_ANONYMOUS=0x22 PROT_READ_EXECUTE=5 AF_PACKET=17 SOCK_RAW=3 SIGCHLD=17
renew_keys
start_gates
check "(a call that is on the list is answered)" is_answered "${topology_pids[front]}" worker "$CALL_GETPID"
check "no memory becomes code, in a worker" is_answered -1 worker "$CALL_MMAP" 0 4096 "$PROT_READ_EXECUTE" "$MAP_PRIVATE_ANONYMOUS" -1 0
check "nor in the control thread" is_answered -1 control "$CALL_MMAP" 0 4096 "$PROT_READ_EXECUTE" "$MAP_PRIVATE_ANONYMOUS" -1 0
check "which goes on" fetches front "$BACK_IPV4" small
end_gates
ends_by "another program" worker "$CALL_EXECVE"
ends_by "opening a file" worker "$CALL_OPEN"
ends_by "another socket" worker "$CALL_SOCKET" 2 2 0
ends_by "a packet socket" control "$CALL_SOCKET" "$AF_PACKET" "$SOCK_RAW" 0
ends_by "another process" control "$CALL_CLONE" "$SIGCHLD"
renew_keys
