# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: ipsecctl load gives a running daemon another policy and other SAs, all of it or nothing; and whoever can takes
# them, when that is what was asked for.

# shellcheck source=stream.sh
. "$here/stream.sh"
# shellcheck source=listen.sh
. "$here/listen.sh"

LOAD_PORT=7200
loads() { # HOST BACKEND KEYS POLICY [OPTION...]
    in_host "$1" "$SP_BUILD/tools/ipsecctl/ipsecctl" load --backend "$2" --control "$scratch/$1.sock" --keys "$scratch/$3" "${@:5}" "$scratch/$4"
}
flushes() { # HOST
    in_host "$1" "$SP_BUILD/tools/ipsecctl/ipsecctl" flush --backend user --control "$scratch/$1.sock"
}
in_force() { # HOST
    gate_value "$1" '[s["policy"]["generation"], s["policy"]["file"], sorted(sa["spi"] for sa in s["sas"])]'
}
refuses_load() { # STATUS PATTERN HOST ARGUMENT...: with that exit status and those words, and nothing changes
    local before status said
    before=$(in_force "$3")
    said=$(loads "${@:3}" 2>&1)
    status=$?
    echo "exit status $status: $said"
    [ "$status" -eq "$1" ] && grep -Eq "$2" <<<"$said" && [ "$(in_force "$3")" = "$before" ]
}
says() { # PATTERN COMMAND...: it is done, and says so
    local said
    said=$("${@:2}" 2>&1) && echo "$said" && grep -Eq "$1" <<<"$said" || { echo "$said" && false; }
}
pair_of() { # NAME: keys of their own for both directions
    rm -f "$scratch/$1"
    (umask 077 && "$SP_BUILD/tools/ipsecctl/ipsecctl" keygen --from "$FRONT_IPV4" --to "$BACK_IPV4" --output "$scratch/$1") >/dev/null 2>&1
}
speaks() { # under ESP, over the port that the loaded policies protect
    in_front /usr/bin/python3 -B "$here/udp_echo.py" ask "$BACK_IPV4" "$LOAD_PORT" 100
}

start_process echo-load "$scratch/echo.log" ip netns exec "$topology_tag-back" \
    /usr/bin/python3 -B "$here/udp_echo.py" serve "$BACK_IPV4" "$LOAD_PORT"
for pair in one two three four; do
    pair_of "$pair.keys"
done
write_policy before.policy <<EOF
block out udp from me to any port $LOAD_PORT
default bypass
EOF
cp "$scratch/before.policy" "$scratch/own.policy"
mkdir -p "$scratch/parts"
cat >"$scratch/parts/rules" <<EOF

protect out udp from me to $BACK_IPV4 port $LOAD_PORT with "encrypt" as "loaded"
EOF
write_policy load-front.policy <<EOF
include "parts/rules"
default bypass
EOF
write_policy load-back.policy <<EOF
protect in udp from any to me port $LOAD_PORT with "encrypt" as "loaded"
default bypass
EOF

# ---- without a daemon

no_daemon() { # BACKEND PATTERN
    local said status
    said=$(loads front "$1" two.keys load-front.policy 2>&1)
    status=$?
    echo "exit status $status: $said"
    [ "$status" -eq 2 ] && grep -Eq "$2" <<<"$said" && grep -q 'start it, "systemctl start sallyportd"' <<<"$said"
}
check "without a daemon load says how to start one" no_daemon user '^ipsecctl: no sallyportd answers at'
check "and flush does" fails flushes front

# ---- into the daemon

check "a daemon starts with files of its own" start_gate front "$scratch/own.policy" "$scratch/one.keys" --audit "$scratch/load-audit"
check "and one on the back-end" start_gate back "$scratch/load-back.policy" "$scratch/two.keys"
check "its own policy holds" fails speaks
check "a dry run tells what would be" says '^would be: 1 rules in force; SAs: 2 added, 2 deleted, 0 kept' \
    loads front user two.keys load-front.policy -n
check "and changes nothing" is_true front 's["policy"]["generation"] == 1 and not s["policy"]["is_loaded"]'
check "whoever keys listens to it" start_monitor load-events front --json
start_capture loaded front wire0
check "load gives it another policy and other SAs, and says what each SA got" \
    says '^0x[0-9a-f]{8}.192.0.2.[12].user.user.-.-$' loads front user two.keys load-front.policy
check "which hold: under ESP" speaks
check "and those who listen are told what was loaded" hears load-events \
    'e["event"] == "policy-loaded" and e["cause"] == "load" and e["file"].endswith("/load-front.policy")'
stop_capture loaded
check "and nothing is in clear" is_hidden loaded "udp port $LOAD_PORT"
check "status has the names, the place in the included file, and the SAs" is_true front \
    "s['policy']['is_loaded'] and s['policy']['file'] == '$scratch/load-front.policy' and s['policy']['keys'] == '$scratch/two.keys' and s['policy']['rules'][0]['file'].endswith('parts/rules') and s['policy']['rules'][0]['line'] == 2 and sum(sa['state'] != 'retired' for sa in s['sas']) == 2"
check "the audit log has it" grep -q "event=policy-loaded cause=load generation=2 .*file=$scratch/load-front.policy" "$scratch/load-audit"
check "it says with what the daemon starts" says "until sallyportd ends.* it starts with $scratch/own.policy and $scratch/one.keys" \
    loads front user two.keys load-front.policy
check "the same again leaves the SAs as they are" is_true front 'all(sa["packets"] > 0 for sa in s["sas"] if sa["state"] != "retired")'

# ---- all of it or nothing

printf 'block sideways\n' | cat "$scratch/load-front.policy" - >"$scratch/wrong.policy"
check "an error in the policy: status 1, and its place" refuses_load 1 'wrong.policy:[0-9]+:[0-9]+: error' front user three.keys wrong.policy
{ cat "$scratch/three.keys" && echo nonsense; } >"$scratch/wrong.keys"
chmod 600 "$scratch/wrong.keys"
check "an error in the keys: status 1, and its place" refuses_load 1 'wrong.keys:[0-9]+:[0-9]+: error' front user wrong.keys load-front.policy
cp "$scratch/three.keys" "$scratch/open.keys"
chmod 644 "$scratch/open.keys"
check "keys that others may read are refused, of the open file" refuses_load 1 'open.keys: error: is open to others \(mode 0644\)' front user open.keys load-front.policy
ln -sf three.keys "$scratch/link.keys"
check "a symbolic link is" refuses_load 2 'is a symbolic link' front user link.keys load-front.policy
mkfifo -m 600 "$scratch/fifo.keys"
check "a pipe is, and nobody waits for it" refuses_load 2 'from regular files only' front user fifo.keys load-front.policy
sed 's/\(integrity-key 0x\).\{8\}/\100112233/' "$scratch/two.keys" >"$scratch/other.keys"
chmod 600 "$scratch/other.keys"
check "other keys under an SPI in use are" refuses_load 1 'other.keys:[0-9]+:[0-9]+: error.*give the new one another SPI' front user other.keys load-front.policy
sed 's/integrity-key 0x/integrity-key file "key" #/' "$scratch/three.keys" >"$scratch/named.keys"
chmod 600 "$scratch/named.keys"
check "an SA file that names key files is" refuses_load 1 "named.keys:[0-9]+:.*can't name key files" front user named.keys load-front.policy
write_policy shadowed.policy <<EOF
block out udp from me to any port 6000
bypass out udp from me to any port 6000
default bypass
EOF
check "with --strict a policy that check warns about is, and the place is the file's" \
    refuses_load 1 'shadowed.policy:6: warning: .*\[shadowed\]' front user three.keys shadowed.policy --strict
check "the former policy goes on all the time" speaks

# ---- the daemon's own files, and trials

refuses_reload() {
    ! "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock" 2>&1 | tee /dev/stderr | grep -q generation &&
        is_true front 's["policy"]["is_loaded"]'
}
check "reload does not put the daemon's own files in the place of what was loaded" refuses_reload
kill -HUP "${topology_pids[front]}"
check "nor does SIGHUP, and says why" wait_until 5 grep -q 'loads\? again\|load again, or' "$scratch/front.log"
check "what was loaded is still in force" speaks
check "a load on trial" loads front user three.keys before.policy --confirm 1s
check "ends when nobody confirms" wait_until 60 is_true front "s['policy']['file'].endswith('load-front.policy')"
check "with the SAs there were" speaks
check "a load on trial can be confirmed" loads front user three.keys before.policy --confirm 10m
check "while it lasts no other load is taken" refuses_load 2 'still on trial' front user two.keys load-front.policy
check "and stays" "$SP_BUILD/tools/ipsecctl/ipsecctl" confirm --control "$scratch/front.sock"
check_fails "with its rules" speaks
check "flush goes back to the daemon's own files" says '^done: generation [0-9]+, 1 rules of the daemon' flushes front
check "which status says" is_true front "not s['policy']['is_loaded'] and s['policy']['file'] == '$scratch/own.policy'"
check "a second time there is nothing to flush" says '^nothing was loaded' flushes front
check "and reload reads them again" "$SP_BUILD/tools/ipsecctl/ipsecctl" reload --control "$scratch/front.sock"
no_key_was_told() {
    grep -ho '0x[0-9a-f]\{40,\}' "$scratch"/{one,two,three,four}.keys | cut -c 3-26 >"$scratch/digits"
    gate_status front >"$scratch/told"
    [ -s "$scratch/digits" ] && ! grep -qF -f "$scratch/digits" "$scratch/front.log" "$scratch/load-audit" "$scratch/told"
}
check "no key was logged or told" no_key_was_told

# ---- whoever can

check "auto ends with the daemon: NIC and kernel can't, or may not while it guards this namespace" \
    says '^0x[0-9a-f]{8}.192.0.2.[12].auto.user.-.no packet: .+' loads front auto two.keys load-front.policy
auto_says_all() {
    loads front auto two.keys load-front.policy --json | tee /dev/stderr | /usr/bin/python3 -c '
import json, sys
told = json.load(sys.stdin)
assert told["backend"] == "user" and told["applied"] and len(told["offload"]) == 2
for grant in told["offload"]:
    assert (grant["requested"], grant["granted"]) == ("auto", "user"), grant
    assert [r["mode"] for r in grant["refusals"]] == ["packet", "crypto", "kernel"], grant
    assert all("the kernel has no" in r["why"] or "sallyportd guards" in r["why"] or "packets" in r["why"]
               or "does no" in r["why"] or "sw" in r["why"] for r in grant["refusals"]), grant'
}
check "and records why, of each: whole packets, cryptography, the kernel" auto_says_all
start_capture auto front wire0
check "what it got is under ESP" speaks
stop_capture auto
check "and nothing is in clear with auto" is_hidden auto "udp port $LOAD_PORT"
check "a NIC that takes what comes ends there as well" says 'auto.user' loads front nic two.keys load-front.policy --offload auto
elsewhere() {
    local said
    said=$(in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" load --backend auto --control "$scratch/back.sock" --keys "$scratch/two.keys" "$scratch/load-front.policy" 2>&1)
    echo "$said"
    [[ $said == *"another network namespace"* ]]
}
check "but never with a daemon of another namespace" elsewhere
check "status remembers why" says 'no kernel: ' in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" status --control "$scratch/front.sock"
check "flush forgets it" flushes front
end_process front
check "without a daemon auto says why the kernel can't, or does it there" \
    bash -c '[[ $1 == *"nor in user space: no sallyportd answers"* || $1 == *"done: policies"* ]]' - \
    "$(loads front auto two.keys load-front.policy 2>&1)"
in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" flush --backend kernel >/dev/null 2>&1

# ---- kernel and daemon, one of both

kernel_has() { # POLICIES
    local have
    have=$(in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" status --backend kernel --json | /usr/bin/python3 -c '
import json, sys
print(sum(p["ours"] for p in json.load(sys.stdin)["policies"]))')
    echo "$have policies of ours"
    [ "$have" -"$1" 0 ]
}
if ! in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" status --backend kernel >/dev/null 2>&1; then
    skip "what the kernel has when the daemon takes over" "this kernel has no XFRM"
else
    check "(the kernel blocks)" in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" load --backend kernel "$scratch/before.policy"
    check "a daemon starts beside it" start_gate front "$scratch/own.policy" "$scratch/one.keys"
    check "and warns of what the kernel has" grep -q 'the kernel has [1-9][0-9]* policies and 0 SAs' "$scratch/front.log"
    check "the back-end is given new keys" loads back user four.keys load-back.policy
    check "on trial the kernel's policies could not come back: refused" \
        refuses_load 2 'would not come back after a trial' front user four.keys load-front.policy --confirm 1m
    check "which leaves them" kernel_has gt
    start_capture taken front wire0
    check "load takes them from the kernel" says '^taken from the kernel: [1-9][0-9]* policies, 0 SAs' loads front user four.keys load-front.policy
    check "none is left" kernel_has eq
    check "and the daemon does it" speaks
    stop_capture taken
    check "nothing was in clear meanwhile" is_hidden taken "udp port $LOAD_PORT"
    check "its second guard is up" wait_until 5 is_true front 's["second_guard"]["is_up"]'
    (umask 077 && : >"$scratch/no.keys")
    write_policy elsewhere.policy <<EOF
block out tcp from me to any port 7300
default bypass
EOF
    only_the_daemon_is_asked() { # the kernel is given nothing, not even to be taken back
        local said
        said=$(loads front auto no.keys elsewhere.policy 2>&1)
        echo "$said"
        [[ $said == *"done: generation"* && $said != *"taken from the kernel"* ]] && kernel_has eq
    }
    check "what the kernel could do auto gives the daemon that guards this namespace" only_the_daemon_is_asked
    kernel_is_refused() {
        local said
        said=$(in_front "$SP_BUILD/tools/ipsecctl/ipsecctl" load --backend kernel "$scratch/before.policy" 2>&1)
        echo "$said"
        [[ $said == *"sallyportd guards this network namespace"* ]] && kernel_has eq
    }
    check "while it is at work the kernel takes nothing" kernel_is_refused
fi
end_gates
end_process echo-load
