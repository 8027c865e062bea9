/**
 * The kernel in WebAssembly: AssemblyScript over SIMD (src/kernel/assembly), 20 times as fast as the one over noble and the same in
 * meaning. Compiling and starting takes about 2 ms, at the first call; an instance has 32 MiB of scratch, of which only what is used
 * takes memory, and at most 113 MiB of tables (tables.ts). Instance, tables and generators belong to the thread.
 *
 * Not constant-time: tables are looked up by secret digits, digits that are 0 cost nothing, and neither WebAssembly nor its compilers
 * promise anything about time.
 */
import type { Kernel } from '../types.js'
import { generators } from './generators.js'
import * as points from './points.js'
import { commitRows } from './rows.js'
import * as scalars from './scalars.js'

/** Any number of kernels of one thread take each other's points. */
export function wasmKernel(): Kernel {
  return {
    name: 'wasm',
    generators,
    decode: points.decode,
    encode: points.encode,
    concat: points.concat,
    slice: points.slice,
    add: points.add,
    indexOfIdentity: points.indexOfIdentity,
    commitRows: (bases, rows, count) => commitRows(bases, rows, count),
    msm: points.msm,
    foldPoints: points.foldPoints,
    scale: points.scale,
    checkScalars: scalars.checkScalars,
    reduceWide: scalars.reduceWide,
    addScalars: scalars.addScalars,
    mulScalars: scalars.mulScalars,
    negateScalars: scalars.negateScalars,
    invertScalars: scalars.invertScalars,
    foldScalars: scalars.foldScalars,
    powers: scalars.powers,
    innerProduct: scalars.innerProduct,
    foldRows: scalars.foldRows,
    rowProducts: scalars.rowProducts,
    scalarsOf: scalars.scalarsOf
  }
}
