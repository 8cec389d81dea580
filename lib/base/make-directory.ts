import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Makes a directory and those above it that are missing; nothing happens where it is there. Not mkdir of node with
 * `recursive`: that one never returns where the directory above is there and takes none, as below /proc.
 * @param mode of what is made
 * @throws what the file system says
 */
export function makeDirectory(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
  const parent = dirname(path)
  if (!existsSync(parent) && parent !== path) makeDirectory(parent, mode)
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    // Another process was as fast.
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) throw error
  }
}
