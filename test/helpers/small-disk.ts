import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** A file system of a few MiB, which goes with the test. */
export interface SmallDisk {
  readonly path: string
  /** Writes a file until nothing fits any more. */
  fill(): void
  /** Removes that file. */
  empty(): void
}

/** @param path an empty directory, for a disk that is to be in its place */
export function mountSmallDisk(t: Test, mib: number, path = mkdtempSync(join(tmpdir(), 'jankins-small-'))): SmallDisk {
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m`, 'tmpfs', path], { stdio: 'pipe' })
  t.teardown(() => execFileSync('umount', ['--lazy', path]))
  const ballast = join(path, 'ballast')
  return {
    path,
    fill() {
      const file = openSync(ballast, 'a')
      try {
        for (let bytes = 65_536; bytes >= 1; )
          try {
            writeSync(file, Buffer.alloc(bytes))
          } catch {
            bytes = Math.floor(bytes / 4)
          }
      } finally {
        closeSync(file)
      }
    },
    empty: () => rmSync(ballast, { force: true }),
  }
}

/** Why a test on a small disk is skipped; false where it can run. */
export function noSmallDisk(): string | false {
  const path = mkdtempSync(join(tmpdir(), 'jankins-mount-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', path], { stdio: 'pipe' })
    execFileSync('umount', [path])
    return false
  } catch {
    return 'NOT TESTED: this user may not mount a small disk'
  } finally {
    rmSync(path, { recursive: true, force: true })
  }
}
