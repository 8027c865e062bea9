export * from './types.js'
export { createBlake3, hash, hashWide, keyedHashWide, type Blake3 } from './hash.js'
export { nobleKernel } from './noble.js'
export { wasmKernel } from './wasm.js'
