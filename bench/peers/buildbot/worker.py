# A worker, as twistd loads it. It tells the file BENCH_GRANTED of each build that it is given, where that is named.
import os

from buildbot_worker import pb
from buildbot_worker.bot import Worker
from twisted.application import service

granted = os.environ.get('BENCH_GRANTED')
if granted:
    given = pb.WorkerForBuilderPb.remote_startBuild

    def tell(self):
        with open(granted, 'w') as file:
            file.write('granted\n')
        return given(self)

    pb.WorkerForBuilderPb.remote_startBuild = tell

# By this name the command knows that it is one.
application = service.Application('buildbot-worker')
Worker(
    '127.0.0.1', int(os.environ['BENCH_PORT']), 'bench', 'password', os.getcwd(), keepalive=600
).setServiceParent(application)
