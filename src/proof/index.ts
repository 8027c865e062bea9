/** The proof: manifests, commitments to rows, bundles. Pure: no clock, no file, no network; randomness is passed in. */
export * from './types.js'
export * from './pending.js'
