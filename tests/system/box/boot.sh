#!/bin/sh
# boot.sh BASE NAME: boot the base image as a container, under a systemd of its own.
#
# Runs in a mount namespace of its own, as root, so that whatever it mounts ends with it.  TERM shuts
# the box down in order.  Its settings, each found necessary:
#   cgroup2 over /sys/fs/cgroup     a modern layout, also on a host that still has cgroup v1
#   SYSTEMD_SECCOMP=0, every        otherwise nspawn blocks bpf() and drops CAP_NET_ADMIN, and a unit's
#   capability                      IPAddressDeny= and DevicePolicy= silently do nothing
#   --register=no, --keep-unit      the host's own PID 1 need not be systemd
set -eu
base=$1 name=$2

room=/run/polaris-box
mkdir -p $room
mount -t tmpfs -o mode=0755 polaris-box $room
mkdir $room/upper $room/work $room/root
mount -t overlay -o "lowerdir=$base,upperdir=$room/upper,workdir=$room/work" overlay $room/root

# names resolve only for apt, which uses the host's network: let everything else fail fast
{ cat /etc/resolv.conf; echo 'options timeout:1 attempts:1'; } >$room/root/etc/resolv.conf
echo "$name" >$room/root/etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >$room/root/etc/hosts

umount --recursive --lazy /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
cgroup=/sys/fs/cgroup/polaris-box-$name
mkdir "$cgroup"
echo $$ >"$cgroup/cgroup.procs"

export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_LOCK=0 SYSTEMD_SECCOMP=0
systemd-nspawn --quiet --boot --directory=$room/root --machine="$name" \
    --register=no --keep-unit --console=pipe --network-veth --capability=all \
    --resolv-conf=off --timezone=off --link-journal=no --kill-signal=SIGRTMIN+3 </dev/null &
nspawn=$!
trap 'kill -TERM $nspawn' TERM
while kill -0 $nspawn 2>/dev/null; do
    wait $nspawn || true
done

echo $$ >/sys/fs/cgroup/cgroup.procs
find "$cgroup" -depth -type d -exec rmdir {} +
