import test from 'ava'
import fc from 'fast-check'
import { encode } from 'it-length-prefixed'
import { Uint8ArrayList } from 'uint8arraylist'
import { LimitExceededError, MalformedMessageError } from '../../src/errors.js'
import { NET_LIMITS } from '../../src/limits.js'
import { type Chunk, decodeFrames } from '../../src/net/frames.js'

async function decoded(chunks: readonly Chunk[], most: number = NET_LIMITS.frameBytes): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = []
  const source = async function* (): AsyncGenerator<Chunk> {
    yield* chunks
  }
  for await (const frame of decodeFrames(most)(source())) frames.push(frame)
  return frames
}

/** Cut at these places, alternately as they are and in lists of parts. */
function cut(bytes: Uint8Array, places: readonly number[]): Chunk[] {
  const at = [0, ...places.map(place => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  const parts = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
  return parts.map((part, i) => (i % 2 === 0 ? part : new Uint8ArrayList(part.subarray(0, 1), part.subarray(1))))
}

test('frames come out as they went in, wherever the bytes are cut', async t => {
  const frame = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.integer({ min: 65_000, max: 140_000 }).map(length => new Uint8Array(length).fill(length))
  )
  await fc.assert(
    fc.asyncProperty(fc.array(frame, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 12 }), async (frames, places) => {
      const bytes = new Uint8ArrayList(...frames.map(each => encode.single(each))).slice()
      const got = await decoded(cut(bytes, places))
      t.deepEqual(
        got.map(each => Buffer.from(each).toString('hex')),
        frames.map(each => Buffer.from(each).toString('hex'))
      )
    }),
    { numRuns: 60 }
  )
})

test('a frame of 1 MiB that comes byte by byte takes no longer than its bytes', async t => {
  t.timeout(30_000)
  const bytes = encode.single(new Uint8Array(NET_LIMITS.frameBytes).fill(7)).slice()
  const crumbs = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
  // What libp2p hands over of a stream that was paused is one list; the last byte belongs to the next frame.
  const list = new Uint8ArrayList()
  list.appendAll([...crumbs, Uint8Array.of(0)])
  t.deepEqual(
    (await decoded([list])).map(({ length }) => length),
    [NET_LIMITS.frameBytes, 0]
  )
})

const END = new Uint8Array(0)
for (const [what, bytes, error] of [
  ['a length of five bytes', [0x80, 0x80, 0x80, 0x80, 1], MalformedMessageError],
  ['a length that is not the shortest', [0x81, 0], MalformedMessageError],
  ['a length beyond the bound', [11, 1], LimitExceededError],
  ['a length of four bytes beyond the bound', [0xff, 0xff, 0xff, 0x7f], LimitExceededError],
  ['an end within a length', [0x81], MalformedMessageError],
  ['an end after a length', [1], MalformedMessageError],
  ['an end within a frame', [2, 1], MalformedMessageError]
] as const) {
  test(`${what} is refused`, async t => {
    await t.throwsAsync(decoded([Uint8Array.from(bytes), END], 10), { instanceOf: error as typeof MalformedMessageError })
  })
}

test('no room is made for a length before its bytes have come', async t => {
  const before = process.memoryUsage().arrayBuffers
  const readers = Array.from({ length: 256 }, () => {
    const source = async function* (): AsyncGenerator<Chunk> {
      yield Uint8Array.from([0x80, 0x80, 0x40, 1])
      await new Promise(() => {})
    }
    const frames = decodeFrames(NET_LIMITS.frameBytes)(source())
    void frames.next()
    return frames
  })
  await new Promise(resolve => setImmediate(resolve))
  t.true(process.memoryUsage().arrayBuffers - before < 64 * 2 ** 20, `${readers.length} readers`)
})
