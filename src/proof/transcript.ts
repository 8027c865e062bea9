/** Fiat–Shamir transcript, and the masks of a prover (protocols/notation, Transcript). */
import { concat, equal, prefixed, u32, u8, utf8 } from '../bytes.js'
import { InvalidProofError } from '../errors.js'
import { createBlake3, keyedHashWide } from '../kernel/hash.js'
import type { Kernel } from '../kernel/types.js'
import { LABELS } from './labels.js'
import { SCALAR_BYTES, ZERO } from './scalars.js'
import type { Random } from './types.js'

/** Tags that begin each entry. */
const TAG = { append: 1, list: 2, challenge: 3 } as const
const WIDE_BYTES = 64

/** An append-only byte string; every challenge covers all before it. */
export class Transcript {
  private readonly hasher = createBlake3()

  constructor(
    private readonly kernel: Kernel,
    label: string,
    /** The step by which a proof is refused of which a challenge is zero. */
    private readonly step = 'identity'
  ) {
    this.hasher.update(prefixed(utf8(LABELS.transcript)))
    this.hasher.update(prefixed(utf8(label)))
  }

  append(label: string, item: Uint8Array): void {
    this.entry(TAG.append, label)
    this.hasher.update(prefixed(item))
  }

  appendList(label: string, items: readonly Uint8Array[]): void {
    this.entry(TAG.list, label)
    this.hasher.update(u32(items.length))
    for (const item of items) this.hasher.update(prefixed(item))
  }

  /** A list of points or scalars that stand one after the other. */
  appendPacked(label: string, items: Uint8Array): void {
    this.appendList(
      label,
      Array.from({ length: items.length / SCALAR_BYTES }, (_, i) => items.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES))
    )
  }

  /** @throws InvalidProofError for a challenge that is zero */
  challenge(label: string): Uint8Array {
    this.entry(TAG.challenge, label)
    return checkChallenge(this.step, label, this.kernel.reduceWide(this.hasher.digest(WIDE_BYTES)))
  }

  /** BLAKE3 of everything so far. */
  state(): Uint8Array {
    return this.hasher.digest()
  }

  private entry(tag: number, label: string): void {
    this.hasher.update(concat([u8(tag), prefixed(utf8(label))]))
  }
}

/** @throws InvalidProofError(step) for zero */
export function checkChallenge(step: string, label: string, challenge: Uint8Array): Uint8Array {
  if (equal(challenge, ZERO)) throw new InvalidProofError(step, `challenge ${label} is zero`)
  return challenge
}

/** Bytes of fresh randomness under all masks of one attempt. */
const FRESH_BYTES = 32

/** Masks of one attempt at a proof. A retried proof needs a new one: masks never serve two challenges. */
export class Masks {
  private readonly fresh: Uint8Array

  constructor(
    private readonly kernel: Kernel,
    random: Random,
    private readonly secret: Uint8Array
  ) {
    this.fresh = random(FRESH_BYTES)
  }

  /** Masks at this place of the transcript: `(label, count)` gives `count` scalars with indices from `first` on. */
  at(transcript: Transcript): (label: string, count?: number, first?: number) => Uint8Array {
    const state = transcript.state()
    return (label, count = 1, first = 0) => {
      const wide = new Uint8Array(count * WIDE_BYTES)
      for (let i = 0; i < count; i++) {
        wide.set(keyedHashWide(this.fresh, LABELS.mask, this.secret, state, utf8(label), u32(first + i)), i * WIDE_BYTES)
      }
      return this.kernel.reduceWide(wide)
    }
  }
}
