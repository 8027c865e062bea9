/** Step 5: the pairs x_g, a_g of all groups. */
import { concat } from '../../bytes.js'
import { foldList, type FoldedPair } from '../argument/pairs.js'
import type { PairRound } from '../argument/layout.js'
import { slice } from '../scalars.js'
import { gammas, type Prover } from './hidden.js'

/** What step 5 starts from. */
export interface PairsInit {
  /** x̄_g for each group. */
  readonly xBar: readonly Uint8Array[]
  readonly pi: Uint8Array
  readonly nu: Uint8Array
  readonly gamma: Uint8Array
}

/** a_g = Σ_k γ_gk A_gk with the blinding of Σ_k γ_gk CA_gk, for each group. */
function columns(prover: Prover, gamma: Uint8Array): { a: Uint8Array; alpha: Uint8Array }[] {
  const { kernel, adapter, groups } = prover
  const powers = gammas(prover, gamma)
  let from = 0
  return groups.map(({ index, dIn, rank }) => {
    const weights = slice(powers, from, from + rank)
    from += rank
    let at = 0
    const parts = adapter.quantized.groups[index]!.modules.map(module => {
      const part = kernel.foldRows(slice(weights, at, at + module.rank), module.a, dIn)
      at += module.rank
      return part
    })
    return {
      a: parts.reduce((total, part) => kernel.addScalars(total, part)),
      alpha: kernel.innerProduct(weights, adapter.groups[index]!.alpha)
    }
  })
}

export function foldPairs(prover: Prover, { xBar, pi, nu, gamma }: PairsInit): { rounds: PairRound[]; pair: FoldedPair } {
  const a = columns(prover, gamma)
  const pairs = xBar.map((x, g) => ({ x, a: a[g]!.a }))
  return foldList(prover, { pairs, xi: pi, alpha: concat(a.map(({ alpha }) => alpha)), nu })
}
