/** Cases of protocols/notation. */
import { Cursor, fromHex } from '../../src/bytes.js'
import { hash, hashWide, keyedHashWide, nobleKernel } from '../../src/kernel/index.js'
import type { GeneratorFamily } from '../../src/kernel/types.js'
import { encodeVarint, readVarint, unzigzag, zigzag } from '../../src/proof/bundle/pattern.js'
import { publicKeyOf, sign, signedBytes, Transcript, verifySignature } from '../../src/proof/index.js'
import { Masks } from '../../src/proof/transcript.js'
import { fixedRandom } from './case.js'

type Hex = string

const kernel = nobleKernel()

/** One call of a transcript. */
type Step = { append: [string, Hex] } | { appendList: [string, Hex[]] } | { challenge: string }

interface TranscriptInput {
  start: string
  steps: Step[]
}

function replay({ start, steps }: TranscriptInput): { transcript: Transcript; challenges: Uint8Array[] } {
  const transcript = new Transcript(kernel, start)
  const challenges: Uint8Array[] = []
  for (const step of steps) {
    if ('append' in step) transcript.append(step.append[0], fromHex(step.append[1]))
    else if ('appendList' in step) transcript.appendList(step.appendList[0], step.appendList[1].map(fromHex))
    else challenges.push(transcript.challenge(step.challenge))
  }
  return { transcript, challenges }
}

export const NOTATION = {
  hash: ({ label, items }: { label: string; items: Hex[] }) => ({
    hash: hash(label, ...items.map(fromHex)),
    hashWide: hashWide(label, ...items.map(fromHex))
  }),
  keyedWide: ({ key, label, items }: { key: Hex; label: string; items: Hex[] }) =>
    keyedHashWide(fromHex(key), label, ...items.map(fromHex)),
  generator: ({ family, index }: { family: GeneratorFamily; index: number }) => kernel.encode(kernel.generators(family, index, 1)),
  point: ({ encoding }: { encoding: Hex }) => ({ identity: kernel.indexOfIdentity(kernel.decode(fromHex(encoding))) === 0 }),
  scalar: ({ wide }: { wide: Hex }) => kernel.reduceWide(fromHex(wide)),
  integer: ({ value }: { value: number }) => kernel.scalarsOf(Float64Array.of(value)),
  scalarEncoding: ({ encoding }: { encoding: Hex }) => {
    kernel.checkScalars(fromHex(encoding))
    return {}
  },
  signature: ({ seed, label, items }: { seed: Hex; label: string; items: Hex[] }) => ({
    publicKey: publicKeyOf(fromHex(seed)),
    signed: signedBytes(label, items.map(fromHex)),
    signature: sign(fromHex(seed), label, ...items.map(fromHex))
  }),
  verification: ({ publicKey, signature, label, items }: { publicKey: Hex; signature: Hex; label: string; items: Hex[] }) => ({
    valid: verifySignature(fromHex(publicKey), fromHex(signature), label, ...items.map(fromHex))
  }),
  transcript: (input: TranscriptInput) => {
    const { transcript, challenges } = replay(input)
    return { challenges, state: transcript.state() }
  },
  mask: ({
    fresh,
    secret,
    transcript,
    label,
    index
  }: {
    fresh: Hex
    secret: Hex
    transcript: TranscriptInput
    label: string
    index: number
  }) => new Masks(kernel, fixedRandom(fromHex(fresh)), fromHex(secret)).at(replay(transcript).transcript)(label, 1, index),
  varint: ({ value }: { value: number }) => encodeVarint(value),
  zigzag: ({ value }: { value: number }) => {
    if (unzigzag(zigzag(value)) !== value) throw new Error('zigzag does not come back')
    return { zigzag: zigzag(value) }
  },
  varintBytes: ({ bytes }: { bytes: Hex }) => {
    const cursor = new Cursor(fromHex(bytes), 'the varint')
    const value = readVarint(cursor)
    cursor.end()
    return { value }
  }
}
