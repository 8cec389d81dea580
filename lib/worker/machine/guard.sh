#!/bin/sh
# Ends every job of one state directory whose lease has passed, without grace, whether or not a worker process lives.
#
#   sh -s -- DIR TEXT <guard.sh
#
# A session of its own, one for each state directory. It reads, and never writes but for DIR/guard:
#   DIR/worker                  pid, start time and boot id of the worker process that holds the directory
#   DIR/guard                   pid, start time, boot id and text of the guard in charge; another one leaves when it sees it
#   DIR/attempts/*/lease-end    end (1/100 s of /proc/uptime), boot id, the end again; then the cookie, NAME=VALUE
#   DIR/attempts/*/shell, cgroup
# An end that is not the same twice is being written: it is read again at the next look.
#
# TEXT names this text, so that a worker of another release puts its own guard in charge. A byte to the standard output
# says that this one is. It leaves when nothing is left to guard and no worker holds the directory. A second costs one
# fork (sleep); a fork for grep comes only with a lease that has passed. The braces make the shell read all of this first.
{
  exec </dev/null 2>/dev/null
  dir=$1
  newline='
'
  read -r boot </proc/sys/kernel/random/boot_id

  # Sets state and started of a process; both are empty when there is none.
  look_up() {
    state='' started=''
    { read -r stat; } <"/proc/$1/stat" || return
    set -- ${stat##*) }
    state=$1
    shift 19
    started=$1
  }

  # PID START BOOT
  lives() {
    [ "$3" = "$boot" ] && look_up "$1" && [ "$started" = "$2" ] && [ "$state" != Z ] && [ "$state" != X ]
  }

  # In place, always as long: it works on a full disk too.
  note() {
    printf '%-120s\n' "$1" 1<>"$dir/guard"
  }

  is_noted() {
    line=''
    { read -r line; } <"$dir/guard"
    [ "$line" = "$1" ]
  }

  has_worker() {
    { read -r worker; } <"$dir/worker" && lives $worker
  }

  # The processes that carry one of the cookies, one for each line. More of them than arguments may have: in ten parts.
  carriers() {
    cd /proc || return
    grep -lsF -e "$1" [0-9]*/environ
    [ $? -lt 126 ] && return
    for digit in 0 1 2 3 4 5 6 7 8 9; do grep -lsF -e "$1" [0-9]*$digit/environ; done
  }

  # A grep that ends a line at a NUL sees only the first variable.
  if ! printf 'a\0b' | grep -qF b; then
    carriers() {
      cd /proc || return
      for process in [0-9]*/environ; do tr '\0' '\n' <"$process" | grep -qF -e "$1" && echo "$process"; done
    }
  fi

  # Kills what the shell and the cgroup of an attempt tell of, and leaves the rest to the cookies.
  end() {
    # The shell first: it must not live to tell a status of what is killed here.
    { read -r shell; } <"$1/shell" && lives $shell && kill -KILL "${shell%% *}" "-${shell%% *}"
    if { read -r group; } <"$1/cgroup"; then
      echo 1 >"$group/cgroup.kill"
      while read -r key value; do
        [ "$key $value" = 'populated 1' ] && return 1
      done <"$group/cgroup.events"
    else
      cookies="$cookies${cookies:+$newline}$cookie"
    fi
    return 0
  }

  # In passes until one finds none: what was born during a pass is found by the next.
  end_carriers() {
    for pass in 1 2 3 4 5 6 7 8 9 10; do
      processes=$(carriers "$1")
      [ "$processes" ] || return 0
      for process in $processes; do kill -KILL "${process%/environ}"; done
    done
    return 1
  }

  # Looks at every attempt. Ended ones are looked at twice: a process shows no environment while it becomes another
  # program, and is found a second later. Sets left when something may still run.
  look() {
    left='' cookies='' once='' twice=''
    { read -r now idle; } </proc/uptime
    now=${now%.*}${now#*.}
    for attempt in "$dir"/attempts/*; do
      { read -r ends life again && read -r cookie; } <"$attempt/lease-end" || continue
      [ "$life" = "$boot" ] || continue
      name=${attempt##*/}
      if [ "$ends" != "$again" ] || [ "$now" -lt "$ends" ]; then
        left=1
        continue
      fi
      case $ended_twice in *" $name "*)
        twice="$twice $name "
        continue
        ;;
      esac
      if end "$attempt"; then once="$once $name "; else left=1; fi
    done
    if [ "$cookies" ] && ! end_carriers "$cookies"; then once='' left=1; fi
    ended_twice=$twice
    for name in $once; do
      case $ended_once in *" $name "*) ended_twice="$ended_twice $name " ;; *) left=1 ;; esac
    done
    ended_once=$once
  }

  look_up $$
  own="$$ $started $boot $2"
  note "$own" || exit 1
  echo
  exec >/dev/null
  ended_once='' ended_twice=''
  while is_noted "$own"; do
    look
    if [ -z "$left" ] && ! has_worker; then
      # A worker that comes just now sees the note and starts another guard, or is seen by this one.
      is_noted "$own" && note leaving
      look
      if [ -z "$left" ] && ! has_worker; then exit; fi
      is_noted leaving && note "$own"
    fi
    sleep 1
  done
  exit
}
