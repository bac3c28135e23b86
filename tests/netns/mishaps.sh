# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the daemon's surroundings misbehave.

# ---- clients of the control socket that neither ask nor read

start_gates
start_process idlers "$scratch/idlers.log" /usr/bin/python3 -c '
import socket, sys, time
idle = []
for _ in range(16):
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    idle.append(client)
print("connected", flush=True)
time.sleep(60)' "$scratch/front.sock"
wait_until 5 grep -q connected "$scratch/idlers.log"
check "silent control clients don't hold up traffic" fetches front "$BACK_IPV4" big
check "and are hung up on, so that others get an answer" wait_until 10 gate_status front
end_process idlers
refuses_nonsense() { # SOCKET
    /usr/bin/python3 -c 'import json, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
s.sendall(b"{]\n")
answer = json.loads(s.recv(4096))
assert answer["ok"] is False and answer["error"], answer' "$1"
}
check "a request that isn't one gets a refusal" refuses_nonsense "$scratch/front.sock"
end_gates

# ---- the device is taken away

renew_keys
start_gates
start_capture gone front wire0
in_front ip link delete sally0
check "when its device is deleted the daemon ends" wait_until 5 fails is_running front
end_process front
check "with status 2" test "$ended_status" -eq 2
check "and leaves the guard up" in_front nft list table inet sallyport
check "so that nothing gets through" stays_shut front "$BACK_IPV4"
stop_capture gone
check "and nothing is in clear" is_unseen gone 'tcp port 80'
end_gates
check "a daemon started after that opens the gate again" start_gate front "$FRONT_POLICY" "$scratch/keys"
end_process front
check "and cleans up" is_cleaned_up front

# ---- somebody flushes the rule: the guard is what stops the traffic then

renew_keys
start_gates
in_front ip rule delete fwmark 0x5a11
start_capture unruly front wire0
check "without the routing rule nothing gets through" stays_shut front "$BACK_IPV4"
stop_capture unruly
check "and nothing is in clear without the rule" is_unseen unruly 'tcp port 80'
check "the last chain counted what it stopped" is_true front \
    'sum(g["packets"] for g in s["guard"] if g["chain"] == "guard_out") > 0'
end_gates

# ---- a firewall script flushes everything

renew_keys
start_gates
in_front nft flush ruleset
check "after nft flush ruleset the guard is put up again" wait_until 3 in_front nft list table inet sallyport
check "the log tells of it" wait_until 3 grep -q 'put up again' "$scratch/front.log"
start_capture flushed front wire0
check "and the gate is open" fetches front "$BACK_IPV4" small
end_process front KILL
check "shut when its daemon dies" stays_shut front "$BACK_IPV4"
stop_capture flushed
check "and nothing is in clear after a flush" is_hidden flushed 'tcp port 80'
end_gates
renew_keys
check "started once more, to end in good order" start_gates
end_gates
check "which opens the front-end again" fetches front "$BACK_IPV4" small

# ---- the tests themselves are interrupted

interrupted() {
    local pid tag
    SP_SOURCE=$SP_SOURCE SP_BUILD=$SP_BUILD SP_SCENES=none setsid /usr/bin/python3 -c '
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv("/bin/bash", ["bash", "-c", ". \"$SP_SOURCE/tools/lib/topology.sh\"; topology_up; start_web; make_keys \"$scratch/keys\"; start_gate front \"$SP_SOURCE/docs/examples/front-end.policy\" \"$scratch/keys\"; echo $topology_tag $scratch; sleep 60"])' \
        >"$scratch/interrupted.log" 2>&1 &
    pid=$!
    wait_until 20 grep -q '^sp' "$scratch/interrupted.log" || return 1
    read -r tag folder <"$scratch/interrupted.log"
    ip netns list | grep -q "^$tag-front" || return 1
    kill -INT -- "-$pid"
    wait "$pid"
    ! ip netns list | grep -q "^$tag-" && [ ! -e "$folder" ] && ! pgrep -f -- "$folder" >/dev/null
}
check "interrupted, a play takes its hosts, processes and files with it" interrupted
