/** Models and adapters in Hugging Face layout. */
export * from './folder.js'
export type { Json } from './files.js'
