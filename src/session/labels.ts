/** Labels of hashes and signatures of protocols/session and, for the receipt, protocols/announce. */
const VERSION = 'zklora/v1/'

export const LABELS = {
  terms: `${VERSION}terms`,
  signAccept: `${VERSION}sign/accept`,
  signBegin: `${VERSION}sign/begin`,
  privateStart: `${VERSION}private-start`,
  privateMessage: `${VERSION}private-message`,
  private: `${VERSION}private`,
  batch: `${VERSION}batch`,
  credential: `${VERSION}credential`,
  signCredential: `${VERSION}sign/credential`,
  signSettle: `${VERSION}sign/settle`,
  signReceipt: `${VERSION}sign/receipt`
} as const
