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
