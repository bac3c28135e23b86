# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: the unit's life, under a systemd that has booted, with traffic and a capture as the judge.

make_keys "$scratch/keys"
has_second_guard=no
start_web || bail_out "nginx does not run: $(cat "$scratch/web/log" "$scratch/web/error.log" 2>/dev/null)"
start_gate back "$BACK_POLICY" "$scratch/keys" || bail_out "the back-end's daemon does not start"
start_capture clear back wire0

check "it is installed on a machine that runs" install_sallyport
check "systemd finds nothing wrong with the unit, nor with what it names" is_verified

# ---- start

hold_policy
check "systemctl start begins" answers 0 systemctl --no-block start "$UNIT"
check "a daemon that has not read its policy is not ready" is_starting
check "the policy is read" release_policy
check "then systemctl start ends" answers 0 systemctl start "$UNIT"
check "the unit is active" has ActiveState active
check "with a guard" in_front nft list table inet sallyport
in_front ip xfrm policy >"$scratch/policies" 2>&1
grep -q 'dir out' "$scratch/policies" && has_second_guard=yes
check "its main process is the daemon, alone" is_main_process
check "its status says what is in force" has StatusText "2 rules are in force: /etc/sallyport/policy"
check "what the policy protects goes through" fetches front "$BACK_IPV4" small
check "over IPv6 as well" fetches front "[$BACK_IPV6]" small
check "both guards are up, as far as the kernel has them" in_status \
    "s['second_guard']['is_up'] == ('$has_second_guard' == 'yes')"

# ---- reload

cp "$machine_root/etc/sallyport/policy" "$scratch/policy.good"
echo 'block out udp from me to any port 9 as "more"' | sed -i '/^default/e cat /dev/stdin' "$machine_root/etc/sallyport/policy"
check "systemctl reload succeeds" answers 0 systemctl reload "$UNIT"
check "and then the new policy is in force" in_status "[r['name'] for r in s['policy']['rules']][-1] == 'more'"
check "systemd knows" has StatusText "3 rules are in force: /etc/sallyport/policy"
echo nonsense >>"$machine_root/etc/sallyport/policy"
check_fails "systemctl reload tells of a policy with errors" in_machine systemctl reload "$UNIT"
check "the one before stays in force" in_status "[r['name'] for r in s['policy']['rules']][-1] == 'more'"
check "the unit stays active" has ActiveState active
check "its status tells" has StatusText "3 rules are in force as before, the last reload was refused: /etc/sallyport/policy"
check "what the policy protects still goes through" fetches front "$BACK_IPV4" small
cp "$scratch/policy.good" "$machine_root/etc/sallyport/policy"
check "the former one comes back" answers 0 systemctl reload "$UNIT"
check "and is in force" has StatusText "2 rules are in force: /etc/sallyport/policy"

# ---- the journal

hash=$("$SP_BUILD/tools/ipsecctl/ipsecctl" show "$FRONT_POLICY" | sha256sum | cut -d ' ' -f 1)
check "the journal has what was loaded, field by field" is_recorded policy-loaded SALLYPORT_CAUSE=reload \
    SALLYPORT_RULES=2 SALLYPORT_FILE=/etc/sallyport/policy "SALLYPORT_SHA256=$hash" PRIORITY=5
check "and what was refused" is_recorded policy-refused SALLYPORT_FILE=/etc/sallyport/policy
check "and the SAs" is_recorded sa-added SALLYPORT_MODE=transport "SALLYPORT_SUITE=3des-cbc hmac-sha1-96"
has_no_key() {
    local key
    for key in $(grep -o '0x[0-9a-f]\{32,\}' "$scratch/keys"); do
        ! in_machine journalctl --no-pager --output export | grep -qi "${key#0x}" || return 1
    done
}
check "and no key" has_no_key
has_reasons() {
    in_machine journalctl --no-pager --output cat --unit "$UNIT" | grep -q "^/etc/sallyport/policy:[0-9]*:1: error: .*'nonsense'"
}
check "it has the place of the error" has_reasons

# ---- confinement

# shellcheck source=confinement.sh
. "$here/confinement.sh"

# ---- restart

sent() { # packets that the daemon has sealed under the first SA, over restarts
    in_machine ipsecctl status --json | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["sas"][0]["sequence_sent"])'
}
goes_on() { # FORMER: the number of its newest packet isn't below that
    local now
    now=$(sent)
    echo "$1 before, $now now"
    [ "$now" -ge "$1" ] && [ "$1" -gt 0 ]
}
former=$(sent)
former_pid=$(property MainPID)
check "systemctl restart" answers 0 systemctl restart "$UNIT"
check "is another process" eval '[ "$(property MainPID)" != "$former_pid" ]'
check "whose SAs go on where they were" goes_on "$former"
check "the journal says so" is_recorded state-used SALLYPORT_EXACT=yes SALLYPORT_FOLDER=/var/lib/sallyport
check "and the back-end, with the same keys, takes what comes" fetches front "$BACK_IPV4" small

# ---- killed

former_pid=$(property MainPID)
hold_policy
in_machine systemctl kill --signal KILL "$UNIT"
check "a daemon that is killed is started again" is_starting
check "it counts as a restart" eval '[ "$(property NRestarts)" -ge 1 ] && [ "$(property MainPID)" != "$former_pid" ]'
check "meanwhile both guards stand, and nothing goes through" is_shut
release_policy
check "then it is active" wait_until 20 has ActiveState active
check "and what the policy protects goes through" wait_until 5 fetches front "$BACK_IPV4" small
kills_often() {
    local i
    for i in 1 2 3 4 5 6; do # systemd's patience would be five in ten seconds
        former_pid=$(property MainPID)
        in_machine systemctl kill --signal KILL "$UNIT"
        wait_until 20 eval '[ "$(property MainPID)" != "$former_pid" ] && has ActiveState active' || return 1
    done
}
drop_in RestartSec=100ms
check "however often" kills_often
drop_in
check "for which systemd has no limit" has StartLimitIntervalUSec 0
check "and goes on" wait_until 5 fetches front "$BACK_IPV4" small

# ---- the watchdog

check "systemd waits for signs of life" has WatchdogUSec 30s
drop_in WatchdogSec=3
check "restarted with a shorter patience" answers 0 systemctl restart "$UNIT"
former_pid=$(property MainPID)
in_machine systemctl kill --signal STOP "$UNIT"
check "a daemon that stands still is ended, and started again" wait_until 30 eval \
    '[ "$(property MainPID)" != "$former_pid" ] && has ActiveState active'
watchdog_ended_it() {
    in_machine journalctl --no-pager --output cat --unit "$UNIT" | grep -i watchdog | tee /dev/stderr | grep -q 'Failed with result .watchdog.'
}
check "by the watchdog" watchdog_ended_it
drop_in
check "with the patience that it had, one that lives is left alone" answers 0 systemctl restart "$UNIT"

# ---- a port below 1024

with_port() {
    drop_in ExecStart= "$(sed -n 's/^ExecStart=.*/& --encap-port 500/p' "$scratch/installed/usr/local/lib/systemd/system/$UNIT")" "$@"
}
with_port
check_fails "an encapsulation port below 1024 is not for it" in_machine systemctl restart "$UNIT"
with_port CapabilityBoundingSet=CAP_NET_BIND_SERVICE
in_machine systemctl stop "$UNIT"
check "unless a drop-in grants what that takes" answers 0 systemctl start "$UNIT"
check "and that only" in_status 's["confinement"]["capabilities"] == ["net_admin", "net_bind_service", "net_raw"]'
drop_in
check "without it it is as it was" answers 0 systemctl restart "$UNIT"

# ---- wrong files

cp "$machine_root/etc/sallyport/policy" "$scratch/policy.good"
echo nonsense >"$machine_root/etc/sallyport/policy"
check_fails "a start with a policy that has errors fails" in_machine systemctl restart "$UNIT"
check "and isn't tried again" has ActiveState failed
check "the guards that were up stay" is_shut
cp "$scratch/policy.good" "$machine_root/etc/sallyport/policy"
check "with the right policy it starts" answers 0 systemctl start "$UNIT"
check "and what the policy protects goes through" fetches front "$BACK_IPV4" small

# ---- stop

check "systemctl stop" answers 0 systemctl stop "$UNIT"
check "ends it well" eval 'has Result success && has ActiveState inactive && has MainPID 0'
check "both guards stand, and nothing goes through" is_shut
check "what the policy lets by goes on" in_front ping -c 1 -W 5 "$BACK_IPV4"

# ---- at the next boot

install_network
check "it can be enabled" answers 0 systemctl enable "$UNIT" test-network.service
check "the machine is turned off" machine_off
in_front nft flush ruleset # what a kernel that boots has not
in_front ip xfrm policy flush 2>/dev/null
for rule in $(in_front ip rule | sed -n 's/^\(5050\):.*/\1/p'); do in_front ip rule delete pref "$rule"; done
in_front ip address flush dev wire0
hold_policy
start_process releaser "$scratch/releaser.log" release_policy_late
check "and boots" machine_boot front
check "with the daemon" has ActiveState active
has_guard_first() {
    in_machine cat /run/guard-before-network | tee /dev/stderr | grep -q 'chain guard_out' && in_machine grep -q '"generation"' /run/guard-before-network
}
check "which was there before the network had an address" has_guard_first
check "and for which the network waited" eval '[ -e "$scratch/too-early" ] && [ ! -s "$scratch/too-early" ]'
end_process releaser
check "has learnt the address since" wait_until 10 in_status "'$FRONT_IPV4' in s['addresses']"
check "and goes on with its SAs" wait_until 10 fetches front "$BACK_IPV4" small
check "whose numbers go on, too" goes_on "$former"
check "the machine is turned off again" machine_off
in_front nft flush ruleset
in_front ip address flush dev wire0

# Nothing is in force then; so the network has to wait for it.
echo nonsense >"$machine_root/etc/sallyport/policy"
sed -i 's/^\[Unit\]/[Unit]\nRequires=sallyportd.service\nAfter=sallyportd.service/' "$machine_root/etc/systemd/system/test-network.service"
check "a boot with a policy that has errors" machine_boot front
check "has no daemon" has ActiveState failed
check "and no network, if that requires the daemon" has ActiveState inactive test-network.service
cp "$scratch/policy.good" "$machine_root/etc/sallyport/policy"
check "with a policy both start" answers 0 systemctl start test-network.service
check "and what it protects goes through" wait_until 10 fetches front "$BACK_IPV4" small

# ---- the way out

check "stopped and undone" eval 'answers 0 systemctl stop "$UNIT" && answers 0 sallyportd --undo'
is_open() {
    [ -z "$(in_front nft list ruleset)" ] && [ -z "$(in_front ip xfrm policy 2>/dev/null)" ]
}
check "the host is open" is_open
check "the capture has all" stop_capture clear
check "ESP was on the wire, and all the time nothing of port 80 in clear" eval \
    '[ "$(captured clear esp)" -gt 20 ] && [ "$(captured clear "tcp port 80")" -eq 0 ]'
check "the machine is turned off for good" machine_off
end_process back
