/** Models and adapters in Hugging Face layout. */
export * from './folder.js'
export { readAtMost } from './read.js'
export type { Json } from './files.js'
