/** Inputs of protocols/session/vectors.json. */
import { fromHex, toHex } from '../../../src/bytes.js'
import { publicKeyOf } from '../../../src/proof/index.js'
import { evaluate } from '../case.js'
import { encodeMessage, SESSION } from '../session.js'
import { drawer, type Named } from './draw.js'

const { random, hex } = drawer('session')
const message = (fields: Parameters<typeof encodeMessage>[0]): string => toHex(encodeMessage(fields))

const userSeed = random(32)
const contributorSeed = random(32)
const open = {
  nonce: random(32),
  chainSecret: random(32),
  sessionKey: publicKeyOf(userSeed),
  adapter: random(32),
  base: random(32),
  groups: [0, 3, 300],
  activationBits: 16,
  rows: 1000,
  credential: new Uint8Array(0)
}
const accept = {
  nonce: random(32),
  chainSecret: random(32),
  key: publicKeyOf(contributorSeed),
  delegation: new Uint8Array(0),
  started: 1_800_000_000n,
  rows: 1000,
  requests: 32,
  outstandingRows: 8192,
  outstandingBytes: 268_435_456n,
  salt: random(32),
  scales: new Uint8Array(new Float64Array([0.5, 2 ** -20, 1e-9]).buffer),
  signature: new Uint8Array(64)
}
const terms = {
  open: message({ open }),
  accept: message({ accept }),
  activationBits: 16,
  weightBits: 12,
  userPeer: `00240801122${hex(32).padStart(65, '0')}`,
  contributorPeer: `00240801122${hex(32).padStart(65, '0')}`
}
const seeds = { userSeed: toHex(userSeed), contributorSeed: toHex(contributorSeed) }
const agreed = evaluate(SESSION, { kind: 'terms', input: { ...terms, ...seeds } }).output as { session: string; begin: string }

const rows = message({ rows: { request: 0, group: 3, position: 17, count: 2, x: random(8) } })
const deltas = message({ deltas: { request: 0, firstRow: 0, count: 2, widths: Uint8Array.of(1, 5), y: random(12) } })
const tail = { rows: 2, accepted: 0, closed: false, seen: 1, publicHash: random(32), privateHash: random(32), signature: random(64) }
const batch = message({ batch: { firstRow: 0, commitments: random(64), blindings: new Uint8Array(0), tail } })
const answer = message({ batch: { firstRow: 0, commitments: random(64), blindings: random(64), tail: { ...tail, accepted: 2 } } })
const begin = message({ begin: { signature: fromHex(agreed.begin) } })

const messages = {
  open: terms.open,
  accept: terms.accept,
  refuse: message({ refuse: { code: 6, retryAfter: 30 } }),
  begin,
  rows,
  deltas,
  cancel: message({ cancel: { request: 300 } }),
  'batch of the user': batch,
  'batch of the contributor': answer,
  proof: message({ proof: { start: 0, end: 2, root: random(32), digest: random(32), length: 6000 } }),
  receipt: message({ receipt: { signature: random(64), code: 0 } }),
  'receipt with a code': message({ receipt: { signature: new Uint8Array(0), code: 18 } }),
  announced: message({ announced: { announcement: random(5) } }),
  settle: message({ settle: { session: random(32), userRows: 2, contributorRows: 0, rows: 0, signature: random(64) } }),
  failure: message({ failure: { code: 13 } })
}
const refused = {
  'no field': '',
  'a field unknown to a message': '6a04080d1001',
  'a default written': '3a020800',
  'a varint longer than needed': '3a03088100',
  'two fields of the oneof': `${messages.cancel}${messages.failure}`,
  'a byte after the message': `${messages.failure}00`,
  'a message cut short': rows.slice(0, -2),
  'rows without a row': message({ rows: { request: 0, group: 0, position: 0, count: 0, x: random(2) } }),
  'rows with 257 rows': message({ rows: { request: 0, group: 0, position: 0, count: 257, x: random(2) } }),
  'a receipt with signature and code': message({ receipt: { signature: random(64), code: 18 } })
}

const secrets = { session: agreed.session, userSecret: toHex(open.chainSecret), contributorSecret: toHex(accept.chainSecret) }
const user = { role: 'user', ...secrets, messages: [begin, rows] }
const contributor = { role: 'contributor', ...secrets, messages: [deltas] }
const modules = [
  { dOut: 2, bound: 1000 },
  { dOut: 1, bound: 2 ** 53 }
]

export const SESSION_CASES: readonly Named[] = [
  ...Object.entries(messages).map(([name, bytes]): Named => ['message', `message: ${name}`, { bytes }]),
  ...Object.entries(refused).map(([name, bytes]): Named => ['message', `message refused: ${name}`, { bytes }]),
  ['terms', 'terms and both signatures over them', { ...terms, ...seeds }],
  ['begin', "the user's signature", { ...terms, signature: agreed.begin }],
  ['begin', "the user's signature, seen by another peer", { ...terms, userPeer: terms.contributorPeer, signature: agreed.begin }],
  ['activations', 'activations of 16 bits', { bits: 16, x: [0, 1, -1, 258, 32767, -32767] }],
  ['activations', 'activations of 8 bits', { bits: 8, x: [0, 1, -1, 127, -127] }],
  ['activationBytes', 'an activation of −2^15', { bits: 16, entries: 1, bytes: '0080' }],
  ['activationBytes', 'an activation too many', { bits: 16, entries: 1, bytes: '00000000' }],
  ['deltas', 'deltas in least widths', { outputs: [2, 1], count: 2, y: [1, -128, 2 ** 53, 127, 0, -(2 ** 40)] }],
  ['deltas', 'deltas just beyond a width', { outputs: [1, 1, 1], count: 1, y: [128, -32769, 2 ** 31] }],
  ['deltasBytes', 'deltas', { modules, count: 1, widths: '0102', y: '01ff2c01' }],
  ['deltasBytes', 'deltas wider than needed', { modules, count: 1, widths: '0202', y: '0100ffff2c01' }],
  ['deltasBytes', 'deltas beyond the bound', { modules, count: 1, widths: '0202', y: 'e903ffff2c01' }],
  ['deltasBytes', 'deltas cut short', { modules, count: 1, widths: '0102', y: '01ff2c' }],
  ['chain', "the user's chain before a message", { ...user, messages: [] }],
  ['chain', "the user's chain after two messages", user],
  ['chain', "the contributor's chain after one message", contributor],
  ...(['user', 'contributor'] as const).map((role): Named => [
    'settle',
    `settle of the ${role}`,
    {
      role,
      session: agreed.session,
      userPeer: terms.userPeer,
      contributorPeer: terms.contributorPeer,
      counts: { userRows: 18, contributorRows: 12, rows: 20 },
      seed: role === 'user' ? seeds.userSeed : seeds.contributorSeed
    }
  ]),
  [
    'credential',
    'the credential of a listed user',
    { open: terms.open, contributorPeer: terms.contributorPeer, seed: seeds.contributorSeed }
  ],
  ['privateHash', "the private hash of the user's batch", { own: user, other: contributor, seen: 1, batch }],
  [
    'privateHash',
    "the private hash of the contributor's batch, which has seen no message of the user but begin",
    { own: contributor, other: { ...user, messages: [...user.messages, batch] }, seen: 1, batch: answer }
  ]
]
