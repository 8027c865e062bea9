/** Inputs of protocols/bundle/vectors.json, with the adapter of protocols/adapter/vectors.json. */
import { concat, fromHex, toHex } from '../../../src/bytes.js'
import { encodeContext, publicKeyOf, sessionId } from '../../../src/proof/index.js'
import { integers } from '../../proof/fixture.js'
import { encodeVarint, zigzag } from '../../../src/proof/bundle/pattern.js'
import type { Change } from '../adapter.js'
import { BUNDLE, contextOf, type BundleInput, type JsonContext, type JsonRow } from '../bundle.js'
import { evaluate, hexed, ref } from '../case.js'
import { base, delegation, identifier, manifestOf, owner, quantized, registration, replica, replicaKey, SMALL, TINY } from './adapter.js'
import { drawer, type Named } from './draw.js'
import { CHAINS, FORGED_BUNDLES, SMALL_BUNDLES } from './forged-bundles.js'
import { OPENINGS } from './openings.js'

const { random, hex } = drawer('bundle')
export const user = hex()
const nonces = { userNonce: hex(), contributorNonce: hex() }
const keys = { userKey: publicKeyOf(fromHex(user)), contributorKey: publicKeyOf(fromHex(owner)), adapter: identifier, base }
const contextInput = { ...nonces, ...keys, started: '1700000000', activationBits: 16, weightBits: 12, rows: 64, groups: [0, 1] }
const context = hexed(contextInput) as JsonContext
const delegated = hexed({ ...contextInput, contributorKey: replicaKey, groups: [1], delegation }) as JsonContext
const rowsOf = (places: readonly [group: number, position: number][], first = 0): JsonRow[] =>
  places.map(([group, position], t) => {
    const x = [...integers(random, quantized.groups[group]!.dIn, 32767)]
    return { number: first + t, group, position, x, eta: toHex(concat([random(31), Uint8Array.of(0)])) }
  })
const side = (sideSeed: string, rows: number, closed = true) => ({ seed: sideSeed, rows, closed, privateHash: hex() })
const fixed = { registration, fresh: hex() }
const places: [number, number][] = [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2], [0, 3], [1, 3]] // prettier-ignore
const whole: BundleInput = { ...fixed, context, rows: rowsOf(places), user: side(user, 8), contributor: side(owner, 8) }
const first: BundleInput = {
  ...whole,
  rows: whole.rows.slice(0, 5),
  user: side(user, 5, false),
  contributor: side(owner, 8, false),
  fresh: hex()
}
const made = (input: BundleInput) =>
  evaluate(BUNDLE, { kind: 'bundle', input }).output as { bundle: string; root: string; publicHashes: string[] }
const [wholeMade, firstMade] = [made(whole), made(first)]
const second: BundleInput = { ...whole, rows: whole.rows.slice(5), publicAtStart: firstMade.publicHashes.at(-1)!, fresh: hex() }
const one: BundleInput = {
  ...fixed,
  context: delegated,
  rows: rowsOf([[1, 7]]),
  user: side(user, 2, false),
  contributor: side(replica, 1),
  fresh: hex()
}
one.rows[0]!.x.fill(0)
/** Names and bytes for protocols/announce. */
export const WHOLE = 'bundle of a whole session'
export const bundles = { whole: wholeMade.bundle, first: firstMade.bundle }
export const replicaBundle = made(one).bundle
export const bundleContexts = { whole: toHex(encodeContext(contextOf(context))), replica: toHex(encodeContext(contextOf(delegated))) }
/** As it stands in the file: its adapter by name. */
const named = (input: BundleInput) => ({ ...input, registration: ref(TINY!, 'input') })
const bundleOf = (name: string) => ref(name, 'output', 'bundle')
const shown = { manifest: manifestOf(TINY!), bundle: bundleOf(WHOLE), opening: ref('opening of row 6', 'output', 'opening') }
const rowFile = { manifest: shown.manifest, bundles: [shown.bundle], opening: shown.opening }
/** Its first bytes: 10 of its name, the version, four of the opening's length; then the opening: x begins at 55. */
const rowFileChanges = {
  'that is none': { xor: [0, 1] },
  'of version 3': { xor: [10, 2] },
  'whose opening is longer than the file': { xor: [14, 0x80] },
  'with an opening of version 3': { xor: [15, 2] },
  'with the opening of another session': { xor: [16, 1] },
  'with the opening of another row': { xor: [15 + 41, 1] },
  'with another x': { xor: [15 + 60, 1] },
  'with a byte behind it': { append: '00' }
} satisfies Record<string, Change>
const smallRows = { manifest: manifestOf(SMALL!) }
const size = wholeMade.bundle.length / 2
const bundleChanges = { version: [0, 2], 'user nonce': [2, 1], 'a row': [300, 1], 'a tail': [-1800, 1], τ: [-900, 1], 'last byte': [-1, 1] }
const publicRows = rowsOf([[0, 0], [1, 0], [1, 1]]).map(({ x: _x, eta: _eta, ...row }) => ({ ...row, s: hex() })) // prettier-ignore
const session = sessionId(contextOf(context))
const tail = { session, publicHash: hex(), privateHash: hex(), rows: 9, accepted: 8, closed: true }
const patterns = { 'not merged steps': '0100040101000401', 'continued run': '0100000101000201', 'repeat 0': '0000000201000001', 'group 5': '010a0002', 'negative position': '01000102', 'too many rows': '01000003', 'varint not in its shortest form': '8100000002', 'positions beyond u32': `0100${toHex(encodeVarint(zigzag(2 ** 32 - 1)))}02`, 'first position beyond u32': `0100${toHex(encodeVarint(zigzag(2 ** 32)))}02`, shortest: '01000002' } // prettier-ignore

export const BUNDLE_CASES: readonly Named[] = [
  ['context', 'context', context],
  ['context', 'context with delegation', delegated],
  ['publicHash', 'public running hash', { session, rows: publicRows }],
  ['tail', "user's tail", { role: 'user', seed: user, ...tail }],
  ['tail', "contributor's tail", { role: 'contributor', seed: owner, ...tail, closed: false }],
  ['pattern', 'pattern of a prefill and two tokens', { rows: [...places, [0, 4], [1, 4]] }],
  [
    'pattern',
    'pattern with the largest jumps',
    {
      rows: [
        [0, 2 ** 32 - 1],
        [1, 0],
        [0, 2 ** 32 - 1]
      ]
    }
  ],
  ...Object.entries(patterns).map(([name, bytes]): Named => ['patternBytes', `pattern bytes: ${name}`, { bytes, rows: 2, groups: [0, 1] }]),
  ['patternBytes', 'pattern bytes: a run continues the one before inside a repeat', { bytes: '02000402', rows: 4, groups: [0, 1] }],
  ['patternBytes', 'pattern bytes: a repeat that continues none', { bytes: '02000602', rows: 4, groups: [0, 1] }],
  ['bundle', WHOLE, named(whole)],
  ['bundle', 'bundle of rows 0 to 5', named(first)],
  ['bundle', 'bundle of rows 5 to 8', named(second)],
  ['bundle', 'bundle of one zero row of one group, by a replica', named(one)],
  ['bundleBytes', 'bundle verified', { manifest: manifestOf(TINY!), bundle: bundleOf(WHOLE), change: {} }],
  ...Object.entries(bundleChanges).map(([name, [at, mask]]): Named => [
    'bundleBytes',
    `bundle changed: ${name}`,
    { manifest: manifestOf(TINY!), bundle: bundleOf(WHOLE), change: { xor: [at! < 0 ? size + at! : at, mask] } }
  ]),
  ['merkleRoot', 'root of three rows', { session, rows: publicRows }],
  ['opening', 'opening of row 6', { bundle: ref(WHOLE, 'input'), number: 6 }],
  ['openingBytes', 'opening accepted', { ...shown, change: {} }],
  ['openingBytes', 'opening with another x', { ...shown, change: { xor: [60, 1] } }],
  ...Object.entries(SMALL_BUNDLES).map(([name, bundle]): Named => [
    'bundleBytes',
    `small bundle: ${name}`,
    { ...smallRows, bundle, change: {} }
  ]),
  ...Object.entries(FORGED_BUNDLES).map(([name, bundle]): Named => [
    'bundleBytes',
    `small bundle refused: ${name}`,
    { ...smallRows, bundle, change: {} }
  ]),
  ...OPENINGS.map(({ name, ...input }): Named => ['openingBytes', `opening ${name}`, { manifest: manifestOf(SMALL!), ...input }]),
  [
    'proofFile',
    'proof file of two bundles',
    { manifest: manifestOf(TINY!), bundles: [bundleOf('bundle of rows 0 to 5'), bundleOf('bundle of rows 5 to 8')] }
  ],
  ...Object.entries(CHAINS).map(([name, members]): Named => [
    'proofFile',
    `proof file of bundles ${name}`,
    { ...smallRows, bundles: members }
  ]),
  ['rowFile', 'row file of row 6', { ...rowFile, change: {} }],
  ...Object.entries(rowFileChanges).map(([name, change]): Named => ['rowFile', `row file ${name}`, { ...rowFile, change }]),
  ['rowFile', 'row file without the bundle of its row', { ...rowFile, bundles: [bundleOf('bundle of rows 5 to 8')], change: {} }],
  ['rowFile', 'row file with a bundle of fewer rows', { ...rowFile, bundles: [bundleOf('bundle of rows 0 to 5')], change: {} }]
]
