#!/bin/bash
# Makes this machine a Slurm of one node, for tests/slurm.rs. Needs root and Debian's slurm-wlm.
#     nongemm-cli/tests/slurm-node.sh start|stop
set -eu
root=/tmp/nongemm-slurm
stop() {
    for name in slurmd slurmctld munged; do
        [ -f "$root/$name.pid" ] && kill "$(cat "$root/$name.pid")" 2>/dev/null || true
    done
}
case "${1:-}" in
stop)
    stop
    rm -rf "$root"
    exit
    ;;
start) ;;
*)
    echo "usage: $0 start|stop" >&2
    exit 2
    ;;
esac
mkdir -p "$root/state" "$root/spool" /run/munge
chown munge: /run/munge
[ -f /etc/munge/munge.key ] || {
    dd if=/dev/urandom of=/etc/munge/munge.key bs=1024 count=1 status=none
    chown munge: /etc/munge/munge.key
    chmod 400 /etc/munge/munge.key
}
install -d -o munge -m 755 "$root/munge"
runuser -u munge -- munged --force --pid-file="$root/munge/munged.pid" --log-file="$root/munge/log"
ln -sf "$root/munge/munged.pid" "$root/munged.pid"
host=$(hostname -s)
cat >/etc/slurm/slurm.conf <<CONF
ClusterName=nongemm
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
StateSaveLocation=$root/state
SlurmdSpoolDir=$root/spool
SlurmctldPidFile=$root/slurmctld.pid
SlurmdPidFile=$root/slurmd.pid
SlurmctldLogFile=$root/slurmctld.log
SlurmdLogFile=$root/slurmd.log
MpiDefault=none
ReturnToService=2
NodeName=$host NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
slurmctld
slurmd
for _ in $(seq 50); do
    [ -n "$(sinfo --noheader --states=idle -o %n 2>/dev/null)" ] && exit 0
    sleep 0.2
done
echo "the node does not become idle; see $root/*.log" >&2
exit 1
