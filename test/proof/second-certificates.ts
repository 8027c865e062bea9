/**
 * A second verifier of certificates, written from protocols/adapter alone: noble's points, BigInt, no code of src/. It takes the equations
 * one by one, so that it says which one does not hold.
 */
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { blake3 } from '@noble/hashes/blake3.js'

const { Point } = ristretto255
type Element = InstanceType<typeof Point>
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

const mod = (value: bigint): bigint => ((value % ORDER) + ORDER) % ORDER

function power(base: bigint, exponent: bigint | number): bigint {
  let out = 1n
  for (let [square, left] = [mod(base), BigInt(exponent)]; left > 0n; left >>= 1n, square = (square * square) % ORDER) {
    if (left & 1n) out = (out * square) % ORDER
  }
  return out
}
const invert = (value: bigint): bigint => power(value, ORDER - 2n)

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer)
const lp = (bytes: Uint8Array | string): Buffer => Buffer.concat([u32(Buffer.from(bytes).length), Buffer.from(bytes)])
const integer = (bytes: Uint8Array): bigint => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`)

const known = new Map<string, Element>()
function generator(family: string, index: number): Element {
  const name = family + String(index)
  const wide = blake3(Buffer.concat([lp('zklora/v1/generator'), lp(family), lp(u32(index))]), { dkLen: 64 })
  const point = known.get(name) ?? (ristretto255_hasher.deriveToCurve!(wide) as Element)
  known.set(name, point)
  return point
}

class Script {
  private bytes = Buffer.concat([lp('zklora/v1/transcript'), lp('zklora/v1/certificate')])

  append(label: string, item: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, Uint8Array.of(1), lp(label), lp(item)])
  }

  list(label: string, items: readonly Uint8Array[]): void {
    this.bytes = Buffer.concat([this.bytes, Uint8Array.of(2), lp(label), u32(items.length), ...items.map(lp)])
  }

  challenge(label: string): bigint {
    this.bytes = Buffer.concat([this.bytes, Uint8Array.of(3), lp(label)])
    return mod(integer(blake3(this.bytes, { dkLen: 64 })))
  }
}

type Term = readonly [bigint, Element]
const sum = (terms: readonly Term[]): Element =>
  terms.reduce((total, [scalar, point]) => (mod(scalar) === 0n ? total : total.add(point.multiply(mod(scalar)))), Point.ZERO)
const dot = (a: readonly bigint[], b: readonly bigint[]): bigint => a.reduce((total, value, i) => total + value * b[i]!, 0n)

function holds(equation: string, left: readonly Term[], right: readonly Term[]): void {
  if (!sum(left).equals(sum(right))) throw new Error(equation)
}

interface Round {
  readonly odd: readonly bigint[]
  readonly points: readonly Element[]
  readonly c: readonly bigint[]
  readonly u: bigint
}

/** A module as the page counts it. */
export interface SecondModule {
  readonly index: number
  readonly dIn: number
  readonly dOut: number
  readonly rank: number
  readonly offset: number
  readonly weightBits: number
  /** CA, then CB. */
  readonly commitments: readonly Uint8Array[]
}

/** @throws Error with the number of the equation that does not hold, and its family. */
export function verifySecond(bodyHash: Uint8Array, module: SecondModule, certificate: Uint8Array): void {
  const { rank, weightBits } = module
  let at = 0
  const next = (): Uint8Array => certificate.subarray(at, (at += 32))
  const many = (count: number): Uint8Array[] => Array.from({ length: count }, next)
  const point = (bytes: Uint8Array): Element => Point.fromBytes(bytes)
  const script = new Script()
  const read = (label: string): Uint8Array => {
    const item = next()
    script.append(label, item)
    return item
  }
  const readPoint = (label: string): Element => point(read(label))
  const readScalar = (label: string): bigint => integer(read(label))
  script.append('body', bodyHash)
  script.append('module', u32(module.index))
  const m = readPoint('M')
  const chi = script.challenge('chi')
  const cf = many(2 * rank)
  script.list('CF', cf)
  const [sigma, tau, psi] = ['sigma', 'tau', 'psi'].map(label => script.challenge(label)) as [bigint, bigint, bigint]
  const values = [readPoint('VA'), readPoint('VB')] as const
  const [h, u] = [generator('H', 0), generator('U', 0)]

  /** Halvings of vectors with so many entries; `labels` of their points. */
  const readRounds = (length: number, labels: readonly string[], vectors: readonly string[]): { rounds: Round[]; last: number } => {
    const rounds: Round[] = []
    let left = length
    for (; left > 8; left = Math.floor(left / 2)) {
      const odd = left % 2 === 1 ? vectors.map(name => readScalar(`odd-${name}`)) : []
      const points = labels.map(readPoint)
      const c = [readScalar('c1'), readScalar('c2')]
      rounds.push({ odd, points, c, u: script.challenge('halve') })
    }
    return { rounds, last: left }
  }
  const unfold = (last: readonly bigint[], rounds: readonly Round[], { inverse, vector }: { inverse: boolean; vector: number }): bigint[] =>
    rounds.reduceRight<bigint[]>(
      (s, round) => [...s, ...s.map(value => mod(value * (inverse ? invert(round.u) : round.u))), ...round.odd.slice(vector, vector + 1)],
      [...last]
    )
  /** −Σ (u · points[low] + u^−1 · points[high]). */
  const halves = (rounds: readonly Round[], low: number, high: number): Term[] =>
    rounds.flatMap(({ u: by, points }): Term[] => [
      [-by, points[low]!],
      [-invert(by), points[high]!]
    ])
  const crossed = (rounds: readonly Round[]): bigint => rounds.reduce((total, { u: by, c }) => total - by * c[0]! - invert(by) * c[1]!, 0n)

  let q = 0n
  const families = [
    { name: 'A', family: 'G', n: module.dIn, offset: 0, first: 0, value: values[0] },
    { name: 'B', family: 'K', n: module.dOut, offset: module.offset, first: rank, value: values[1] }
  ] as const
  for (const { name, family, n, offset, first, value } of families) {
    const folds = Array.from({ length: Math.ceil(Math.log2(rank)) }, () => {
      const [tl, tr] = [readPoint('TL'), readPoint('TR')]
      return { tl, tr, c: script.challenge('fold') }
    })
    const [dx, da, t0, t1] = ['DX', 'DA', 'T0', 'T1'].map(readPoint) as [Element, Element, Element, Element]
    const c = script.challenge('mask')
    const [zetaX, zetaA, zetaV, product] = ['zeta-x', 'zeta-a', 'zeta-v', 'tau'].map(readScalar) as [bigint, bigint, bigint, bigint]
    const { rounds, last } = readRounds(n, ['A1', 'A2', 'A3', 'A4'], ['x', 'a'])
    const [x, a] = [many(last).map(integer), many(last).map(integer)]
    const rows = Array.from({ length: rank }, (_, k) => k)
    const e = rows.map(k => folds.reduce((total, fold, j) => ((k >> (folds.length - 1 - j)) & 1 ? mod(total * fold.c) : total), 1n))
    const bases = Array.from({ length: n }, (_, i) => generator(family, offset + i))
    const inverseTau = invert(tau)
    holds(
      `1 ${name}`,
      [
        ...unfold(x, rounds, { inverse: true, vector: 0 }).map((s, i): Term => [s * power(inverseTau, i), bases[i]!]),
        ...halves(rounds, 0, 1),
        [zetaX, h]
      ],
      [[1n, dx], ...rows.map((k): Term => [c * e[k]! * power(sigma, first + k), point(cf[first + k]!)])]
    )
    holds(
      `2 ${name}`,
      [...unfold(a, rounds, { inverse: false, vector: 1 }).map((s, i): Term => [s, bases[i]!]), ...halves(rounds, 3, 2), [zetaA, h]],
      [
        [1n, da],
        ...rows.flatMap((k): Term[] => {
          const weight = c * invert(e[k]!)
          const share = psi * power(invert(sigma), first + k)
          const known = bases.map((base, i): Term => [weight * mod(chi + share * power(inverseTau, i)), base])
          return [[weight, point(module.commitments[first + k]!)], ...known]
        })
      ]
    )
    holds(
      `3 ${name}`,
      [
        [product, u],
        [zetaV, h]
      ],
      [
        [1n, t0],
        [c, t1],
        [c * c, value],
        ...folds.flatMap(({ tl, tr, c: by }): Term[] => [
          [c * c * invert(by), tl],
          [c * c * by, tr]
        ])
      ]
    )
    const odd = rounds.reduce((total, { odd: [left = 0n, right = 0n] }) => total + left * right, 0n)
    if (mod(dot(x, a) + odd + crossed(rounds)) !== product) throw new Error(`4 ${name}`)
    for (const k of rows) for (let i = 0; i < n; i++) q += power(sigma, first + k) * power(tau, i)
  }

  const [dx, t0] = [readPoint('DX'), readPoint('T0')]
  const c = script.challenge('mask')
  const [zetaX, zetaV, product] = ['zeta-x', 'zeta-v', 'tau'].map(readScalar) as [bigint, bigint, bigint]
  const size = 2 ** weightBits
  const { rounds, last } = readRounds(size, ['A1', 'A2'], [])
  const s = unfold(many(last).map(integer), rounds, { inverse: true, vector: 0 })
  const partners = s.map((_, v) => (v === size - 1 ? 0n : invert(chi + BigInt(v - (size / 2 - 1)))))
  holds(
    '5',
    [...s.map((scalar, v): Term => [scalar, generator('G', v)]), ...halves(rounds, 0, 1), [zetaX, h]],
    [
      [1n, dx],
      [-c * psi, m]
    ]
  )
  holds(
    '6',
    [
      [product, u],
      [zetaV, h]
    ],
    [[1n, t0], [c * mod(q), u], ...values.map((value): Term => [-c, value])]
  )
  if (mod(dot(s, partners) + crossed(rounds)) !== product) throw new Error('7')
  if (at !== certificate.length) throw new Error('length')
}
