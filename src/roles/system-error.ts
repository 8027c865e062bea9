/** What the operating system refused, in words: the code says it to those who know it, the words to everybody. */

/** Code, LevelDB's wording of the same, and the sentence. */
const REASONS: readonly (readonly [code: string, wording: RegExp, words: string])[] = [
  ['ENOSPC', /No space left on device/, 'no space is left on its disk, free some'],
  ['EDQUOT', /quota exceeded/i, 'your share of its disk is used up, free some'],
  ['EFBIG', /File too large/, 'a limit on the size of files was reached (ulimit -f)'],
  ['EROFS', /Read-only file system/, 'its disk is read-only'],
  ['EACCES', /Permission denied/, 'this user may not do that there'],
  ['EPERM', /Operation not permitted/, 'this user may not do that there'],
  ['ENOENT', /No such file or directory/, 'there is no such file or folder'],
  ['ENOTDIR', /Not a directory/, 'a part of the path is not a folder'],
  ['EISDIR', /Is a directory/, 'it is a folder'],
  ['EMFILE', /Too many open files/, 'too many files are open (ulimit -n)'],
  ['EADDRINUSE', /address already in use/, 'another program listens there: stop it, or choose another port with --listen'],
  ['EADDRNOTAVAIL', /address not available/, 'this machine has no such address: choose one that it has with --listen (0.0.0.0 for all)']
]

/** Messages and codes of an error and of what caused it, outermost first. */
function* chain(error: unknown): Generator<{ code: unknown; message: string }> {
  // Causes are few; a ring of them would be a bug elsewhere and must not hang here.
  for (let at = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth++) {
    yield { code: (at as NodeJS.ErrnoException).code, message: at.message }
  }
}

function known(errors: readonly { code: unknown; message: string }[]): (typeof REASONS)[number] | undefined {
  for (const { code, message } of errors) {
    const found = REASONS.find(([name, wording]) => name === code || wording.test(message))
    if (found !== undefined) return found
  }
  return undefined
}

/** `: no space is left on its disk, free some`; nothing for what is not known here. */
export function systemWords(error: unknown): string {
  const found = known([...chain(error)])
  return found === undefined ? '' : `: ${found[2]}`
}

/** `ENOSPC: no space is left on its disk, free some`; of what is not known here, its code or its message. */
export function systemReason(error: unknown): string {
  const errors = [...chain(error)]
  const found = known(errors)
  if (found !== undefined) return `${found[0]}: ${found[2]}`
  const code = errors.map(each => each.code).find(each => typeof each === 'string')
  return code === undefined ? (errors.at(-1)?.message ?? String(error)) : String(code)
}
