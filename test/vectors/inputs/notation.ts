/** Inputs of protocols/notation/vectors.json. */
import { fromHex } from '../../../src/bytes.js'
import { badSignatures } from '../../proof/bad-signatures.js'
import { evaluate, hexed } from '../case.js'
import { NOTATION } from '../notation.js'
import { drawer, text, type Named } from './draw.js'

const { hex } = drawer('notation')
/** ℓ. */
const order = 'edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'
const message = { label: 'zklora/v1/test', items: [text('one'), '', text('three')] }
const steps = [
  { append: ['a', hex()] },
  { challenge: 'c' },
  { appendList: ['list', [hex(), hex(3)]] },
  { appendList: ['empty', []] },
  { challenge: 'd' }
]
const seed = hex()
const generators = ['G 0', 'G 1', 'G 255', 'G 1000', 'K 0', 'K 300', 'Q 0', 'Q 300', 'H 0', 'U 0']
const encodings = { identity: hexed(new Uint8Array(32)), generator: 'e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76' }
const refused = {
  'p + …': `00${'ff'.repeat(31)}`,
  'p, which is the identity mod p': `ed${'ff'.repeat(30)}7f`,
  'p + 3, even, a point mod p': `f0${'ff'.repeat(30)}7f`,
  'p + 4, odd, a point mod p': `f1${'ff'.repeat(30)}7f`,
  'p − s of a point': '15a99a49e7824477e060757b228f47fcb489c94f5e66029b4f787fcee9b5cd73',
  negative: `01${'00'.repeat(31)}`,
  'not square': '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371'
}

export const NOTATION_CASES: readonly Named[] = [
  ['hash', 'hash of three items', message],
  ['hash', 'hash without items', { label: '', items: [] }],
  ['keyedWide', 'keyed hash', { key: hex(), ...message }],
  ...generators.map((name): Named => ['generator', `generator ${name}`, { family: name[0], index: Number(name.slice(2)) }]),
  ...Object.entries({ ...encodings, ...refused }).map(([name, encoding]): Named => ['point', `point: ${name}`, { encoding }]),
  ['scalar', '64 bytes mod ℓ', { wide: hex(64) }],
  ['scalar', 'the largest 64 bytes mod ℓ', { wide: 'ff'.repeat(64) }],
  ...[0, 1, -1, 32767, -32767, 2 ** 53, -(2 ** 53)].map((value): Named => ['integer', `the integer ${value}`, { value }]),
  ['scalarEncoding', 'ℓ − 1', { encoding: `ec${order.slice(2)}` }],
  ['scalarEncoding', 'ℓ', { encoding: order }],
  ['signature', 'signature', { seed, ...message }],
  [
    'verification',
    'signature accepted',
    { ...message, ...(evaluate(NOTATION, { kind: 'signature', input: { seed, ...message } }).output as object) }
  ],
  ...badSignatures(fromHex(seed), message.label, message.items.map(fromHex)).map(({ name, ...bad }): Named => [
    'verification',
    name,
    { ...message, ...bad }
  ]),
  ['transcript', 'transcript', { start: 'zklora/v1/test', steps }],
  ['mask', 'mask', { fresh: hex(), secret: hex(), transcript: { start: 'zklora/v1/test', steps }, label: 'm', index: 3 }],
  ...[0, 1, 127, 128, 300, 2 ** 32, 2 ** 33 - 1].map((value): Named => ['varint', `varint ${value}`, { value }]),
  ...[0, 1, -1, 2, 2 ** 32 - 1, 1 - 2 ** 32].map((value): Named => ['zigzag', `zigzag ${value}`, { value }]),
  ...['00', 'ac02', 'ffffffff1f', '8000', 'ffffffff20', 'ffffffffff01', '80', '0000'].map((bytes): Named => [
    'varintBytes',
    `varint bytes ${bytes}`,
    { bytes }
  ])
]
