"""Queues a job of the action `greet` as one user, runs it as another, and prints what both saw, as one line of JSON.

Usage: run_a_job.py HOST PORT USER PASSWORD WORKER-USER PASSWORD
"""

import json
import os
import subprocess
import sys
import threading
import zlib

from jankins_wire import Connection, Refused

CHUNK_BYTES = 4_096


def main(host, port, user, password, worker_user, worker_password):
    people = Connection(host, int(port), user, password)
    worker = Connection(host, int(port), worker_user, worker_password)
    key = os.urandom(16).hex()
    order = {"action": "greet", "key": key, "parameters": [["WHO", "python"]]}
    (job,) = people.call("job.queue", **order)["jobs"]
    again = people.call("job.queue", **order)["jobs"]

    attached = worker.call(
        "worker.attach", worker="python", instance=os.urandom(16).hex(), labels=["snake"], slots=1, version="python 1"
    )
    leases, stop = [], threading.Event()
    beats = threading.Thread(target=beat, args=(worker, attached["heartbeatMs"] / 1_000, leases, stop))
    beats.start()
    grant = worker.call("job.claim", claim=os.urandom(16).hex(), waitMs=60_000)["grant"]
    log = work(worker, grant, leases)
    stop.set()
    beats.join()

    ended = people.call("job.wait", job=job, waitMs=60_000)["job"]
    print(
        json.dumps(
            {
                "role": people.session["role"],
                "queued": [job, *again],
                "state": ended["state"],
                "exitCode": ended["exitCode"],
                "worker": ended["worker"],
                "shipped": log.decode(),
                "log": read_log(people, job).decode(),
                "refused": refusals(people, worker, grant),
            }
        )
    )
    people.close()
    worker.close()


def work(worker, grant, leases):
    """Runs a granted job as section 8.2 says. Returns its log."""
    held = {"job": grant["job"], "lease": grant["lease"]}
    worker.call("job.acknowledge", **held)
    leases.append(grant["lease"])
    environment = {**os.environ, **dict(grant["environment"])}
    process = subprocess.Popen(grant["command"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    worker.call("job.started", **held, pid=process.pid)
    log = b""
    while chunk := process.stdout.read(CHUNK_BYTES):
        stored = worker.call("job.append", **held, part="stdout", offset=len(log), data=chunk)
        log += chunk
        assert stored["length"] == len(log), stored
    # Sent twice is stored once, and a gap is refused with the place to go on.
    assert worker.call("job.append", **held, part="stdout", offset=0, data=log[:10])["length"] == len(log)
    try:
        worker.call("job.append", **held, part="stdout", offset=len(log) + 1, data=b"x")
    except Refused as error:
        assert (error.code, error.detail["length"]) == ("E_OFFSET", len(log)), error
    stdout = {"bytes": len(log), "crc32": zlib.crc32(log)}
    stderr = {"bytes": 4, "crc32": zlib.crc32(b"tail"), "tail": b"tail"}
    worker.call("job.finish", **held, exitCode=process.wait(), stdout=stdout, stderr=stderr)
    leases.remove(grant["lease"])
    return log


def beat(worker, seconds, leases, stop):
    while not stop.wait(seconds):
        held = list(leases)
        answer = worker.call("worker.beat", leases=held, free=1 - len(held), load=0.5)
        assert not set(answer["lost"]) & set(leases), answer


def read_log(people, job):
    log, offset = b"", 0
    while True:
        piece = people.call("job.log", job=job, stream="stdout", offset=offset, bytesMax=1_000)
        log += b"".join(chunk["data"] for chunk in piece["chunks"])
        offset = piece["next"]
        if piece["ended"]:
            return log


def refusals(people, worker, grant):
    codes = []
    for connection, method, params in [
        (people, "worker.attach", {}),
        (people, "no.such", {}),
        (people, "job.wait", {"job": 0, "waitMs": 0}),
        (people, "job.wait", {"job": 10**9, "waitMs": 0}),
        (worker, "job.started", {"job": grant["job"], "lease": "0" * 32, "pid": 1}),
    ]:
        try:
            connection.call(method, **params)
        except Refused as error:
            codes.append(error.code)
    return codes


main(*sys.argv[1:])
