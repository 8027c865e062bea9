/** Cases of protocols/evidence. */
import { concat, equal, fromHex, u16, u32, u8 } from '../../src/bytes.js'
import { nobleKernel } from '../../src/kernel/index.js'
import { checkEvidence, type CheckedEvidence, decodeEvidence, encodeEvidence } from '../../src/store/index.js'
import { seeded } from '../proof/fixture.js'
import { changed, type Change } from './adapter.js'

type Hex = string

/** Parts as they are to stand, whatever is wrong with them. */
export type JsonEvidence =
  | { kind: 1; announcements: [Hex, Hex] }
  | { kind: 2 | 3; context: Hex; owner?: Hex; tails: [Hex, Hex] }
  | { kind: 4; announcement: Hex; manifest: Hex; bundle: Hex }

const kernel = nobleKernel()
const short = (hex: Hex): Uint8Array[] => [u16(hex.length / 2), fromHex(hex)]
const long = (hex: Hex): Uint8Array[] => [u32(hex.length / 2), fromHex(hex)]

export function evidenceOf(json: JsonEvidence): Uint8Array {
  const head = [u8(1), u8(json.kind)]
  if (json.kind === 1) return concat([...head, ...json.announcements.flatMap(short)])
  if (json.kind === 4) return concat([...head, ...short(json.announcement), ...long(json.manifest), ...long(json.bundle)])
  return concat([...head, ...short(json.context), fromHex(json.owner ?? ''), ...json.tails.map(fromHex)])
}

function shown(bytes: Uint8Array): Pick<CheckedEvidence, 'kind' | 'key' | 'owners' | 'adapter'> & { identifier: Uint8Array } {
  const { id, kind, key, owners, adapter } = checkEvidence(bytes, { kernel, random: seeded('vectors') })
  return { identifier: id, kind, key, owners, adapter }
}

export const EVIDENCE = {
  evidence: (json: JsonEvidence) => {
    const bytes = evidenceOf(json)
    const result = shown(bytes)
    if (!equal(encodeEvidence(decodeEvidence(bytes)), bytes)) throw new Error('it has a second encoding')
    return { ...(json.kind !== 4 && { evidence: bytes }), ...result }
  },
  evidenceBytes: ({ evidence, change }: { evidence: Hex; change: Change }) => shown(changed(fromHex(evidence), change))
}
