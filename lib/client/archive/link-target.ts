/** As many links as Linux follows in one path. */
const HOPS_MAX = 40

/**
 * Whether following the symlink at `path` would leave the root, at any point on the way, or never end. Links on the
 * way are followed as the kernel would: `a/..` is not the root when `a` is a link into the depth.
 * @param targets of every symlink below the root, by its path
 */
export function leadsOut(path: string, targets: ReadonlyMap<string, string>): boolean {
  const place: string[] = []
  const left = path.split('/').reverse()
  let hops = 0
  for (let component = left.pop(); component !== undefined; component = left.pop()) {
    if (component === '' || component === '.') continue
    if (component === '..') {
      if (place.pop() === undefined) return true
      continue
    }
    place.push(component)
    const target = targets.get(place.join('/'))
    if (target === undefined) continue
    if (target.startsWith('/') || ++hops > HOPS_MAX) return true
    place.pop()
    left.push(...target.split('/').reverse())
  }
  return false
}
