/** Cases of protocols/session. */
import { fromHex } from '../../src/bytes.js'
import type { Manifest, TailRole } from '../../src/proof/index.js'
import { decodeMessage, encodeMessage, type Message, type Peers } from '../../src/session/index.js'
import { PrivateChain, privateHash } from '../../src/session/chains.js'
import { makeSettle, type SettleCounts } from '../../src/session/settle/message.js'
import { credentialKey, withCredential } from '../../src/session/terms/credential.js'
import { packActivations, packDeltas, unpackActivations, unpackDeltas } from '../../src/session/messages/packing.js'
import { agree, checkBegin, signAccept, signBegin, type Terms } from '../../src/session/terms/terms.js'

type Hex = string

interface TermsInput {
  /** Messages. */
  open: Hex
  accept: Hex
  activationBits: number
  weightBits: number
  userPeer: Hex
  contributorPeer: Hex
}

interface SettleInput {
  role: TailRole
  session: Hex
  /** Of the new stream. */
  userPeer: Hex
  contributorPeer: Hex
  counts: SettleCounts
  seed: Hex
}

interface ChainInput {
  role: TailRole
  session: Hex
  userSecret: Hex
  contributorSecret: Hex
  messages: Hex[]
}

function valueOf<K extends Message['kind']>(message: Hex, kind: K): (Message & { kind: K })['value'] {
  const decoded = decodeMessage(fromHex(message))
  if (decoded.kind !== kind) throw new Error(`${decoded.kind} instead of ${kind}`)
  return decoded.value as never
}

function termsOf({ open, accept, activationBits, weightBits, userPeer, contributorPeer }: TermsInput): Terms {
  const peers: Peers = { user: fromHex(userPeer), contributor: fromHex(contributorPeer) }
  const manifest = { activationBits, weightBits } as Manifest
  return agree({ open: valueOf(open, 'open'), accept: valueOf(accept, 'accept'), manifest, peers })
}

function chainOf({ role, session, userSecret, contributorSecret, messages }: ChainInput): PrivateChain {
  const chain = new PrivateChain(role, fromHex(session), { user: fromHex(userSecret), contributor: fromHex(contributorSecret) })
  for (const message of messages) chain.append(fromHex(message))
  return chain
}

export const SESSION = {
  message: ({ bytes }: { bytes: Hex }) => {
    const { kind, value } = decodeMessage(fromHex(bytes))
    return { [kind]: value }
  },
  terms: (input: TermsInput & { userSeed: Hex; contributorSeed: Hex }) => {
    const terms = termsOf(input)
    const { session, hash } = terms
    return {
      session,
      terms: hash,
      accept: signAccept(terms, fromHex(input.contributorSeed)),
      begin: signBegin(terms, fromHex(input.userSeed))
    }
  },
  begin: ({ signature, ...input }: TermsInput & { signature: Hex }) => {
    checkBegin(termsOf(input), fromHex(signature))
    return {}
  },
  activations: ({ bits, x }: { bits: number; x: number[] }) => {
    const packed = packActivations(Int16Array.from(x), bits)
    unpackActivations(packed, x.length, bits)
    return packed
  },
  activationBytes: ({ bits, entries, bytes }: { bits: number; entries: number; bytes: Hex }) =>
    unpackActivations(fromHex(bytes), entries, bits),
  deltas: ({ outputs, y, count }: { outputs: number[]; y: number[]; count: number }) => packDeltas(outputs, Float64Array.from(y), count),
  deltasBytes: ({ modules, widths, y, count }: { modules: { dOut: number; bound: number }[]; widths: Hex; y: Hex; count: number }) =>
    unpackDeltas(
      modules,
      { widths: fromHex(widths), y: fromHex(y) },
      new Float64Array(modules.reduce((sum, { dOut }) => sum + count * dOut, 0))
    ),
  chain: (input: ChainInput) => chainOf(input).head,
  privateHash: ({ own, other, seen, batch }: { own: ChainInput; other: ChainInput; seen: number; batch: Hex }) => {
    const chain = chainOf(own)
    const { firstRow, commitments, blindings } = valueOf(batch, 'batch')
    return privateHash({
      session: fromHex(own.session),
      role: own.role,
      own: { count: chain.count, value: chain.head },
      batch: { firstRow, commitments, blindings },
      seen: { count: seen, value: chainOf({ ...other, messages: other.messages.slice(0, seen) }).head }
    })
  },
  settle: ({ role, session, userPeer, contributorPeer, counts, seed }: SettleInput) => {
    const peers: Peers = { user: fromHex(userPeer), contributor: fromHex(contributorPeer) }
    const terms = { session: fromHex(session) } as Terms
    return { message: encodeMessage({ settle: makeSettle({ terms, role, peers }, counts, fromHex(seed)) }) }
  },
  credential: ({ open, contributorPeer, seed }: { open: Hex; contributorPeer: Hex; seed: Hex }) => {
    const contributor = fromHex(contributorPeer)
    const shown = withCredential(valueOf(open, 'open'), contributor, fromHex(seed))
    return { credential: shown.credential, key: credentialKey(shown, contributor)! }
  }
}

export { encodeMessage }
