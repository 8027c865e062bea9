/** Labels of hashes, transcripts and signatures (protocols/notation, adapter, bundle). */
const VERSION = 'zklora/v1/'

export const LABELS = {
  transcript: `${VERSION}transcript`,
  mask: `${VERSION}mask`,
  baseModel: `${VERSION}base-model`,
  content: `${VERSION}content`,
  blinding: `${VERSION}blinding`,
  scales: `${VERSION}scales`,
  manifestBody: `${VERSION}manifest-body`,
  adapter: `${VERSION}adapter`,
  certificate: `${VERSION}certificate`,
  signDelegation: `${VERSION}sign/delegation`,
  signTail: `${VERSION}sign/tail`,
  session: `${VERSION}session`,
  publicStart: `${VERSION}public-start`,
  publicRow: `${VERSION}public-row`,
  bundle: `${VERSION}bundle`,
  leaf: `${VERSION}leaf`,
  node: `${VERSION}node`,
  root: `${VERSION}root`
} as const
