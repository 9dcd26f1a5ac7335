#!/bin/sh
# A Slurm of one node on this machine, to try and to test `clr sweep --launcher slurm`: munged, slurmctld and slurmd as
# this user (root), without systemd, all state in one folder.
#   scripts/slurm-local.sh start|stop|fail|recover FOLDER     then: export SLURM_CONF=FOLDER/slurm.conf
# fail and recover: the node is lost and comes back. Debian: apt-get install slurm-wlm munge
set -eu
command=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
export SLURM_CONF="$folder/slurm.conf"
host=$(hostname -s)

end() { # pid file
  if [ -e "$folder/$1" ]; then kill -"${2:-TERM}" "$(cat "$folder/$1")" || true; fi
}
is() { sinfo --noheader --format %t 2>/dev/null | grep -qE "^($1)"; }
until_node_is() { # state
  for _ in $(seq 120); do is "$1" && return; sleep 0.5; done
  echo "the node did not become $1: see $folder/log" >&2
  exit 1
}

case $command in
start)
  mkdir -p "$folder/munge" "$folder/spool" "$folder/state" "$folder/log"
  chmod 755 "$folder" "$folder/munge"
  head -c 1024 /dev/urandom >"$folder/munge/key"
  chmod 400 "$folder/munge/key"
  # cred_expire: a requeued job waits that long and ten seconds more, instead of two minutes
  # sched_interval, bf_interval: jobs that may start do so within seconds, instead of a minute
  cat >"$SLURM_CONF" <<CONF
ClusterName=clr
SlurmctldHost=$host(127.0.0.1)
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=$folder/munge/socket,cred_expire=5
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
SlurmctldPort=${SLURM_LOCAL_PORT:-16817}
SlurmdPort=$((${SLURM_LOCAL_PORT:-16817} + 1))
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/log/slurmctld.log
SlurmdLogFile=$folder/log/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmdTimeout=6
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MaxArraySize=${SLURM_LOCAL_ARRAY:-1001}
NodeName=$host NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP
CONF
  munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munge/pid" \
    --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
  slurmctld
  slurmd
  until_node_is 'idle'
  ;;
fail)
  end slurmd.pid KILL
  until_node_is 'down'
  ;;
recover)
  slurmd
  until_node_is 'idle|mix|alloc'
  ;;
stop) for daemon in slurmd.pid slurmctld.pid munge/pid; do end $daemon; done ;;
*)
  echo "usage: slurm-local.sh start|stop|fail|recover FOLDER" >&2
  exit 2
  ;;
esac
