# Sends changes from one connection, as `buildbot sendchange` sends one: as many as each line of stdin says, to all
# builders in turn. Each line of stdout tells that it is ready for the next.
import itertools
import os

from twisted.cred.credentials import UsernamePassword
from twisted.internet import defer, reactor, stdio, task
from twisted.protocols.basic import LineOnlyReceiver
from twisted.spread import pb

builders = itertools.cycle(f'builder-{number}' for number in range(int(os.environ['BENCH_SLOTS'])))


class Orders(LineOnlyReceiver):
    delimiter = b'\n'

    def __init__(self, master):
        self.master = master
        self.ended = defer.Deferred()

    def connectionMade(self):
        self.sendLine(b'ready')

    @defer.inlineCallbacks
    def lineReceived(self, line):
        try:
            for _ in range(int(line)):
                change = {'who': 'bench', 'files': ['file'], 'comments': '', 'category': next(builders)}
                yield self.master.callRemote('addChange', change)
            self.sendLine(b'sent')
        except Exception as error:
            self.ended.errback(error)

    def connectionLost(self, reason):
        if not self.ended.called:
            self.ended.callback(None)


@defer.inlineCallbacks
def main(_):
    factory = pb.PBClientFactory()
    reactor.connectTCP('127.0.0.1', int(os.environ['BENCH_PORT']), factory)
    master = yield factory.login(UsernamePassword(b'change', b'password'))
    orders = Orders(master)
    stdio.StandardIO(orders)
    yield orders.ended


task.react(main)
