// Which built files a test file has to cover wholly: those of the pure folders, by the tests of the same folder.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const FOLDERS = { 'test/protocol': 'dist/protocol', 'test/domain': 'dist/lib/domain' }

export default function mapCoverage(test) {
  const folder = Object.keys(FOLDERS).find(folder => test.includes(`${folder}/`))
  if (folder === undefined) return []
  return readdirSync(FOLDERS[folder], { recursive: true })
    .filter(file => file.endsWith('.js'))
    .map(file => join(FOLDERS[folder], file))
}
