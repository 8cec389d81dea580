#!/bin/sh
# Runs one attempt of a job, and outlives the worker process that started it.
#
#   wrapper.sh ATTEMPT WORKSPACE apart|merge CGROUP TELL COMMAND [ARG...]
#   . wrapper.sh            in `sh -s SEAT CGROUP`: gets ready, and waits for `_jankins_run` with the same arguments
#
# ATTEMPT gets: stdout and stderr (appended to), shell (pid, start time, boot id, and when it began: seconds of
# /proc/uptime), times (what the job used) where there is no CGROUP, and, last, status ("exit N"). shell and status are
# one write each and valid only with their newline. A shell that is there already bars the attempt: a worker process has
# told its end without having seen it begin.
# CGROUP is a directory, or empty. Who waits enters it ahead of time: the kernel may take 15 ms for that. TELL is empty,
# or what lines to descriptor 3 begin with: "TELL begun", "TELL ended N" when the status is written, or "TELL failed".
# Who waits tells "SEAT ready PID START" or "SEAT failed", and leaves its cgroup and removes it when no job comes.
#
# The job's words are only ever passed on as "$@". Variables of this shell begin with _jankins_: any other name could be
# a variable of the job, which an assignment here would change. The braces make the shell read all of this before it
# runs any of it: the file may be replaced by an upgrade while the job runs.
{
  # Nobody may listen any more.
  _jankins_tell() {
    [ "$1" ] || return
    trap : PIPE
    echo "$1 $2" >&3
  } 2>/dev/null
  _jankins_fail() {
    _jankins_tell "$1" failed
    exit 125
  }

  _jankins_start() {
    shift 19
    _jankins_started=$1
  }
  # CGROUP: enters it, and looks up who this shell is.
  _jankins_enter() {
    [ -z "$1" ] || echo 0 >"$1/cgroup.procs" || return
    read -r _jankins_stat <"/proc/$$/stat"
    read -r _jankins_boot </proc/sys/kernel/random/boot_id
    set -f
    _jankins_start ${_jankins_stat##*) }
    set +f
  }

  # SEAT CGROUP
  _jankins_wait() {
    _jankins_cgroup=$2
    trap _jankins_leave EXIT
    _jankins_enter "$2" || _jankins_fail "$1"
    _jankins_tell "$1" "ready $$ $_jankins_started"
  }
  _jankins_leave() {
    [ -z "$_jankins_cgroup" ] || { echo 0 >"${_jankins_cgroup%/*}/cgroup.procs" && rmdir "$_jankins_cgroup"; }
  } 2>/dev/null

  # ATTEMPT WORKSPACE apart|merge CGROUP TELL COMMAND [ARG...]
  _jankins_run() {
    trap - EXIT
    # What a job may send to its group, in which this shell is, and live on. Not ignored: the job would inherit that.
    trap : TERM INT HUP QUIT ABRT ALRM PIPE USR1 USR2 VTALRM PROF XCPU XFSZ IO
    # By `true` first: a shell ends at once when `exec` cannot open a file.
    true >>"$1/stdout" && true 2>>"$1/stderr" || _jankins_fail "$5"
    exec </dev/null >>"$1/stdout" 2>>"$1/stderr"
    [ "$_jankins_started" ] || _jankins_enter "$4" || _jankins_fail "$5"
    read -r _jankins_now _jankins_idle </proc/uptime
    set -C
    { true >"$1/shell"; } 2>/dev/null || _jankins_fail "$5"
    set +C
    echo "$$ $_jankins_started $_jankins_boot $_jankins_now" >"$1/shell"
    _jankins_tell "$5" begun
    # Room for the status is taken now: the job may fill the disk.
    printf - >"$1/status"

    if cd -- "$2"; then
      # A subshell that becomes the program: a builtin of the same name is never taken, and our traps are not inherited.
      (
        [ "$3" = apart ] || exec 2>&1
        shift 5
        exec "$@"
      ) 3>&-
      _jankins_status=$?
    else
      echo "jankins: cannot enter the directory $2" >&2
      _jankins_status=126
    fi
    [ -n "$4" ] || times >"$1/times"
    echo "exit $_jankins_status" 1<>"$1/status"
    _jankins_tell "$5" "ended $_jankins_status"
    exit "$_jankins_status"
  }

  _jankins_started=
  if [ $# -gt 2 ]; then _jankins_run "$@"; else _jankins_wait "$@"; fi
}
