/** What the process that measures the prover's memory is given: a file with what only registration and the user could make. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { deserialize, serialize } from 'node:v8'
import type { CommittedAdapter } from '../../../src/proof/index.js'
import type { GroupCommitments } from './honest.js'
import type { Shape } from './shapes.js'

export interface Handover {
  readonly shape: Shape
  readonly tokens: number
  readonly manifestBytes: Uint8Array
  readonly secret: Uint8Array
  readonly salt: Uint8Array
  /** The user's commitments of each group. */
  readonly x: readonly Uint8Array[]
}

export async function hand(given: {
  readonly shape: Shape
  readonly tokens: number
  readonly adapter: CommittedAdapter
  readonly commitments: readonly GroupCommitments[]
}): Promise<{ file: string; remove: () => Promise<void> }> {
  const { shape, tokens, adapter, commitments } = given
  const folder = await mkdtemp(join(tmpdir(), 'zklora-bench-'))
  const file = join(folder, 'prover')
  const { manifest, secret, salt } = adapter
  const handover: Handover = { shape, tokens, manifestBytes: manifest.bytes, secret, salt, x: commitments.map(({ x }) => x) }
  await writeFile(file, serialize(handover))
  return { file, remove: () => rm(folder, { recursive: true, force: true }) }
}

export async function take(file: string): Promise<Handover> {
  const read = deserialize(await readFile(file)) as Handover
  const own = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)
  return { ...read, manifestBytes: own(read.manifestBytes), secret: own(read.secret), salt: own(read.salt), x: read.x.map(own) }
}
