/** Where a node keeps its things. Everything of one node is in its data folder, which only its owner may enter. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, stat } from 'node:fs/promises'
import { homedir, tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { InvalidInputError } from '../errors.js'
import { systemReason } from '../roles/system-error.js'

/** `--data-dir`, else ZKLORA_DATA_DIR, else the XDG data folder. */
export function dataFolder(env: Readonly<Record<string, string | undefined>>, flag?: string): string {
  const named = flag ?? env['ZKLORA_DATA_DIR']
  if (named !== undefined && named !== '') return resolve(named)
  const xdg = env['XDG_DATA_HOME']
  return join(xdg !== undefined && xdg !== '' ? resolve(xdg) : join(homedir(), '.local', 'share'), 'zklora')
}

export function configFile(dataDir: string, named?: string): string {
  return named === undefined ? join(dataDir, 'zklora.json') : resolve(named)
}

export const keyFile = (dataDir: string): string => join(dataDir, 'peer.key')

/** Bytes of a unix socket's path that every system takes: 104 with its closing zero on macOS, 108 on Linux. */
const SOCKET_PATH_BYTES = 103

export interface SocketPath {
  path: string
  /** Not null: the folder that stands in for a data folder whose path is too long. */
  fallback: string | null
}

/**
 * The control socket: in the data folder, or under a hashed name in a private folder when that path is too long for a socket.
 * (The system would cut it without a word.)
 * @throws InvalidInputError when the folder for temporary files is too long as well.
 */
export function socketPath(dataDir: string): SocketPath {
  const path = join(dataDir, 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES) return { path, fallback: null }
  const fallback = join(tmpdir(), `zklora-${userInfo().uid}`)
  const name = createHash('sha256').update(dataDir).digest('hex').slice(0, 16)
  const short = join(fallback, `${name}.sock`)
  if (Buffer.byteLength(short) > SOCKET_PATH_BYTES) {
    throw new InvalidInputError(
      `no control socket fits ${dataDir} or ${tmpdir()}: a socket's path has at most ${SOCKET_PATH_BYTES} bytes; set TMPDIR or --data-dir`
    )
  }
  return { path: short, fallback }
}

const ROOT = 0

/**
 * The user that a folder belongs to: this one, or somebody else who owns it or, where its name is a symbolic link, can lead that
 * elsewhere between a look and the use (the folder for temporary files is everybody's).
 */
async function ownerOf(folder: string): Promise<number> {
  const [name, { uid }] = await Promise.all([lstat(folder), stat(folder)])
  const isOthers = name.isSymbolicLink() && name.uid !== userInfo().uid && name.uid !== ROOT
  return isOthers ? name.uid : uid
}

/**
 * Whoever owns a folder decides who listens on a socket in it, and so who reads prompts and says what is verified.
 * @throws InvalidInputError when it is somebody else's; a folder that is not there is nobody's
 */
export async function refuseForeignFolder(folder: string): Promise<void> {
  const uid = await ownerOf(folder).catch(() => undefined)
  if (uid !== undefined && uid !== userInfo().uid) {
    throw new InvalidInputError(
      `folder ${folder} belongs to user ${uid}, so what listens there is not yours: choose another with --data-dir`
    )
  }
}

/** Node says of a folder below a read-only one that it is not there; making the first that is missing says why. */
async function firstMissing(folder: string, cause: unknown): Promise<unknown> {
  if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return cause
  let missing = folder
  while (dirname(missing) !== missing && !existsSync(dirname(missing))) missing = dirname(missing)
  return mkdir(missing).then(
    () => cause,
    (error: unknown) => error
  )
}

/**
 * Makes a folder that only its owner may enter.
 * @throws InvalidInputError when it belongs to somebody else or cannot be made.
 */
export async function privateFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const [{ mode }, uid] = await Promise.all([stat(folder), ownerOf(folder)])
    if (uid !== userInfo().uid) throw new InvalidInputError(`folder ${folder} belongs to user ${uid}: choose another with --data-dir`)
    if ((mode & 0o077) !== 0) await chmod(folder, 0o700)
  } catch (cause) {
    if (cause instanceof InvalidInputError) throw cause
    const reason = systemReason(await firstMissing(folder, cause))
    throw new InvalidInputError(`folder ${folder} cannot be made or entered (${reason}); --data-dir chooses another`, { cause })
  }
}
