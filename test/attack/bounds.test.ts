/** Claims beyond their bounds are refused by the bound itself, before what follows would be found wrong. */
import test from 'ava'
import { Cursor, fromHex } from '../../src/bytes.js'
import { encodeContext, prove } from '../../src/proof/index.js'
import { decodeBundle } from '../../src/proof/bundle/decode.js'
import { readPattern } from '../../src/proof/bundle/pattern.js'
import { Incoming } from '../../src/net/fetch/incoming.js'
import { honestSession, makeAdapter, register } from '../proof/fixture.js'
import { FLAT } from './claims.js'

const { adapter, manifest } = register('bounds', makeAdapter('bounds', FLAT))
const session = honestSession(adapter, 'bounds', { groups: [0, 1] })
const { bundle } = prove(session)
/** Where e stands. */
const END = 1 + encodeContext(session.context).length + 4

test('rows of a bundle are bounded, and by its bytes', t => {
  t.throws(() => decodeBundle(bundle.with(END + 2, 1), manifest), { message: /^rows of a bundle is 65538/ })
  t.throws(() => decodeBundle(bundle.with(END + 1, 2), manifest), { message: /bytes left for 514 rows/ })
})

test('a step of the pattern without rows is refused at once', t => {
  for (const bytes of ['00000002', '01000000']) {
    t.throws(() => readPattern(new Cursor(fromHex(bytes), 'the pattern'), 2, [0]), { message: /is empty/ })
  }
})

test('pieces of a transfer are refused at once when they are empty, too long, or beyond the length', t => {
  const incoming = new Incoming('bundle', new Uint8Array(32), 'a holder')
  incoming.begin(300_000, 300_000)
  t.throws(() => incoming.take(new Uint8Array(0)), { message: /a piece of 0 bytes/ })
  t.like(
    t.throws(() => incoming.take(new Uint8Array(262_145)), { message: /a piece of 262145 bytes/ }),
    { atLimit: 'fetchPieceBytes' }
  )
  incoming.take(new Uint8Array(262_144))
  t.throws(() => incoming.take(new Uint8Array(37_857)), { message: /more than the 300000 bytes/ })
})
