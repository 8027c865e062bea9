/** The fuzzer finds what it looks for, and its generators reach what is accepted. */
import test from 'ava'
import fc from 'fast-check'
import { MalformedMessageError } from '../../src/errors.js'
import { decodeMessage } from '../../src/session/index.js'
import { messageArbitrary } from './protobuf.js'
import { fuzz } from './run.js'
import { readSchema } from './schema.js'

const cases = fc.uint8Array({ minLength: 1, maxLength: 40 })
const found = test.macro({
  exec(t, again: (bytes: Uint8Array) => Uint8Array, message: RegExp) {
    t.throws(() => fuzz({ name: 'it', share: 1, cases, again }, { cases: 300, seed: 1 }), { message })
  },
  title: (what = '') => `a decoder that ${what} is found, with seed and bytes`
})

test(
  'throws what no peer may cause',
  found,
  bytes => new Uint8Array(BigInt(bytes[0]!) as never),
  /^it, seed 1, path [\d:]+: Cannot convert/
)
test('takes two encodings', found, bytes => Uint8Array.of(bytes[0]!), /not the only encoding.*; bytes [0-9a-f]+$/)
test('allocates what is claimed', found, bytes => (new Uint8Array(bytes[0]! * 2 ** 16), bytes), /made it allocate/)
test(
  'refuses with an error of its own',
  found,
  () => {
    throw new RangeError('beyond')
  },
  /beyond/
)

test('what is refused by one of the four is no finding', t => {
  const { accepted, refused } = fuzz(
    {
      name: 'it',
      share: 1,
      cases,
      again: () => {
        throw new MalformedMessageError('no')
      }
    },
    { cases: 50, seed: 1 }
  )
  t.is(accepted, 0)
  t.is(refused.get('MalformedMessageError'), 50)
})

test('every kind of session message that the schema has is drawn and accepted', t => {
  const schema = readSchema('protocols/session/session.proto')
  const type = schema.get('SessionMessage')!
  const kinds = new Set<string>()
  for (const bytes of fc.sample(messageArbitrary(schema, type), { numRuns: 3000, seed: 3 })) {
    try {
      kinds.add(decodeMessage(bytes).kind)
    } catch {
      // Drawn with a fault.
    }
  }
  t.deepEqual([...kinds].sort(), [...type.oneof].sort())
})
