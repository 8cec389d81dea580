import { inPath } from '../harness/machine.js'
import { freePort, listening, type Scope } from '../harness/scope.js'

export const BEANSTALKD = 'beanstalkd -f0'
export const hasBeanstalkd = (): boolean => inPath('beanstalkd') !== undefined

/** An fsync before each answer, as jankins has it. */
export async function startBeanstalkd(scope: Scope): Promise<{ port: number; pid: number }> {
  const port = await freePort()
  const program = inPath('beanstalkd') ?? 'beanstalkd'
  const child = scope.spawn(program, ['-l', '127.0.0.1', '-p', String(port), '-b', scope.directory(), '-f0'])
  await listening(port)
  return { port, pid: child.pid! }
}
