/** Canonical bytes, signatures, transcript (session-proof, section 7; protocols/notation). */
import { changes, instead, never, without } from './mutation.js'

export const ENCODINGS = [
  ...changes(
    'src/bytes.ts',
    ['attack/bytes', 'wire/announcement'],
    never('bytes that end early are refused', 'length > this.remaining'),
    never('trailing bytes are refused', 'this.remaining > 0')
  ),
  ...changes(
    'src/wire/canonical.ts',
    ['wire/canonical'],
    never('a message has one encoding', '!same(codec.encode(message), bytes)'),
    without('a message cut short or followed by bytes is refused', 'if (a.length !== b.length) return false')
  ),
  ...changes(
    'src/kernel/noble/noble.ts',
    ['kernel/noble'],
    instead(
      'points are canonical (JavaScript)',
      'throw new MalformedMessageError(`point ${i} is not a canonical ristretto255 encoding`, { cause })',
      'return IDENTITY'
    )
  ),
  ...changes('src/kernel/wasm/points.ts', ['attack/encodings'], never('points are canonical (WebAssembly)', 'bad >= 0')),
  ...changes('src/kernel/scalars.ts', ['kernel/noble'], never('scalars are below ℓ (JavaScript)', 'at >= 0')),
  ...changes('src/kernel/wasm/scalars.ts', ['attack/encodings'], never('scalars are below ℓ (WebAssembly)', 'at >= 0')),
  ...changes(
    'src/proof/signature.ts',
    ['proof/encodings', 'attack/encodings'],
    never('keys have 32 and signatures 64 bytes', 'publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES'),
    instead('S is below ℓ', ' || s >= ORDER', ''),
    instead('A and R are not of small order', 'point.isSmallOrder() ? undefined : point', 'point'),
    // Canonical A has no entry: nobody can sign for another form of a key but those of small order, so that no test could tell.
    instead(
      'the equation is checked without the cofactor',
      'return equal(expected.toBytes(), signature.subarray(0, KEY_BYTES))',
      'return expected.subtract(r).clearCofactor().is0()'
    ),
    instead('the equation is checked', 'return equal(expected.toBytes(), signature.subarray(0, KEY_BYTES))', 'return true'),
    instead('signatures are labelled', 'concat([prefixed(utf8(label)), ...items.map(prefixed)])', 'concat(items.map(prefixed))'),
    instead('signed items are length-prefixed', '...items.map(prefixed)]', '...items]')
  ),
  ...changes(
    'src/proof/signature.ts',
    ['roles/ed25519'],
    instead('for a platform too: keys are of no small order', 'mayStand(publicKey) && ', ''),
    instead('for a platform too: R is of no small order', 'mayStand(signature.subarray(0, KEY_BYTES)) && ', ''),
    instead('for a platform too: no y of small order', 'y < PRIME && !SMALL_ORDER.has(y)', 'y < PRIME')
  ),
  ...changes(
    'src/proof/transcript.ts',
    ['proof/encodings', 'vectors/notation'],
    never('a challenge of zero is refused', 'equal(challenge, ZERO)'),
    instead(
      'items of a transcript are length-prefixed',
      'this.hasher.update(prefixed(item))\n  }\n\n  appendList',
      'this.hasher.update(item)\n  }\n\n  appendList'
    ),
    without('lists of a transcript begin with their count', 'this.hasher.update(u32(items.length))'),
    without('a transcript begins with its label', 'this.hasher.update(prefixed(utf8(label)))')
  )
]
