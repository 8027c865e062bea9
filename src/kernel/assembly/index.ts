/** What the wrapper calls (src/kernel/wasm). Nothing here checks an address or a length: the wrapper does. */
import { prepare } from './constants'

prepare()

export { blakeAbsorb, blakeForget, blakeInput, blakeSqueeze, blakeStart, blakeState, blakeStateBytes } from './blake3/index'
export { carry, mul, sqr } from './field'
export { entryDigits, rowDigits, scalarDigits } from './digits'
export { toEntries } from './entries'
export { multiply } from './msm'
export { addToPairs, combinations, multiples, pairsOf } from './multiples'
export { decode, encode, indexOfIdentity, mapAll } from './ristretto'
export { addRows, joinDigits, makeTables, setIdentities } from './rows'
export {
  addScalars, firstTooLarge, foldScalars, fromIntegers, innerProduct, invertScalars, mulScalars, negateScalars, powers, reduceWide
} from './scalars'
export { combineRows, smallDots } from './deltas'
export { dotAll, foldDigits, splitRows } from './folds'

/** Where the memory that the compiler has laid out ends. */
export function heapBase(): usize {
  return __heap_base
}

/** n multiplications, two elements each: for the bench. */
import { mul } from './field'
export function mulTimes(o: usize, a: usize, n: i32): void {
  for (let i = 0; i < n; i++) mul(o, o, a)
}
