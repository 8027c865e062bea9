/** The claims that hold for every kernel, as tests: `contract(test, kernel)` registers them all. */
import type { TestFn } from 'ava'
import type { Kernel } from '../../src/kernel/types.js'
import { pointContract } from './contract-points.js'
import { rowContract } from './contract-rows.js'
import { scalarContract } from './contract-scalars.js'

export function contract(test: TestFn, kernel: Kernel): void {
  pointContract(test, kernel)
  rowContract(test, kernel)
  scalarContract(test, kernel)
}
