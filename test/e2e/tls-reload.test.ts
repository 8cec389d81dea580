import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeCertificate } from '../../lib/server/front/tls-certificate.js'
import { parseName } from '../../protocol/ids.js'
import { connectAs, startDaemon, temporaryDirectory } from '../helpers/processes.js'
import { fingerprintOfPem, pinned } from '../helpers/tls.js'

t.test('a certificate that was renewed is taken over by a reload, without a restart', async t => {
  const dir = temporaryDirectory(t)
  const [certFile, keyFile] = [join(dir, 'cert.pem'), join(dir, 'key.pem')]
  const renew = (): string => {
    const { key, certificate } = makeCertificate(Date.now())
    writeFileSync(keyFile, key)
    writeFileSync(certFile, certificate)
    return fingerprintOfPem(certificate)
  }
  const first = renew()
  const config = `log_format = "text"\n[tls]\ncert = "${certFile}"\nkey = "${keyFile}"\n`
  const daemon = await startDaemon(t, { config })
  const connect = async (fingerprint: string) => {
    const login = { user: parseName('admin')!, password: daemon.password }
    const client = await connectAs(daemon.address, login, pinned(fingerprint))
    t.teardown(() => client.destroy())
    return client
  }
  const before = await connect(first)

  const second = renew()
  daemon.child.kill('SIGHUP')
  t.ok(await daemon.said(/info {2}the certificate was read again fingerprint=/))
  await connect(second)
  await t.rejects(connect(first), 'the one before is not shown any more')
  t.match(await before.call('server.status', {}), { pending: 0 }, 'who is connected stays so')

  writeFileSync(keyFile, makeCertificate(Date.now()).key)
  daemon.child.kill('SIGHUP')
  t.ok(await daemon.said(/error the certificate was not taken over, .* reason=.*is not the key of the certificate in/))
  await connect(second)
  t.equal((await daemon.stop()).code, 0)
})
