/** Step 6: the pair that is left, over the first generators of G. */
import { Bases } from '../argument/bases.js'
import { openPair as open } from '../argument/inner.js'
import type { OpenedPair } from '../argument/layout.js'
import type { FoldedPair } from '../argument/pairs.js'
import { pad } from '../scalars.js'
import type { Prover } from './hidden.js'
import { widthOf } from './layout.js'

export function openPair(prover: Prover, pair: FoldedPair): OpenedPair {
  const { kernel, groups } = prover
  const d = widthOf(groups)
  const bases = Bases.of(kernel, kernel.generators('G', 0, d))
  return open(prover, { ...pair, x: pad(pair.x, d), a: pad(pair.a, d) }, { x: bases, a: bases })
}
