#!/bin/sh
# Process 1 of a pid namespace, in which one job runs: with it the kernel ends everything that is left in there.
#
#   namespace.sh ATTEMPT COMMAND [ARG...]
#
# ATTEMPT gets: namespace (an empty line), so that the record can tell what ended the job. A process 1 takes no signal
# that it does not handle, so the job must not be one: it is a child, and has its signals as anywhere else.
{
  trap : TERM INT HUP QUIT ABRT ALRM PIPE USR1 USR2 VTALRM PROF XCPU XFSZ IO
  echo >"$1/namespace"
  (
    shift
    exec "$@"
  )
  exit $?
}
