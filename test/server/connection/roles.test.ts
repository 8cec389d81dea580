import t from 'tap'
import { ROLES } from '../../../protocol/fields.js'
import { METHODS } from '../../../protocol/methods.js'
import { startDaemonInProcess } from '../../helpers/daemon.js'
import { openPeer } from './peer.js'

/** Written out a second time on purpose: whoever widens the table has to say so here. */
const ALLOWED: Readonly<Record<string, string>> = {
  'auth.start': '',
  'auth.finish': '',
  'user.add': 'admin',
  'user.list': 'admin',
  'user.disable': 'admin',
  'user.enable': 'admin',
  'user.delete': 'admin',
  'user.register': '',
  'invite.add': 'admin',
  'invite.list': 'admin',
  'invite.revoke': 'admin',
  'user.passwd': 'admin user worker reader',
  'action.add': 'admin',
  'action.compare': 'admin',
  'action.list': 'admin user reader',
  'action.show': 'admin user reader',
  'action.enable': 'admin',
  'action.disable': 'admin',
  'bundle.write': 'admin user',
  'bundle.read': 'admin worker',
  'job.queue': 'admin user',
  'job.exec': 'admin user',
  'job.retry': 'admin user',
  'job.query': 'admin user reader',
  'job.wait': 'admin user reader',
  'job.log': 'admin user reader',
  'job.show': 'admin user reader',
  'job.why': 'admin user reader',
  'job.stop': 'admin user',
  'artifact.read': 'admin user reader',
  'worker.attach': 'admin worker',
  'worker.beat': 'admin worker',
  'worker.list': 'admin user worker reader',
  'worker.drain': 'admin worker',
  'worker.undrain': 'admin worker',
  'job.claim': 'admin worker',
  'job.acknowledge': 'admin worker',
  'job.decline': 'admin worker',
  'job.resume': 'admin worker',
  'job.started': 'admin worker',
  'job.append': 'admin worker',
  'job.finish': 'admin worker',
  'secret.set': 'admin',
  'secret.list': 'admin',
  'secret.remove': 'admin',
  'server.status': 'admin user worker reader',
}

t.test(
  'every method is refused to every role that the table does not name, before its parameters are read',
  async t => {
    const daemon = await startDaemonInProcess(t)
    t.strictSame(new Set(Object.keys(METHODS)), new Set(Object.keys(ALLOWED)), 'the table here is whole')
    for (const role of ROLES) {
      const peer = await openPeer(daemon)
      await peer.authenticate(await daemon.login(role))
      for (const [method, roles] of Object.entries(ALLOWED)) {
        // What is allowed fails its schema or is harmless: no field is given.
        peer.request(1, method, {})
        const { error } = await peer.reply()
        t.equal(error?.code !== 'E_FORBIDDEN', roles.split(' ').includes(role), `${role}: ${method}`)
      }
    }
  },
)

t.test('without a role nothing is allowed', async t => {
  const daemon = await startDaemonInProcess(t)
  for (const method of Object.keys(METHODS)) {
    if (method === 'auth.start' || method === 'user.register') continue
    const peer = await openPeer(daemon)
    peer.request(1, method, {})
    t.match(await peer.reply(), { error: { code: 'E_NOT_AUTHENTICATED' } }, method)
    t.equal(await peer.next(), undefined)
  }
})
