# A master's configuration, from the environment: one worker, and a builder for each build that may run at once, since a
# builder gives a worker one build at a time.
import json
import os

from buildbot.plugins import changes, schedulers, steps, util, worker

builders = [f'builder-{number}' for number in range(int(os.environ['BENCH_SLOTS']))]
command = json.loads(os.environ['BENCH_COMMAND'])

BuildmasterConfig = {
    'title': 'bench',
    'titleURL': 'http://127.0.0.1/',
    'buildbotURL': 'http://127.0.0.1/',
    'buildbotNetUsageData': None,
    'db': {'db_url': 'sqlite:///state.sqlite'},
    'protocols': {'pb': {'port': f"tcp:{os.environ['BENCH_PORT']}:interface=127.0.0.1"}},
    'workers': [worker.Worker('bench', 'password', max_builds=len(builders))],
    'change_source': [changes.PBChangeSource(user='change', passwd='password')],
    # Each change is one build, of the builder that its category names.
    'collapseRequests': False,
    'schedulers': [
        schedulers.AnyBranchScheduler(
            name=f'scheduler-{name}',
            treeStableTimer=None,
            builderNames=[name],
            change_filter=util.ChangeFilter(category=name),
        )
        for name in builders
    ],
    'builders': [
        util.BuilderConfig(
            name=name,
            workernames=['bench'],
            factory=util.BuildFactory([steps.ShellCommand(command=command)]),
        )
        for name in builders
    ],
}
