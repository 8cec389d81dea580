import { opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** What a backup leaves out of the data directory: what belongs to a running daemon or to one life of a machine. */
const LEFT_OUT = /^((backup-)?lock\.db|jankins\.db|reserve$|boot-id$)|(^|\/)parts\/|\.new$/

/** Names of the files that a backup holds beside the database, below the data directory, with `/`. */
export async function* dataFiles(dataDir: string, folder = ''): AsyncGenerator<string> {
  for await (const entry of await opendir(join(dataDir, folder))) {
    const name = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) yield* dataFiles(dataDir, name)
    else if (entry.isFile() && !LEFT_OUT.test(name)) yield name
  }
}
