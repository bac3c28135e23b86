# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# Scene: each option of the unit that confines the daemon is in effect. What a plain service may and the unit's may not
# is tried by sandbox.c in the daemon's place; what the daemon has itself is read from /proc.

check "a program in the daemon's place, and in a plain service" eval 'install_sandbox && tries_out'
check "it can't write to /usr" confined usr EROFS
check "nor to /etc, its own folder there included" confined etc EROFS
check "nor to /run or /var beside its own folders" eval 'confined run EROFS && confined var EROFS'
check "nor read the folders of users" eval 'confined home EACCES && confined root EACCES'
check "nor see the others' /tmp" confined tmp ENOENT
check "nor their processes" confined others ENOENT
check "nor open a device but TUN's" confined other-device EPERM
check "nor make cgroups" confined cgroup EROFS
check "nor packet sockets" confined packet-socket EAFNOSUPPORT
check "nor namespaces" confined namespace EPERM
check "nor programs that run with another's rights" confined setuid-file EPERM
check "nor memory that is code and can be written" confined writable-code EPERM
check "nor run before others" confined realtime EPERM
check "nor as another user, nor by another personality" eval 'confined other-user EPERM && confined personality EPERM'
check "nor mount, trace, or name the host" eval 'confined mount EPERM && confined trace EPERM && confined hostname EPERM'
check "it has two capabilities, and no others can come" eval 'confined bounds 3000 && confined no-new-privileges 1'
check "its files are its own, and its memory in no core file" eval 'confined umask 077 && confined core-bytes 0'
check "it may lock as much memory as this machine lets it" has LimitMEMLOCK infinity
check "what it needs it may: state, sockets, settings of the network, TUN, raw sockets and netlink" \
    free state sockets setting tun-device raw-socket netlink-socket

daemon_has() { # FIELD VALUE: in /proc/PID/status
    local line
    line=$(grep "^$1:" "/proc/$daemon_pid/status")
    echo "$line"
    [[ $line =~ ^$1:[[:space:]]*$2$ ]]
}
# As this machine knows it.
daemon_pid=$(cat $(machine_groups "$(property ControlGroup)"))
check "the daemon itself has these two capabilities, and may not regain any" eval \
    'for set in CapPrm CapEff CapBnd; do daemon_has $set 0000000000003000 || return 1; done;
     daemon_has CapInh 0000000000000000 && daemon_has CapAmb 0000000000000000 && daemon_has NoNewPrivs 1'
check "its system calls are filtered, by systemd and by itself" daemon_has Seccomp_filters '([4-9]|[1-9][0-9])'
has_own_mounts() {
    [ "$(stat -Lc %i "/proc/$daemon_pid/ns/mnt")" != "$(stat -Lc %i "/proc/$machine_pid/ns/mnt")" ] &&
        grep -q ' / / ro' "/proc/$daemon_pid/mountinfo"
}
check "its mounts are its own, and the root of them is read-only" has_own_mounts
check "state, sockets and settings are not" eval \
    'for place in /var/lib/sallyport /run/sallyport /proc/sys/net; do grep -q " $place rw" "/proc/$daemon_pid/mountinfo" || return 1; done'
is_hardly_exposed() {
    local level
    level=$(in_machine systemd-analyze security --no-pager "$UNIT" | tee /dev/stderr | sed -n 's/.*exposure level.*: \([0-9.]*\) .*/\1/p')
    echo "exposure $level"
    [[ $level =~ ^[0-2]\. ]]
}
check "systemd finds it hardly exposed" is_hardly_exposed
