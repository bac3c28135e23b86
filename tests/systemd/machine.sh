# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# A machine with systemd as its first process, in a container (systemd-nspawn) on this machine's kernel and in the
# network namespace of one of the hosts. Its files are this machine's with a layer in memory over them, so nothing is
# downloaded and nothing is written to; services that this machine has are not started there. It asks for no systemd
# on this machine, only for a cgroup of the second version.
#
#   machine_lacks            # says what this machine has not that it takes, and is false if there is nothing
#   machine_make             # its files are in $machine_root from then on, also while it is off
#   machine_boot HOST        # returns when all is started
#   in_machine systemctl status
#   machine_off

machine_root=''
machine_pid='' # the first process, as this machine knows it

# Where this machine has cgroups that processes can be put into: the second version's, and by its side, systemd's own.
machine_hierarchies() {
    local folder
    for folder in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
        [ ! -w "$folder/cgroup.procs" ] || echo "$folder$(machine_own_group "$folder")"
    done
}

machine_own_group() { # HIERARCHY: where in it this process is; nothing where that can't be found
    local group
    group=$(sed -n "s/^$([ "${1##*/}" = systemd ] && echo '[0-9]*:name=systemd' || echo '0:'):\?//p" /proc/self/cgroup)
    group=${group%/}
    [ ! -w "$1$group/cgroup.procs" ] || echo "$group"
}

machine_lacks() {
    if ! machine_hierarchies | grep -qv '/systemd'; then
        echo "no cgroup of the second version can be written"
    elif ! grep -qw overlay /proc/filesystems && ! modprobe overlay 2>/dev/null; then
        echo "the kernel has no overlay file systems"
    elif [ ! -c /dev/net/tun ]; then
        echo "there is no /dev/net/tun"
    else
        return 1
    fi
}

# Needs a mount namespace of our own.
machine_make() {
    local folder=$scratch/machine
    machine_root=$folder/root
    mkdir "$folder" && mount -t tmpfs -o mode=755 machine "$folder" &&
        mkdir "$folder/upper" "$folder/work" "$machine_root" &&
        mount -t overlay machine -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" "$machine_root" || return 1
    # Units that packages of this machine have enabled, those in init.d, and what an earlier installation left.
    rm -rf "${machine_root:?}"/{run,proc,sys,dev,tmp,etc/{systemd/system,init.d,fstab,sysctl.d,sallyport},var/log/journal} \
        "$machine_root"/etc/rc?.d "$machine_root"/var/lib/sallyport
    mkdir -p "$machine_root"/{run,proc,sys,dev,tmp,etc/systemd/system,etc/sysctl.d} && chmod 1777 "$machine_root/tmp" &&
        printf '%s\n' 5a115a115a115a115a115a115a115a11 >"$machine_root/etc/machine-id" &&
        mkdir -p /run/systemd/nspawn && mount -t tmpfs nspawn /run/systemd/nspawn # where it leaves things
}

# As a process of cgroups that are its own.
machine_start() { # HOST
    local folder
    for folder in $(machine_hierarchies); do
        mkdir -p "$folder/sallyport-$$" && echo "$BASHPID" >"$folder/sallyport-$$/cgroup.procs" || return 1
    done
    export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
    # More than a container has by itself: settings of its network, and programs that hold its devices (DevicePolicy=).
    exec systemd-nspawn --quiet --boot --capability=CAP_NET_ADMIN --system-call-filter=bpf \
        --directory="$machine_root" --machine="sallyport-$$" --register=no --keep-unit --network-namespace-path="/run/netns/$topology_tag-$1" --console=pipe --link-journal=no \
        --resolv-conf=off --timezone=off --settings=no systemd.unit=multi-user.target systemd.show_status=1
}

# Where processes of one of its cgroups are listed.
machine_groups() { # CGROUP
    machine_hierarchies | while read -r folder; do
        ! cd "$folder/sallyport-$$/payload$1" 2>/dev/null || echo "$PWD/cgroup.procs"
    done
}

# "degraded" does as well: some unit that this machine's packages bring may not like containers.
machine_boot() { # HOST
    local state
    start_process machine "$scratch/machine.log" machine_start "$1"
    wait_until 20 pgrep -x -P "${topology_pids[machine]}" systemd || return 1 # the first child is not the last
    machine_pid=$(pgrep -x -P "${topology_pids[machine]}" systemd)
    wait_until 20 in_machine test -S /run/systemd/private || return 1
    state=$(in_machine systemctl is-system-running --wait)
    echo "$state"
    [ "$state" = running ] || [ "$state" = degraded ]
}

in_machine() {
    nsenter --target "$machine_pid" --all --wd="$machine_root" "$@"
}

machine_off() {
    in_machine systemctl --no-block poweroff
    wait_until 30 eval '! is_running machine'
    machine_clean
}

# Nothing of it is left running, however it ended.
machine_clean() {
    local folder
    [ -z "$machine_pid" ] || kill -KILL "$machine_pid" 2>/dev/null
    machine_pid=''
    end_process machine
    for folder in $(machine_hierarchies); do
        [ ! -d "$folder/sallyport-$$" ] || find "$folder/sallyport-$$" -depth -type d -exec rmdir {} \;
    done
}

# And with it goes what it wrote.
machine_forget() {
    machine_clean
    [ -z "$machine_root" ] || { umount "$machine_root" && umount "$scratch/machine"; } 2>/dev/null
}
