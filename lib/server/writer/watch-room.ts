import type { Clock } from '../../base/clock.js'
import type { Log } from '../../base/log.js'
import type { Room } from '../room.js'

const LOOK_MS = 1_000

/** Tells when the disk gets full and when there is room again, and holds the reserve anew then. Ends with the thread. */
export function watchRoom(room: Room, clock: Clock, log: Log): void {
  let wasShort: boolean = false
  const look = (): void => {
    clock.after(LOOK_MS, look, { background: true })
    try {
      const isShort = room.isShort()
      if (isShort && !wasShort) log.error('the disk of the data directory is nearly full: new work is refused')
      if (!isShort && wasShort) log.info('there is room on the disk of the data directory again')
      wasShort = isShort
      if (!isShort) room.hold()
    } catch (error) {
      log.warn('the room on the disk of the data directory is not known', { reason: String(error) })
    }
  }
  look()
}
