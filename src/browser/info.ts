/** What is shown of manifests and proofs: plain data in hexadecimal. */
import { toHex } from '../bytes.js'
import type { Manifest, RowOpening, VerifiedProof } from '../proof/index.js'
import type { AdapterInfo, OpenedRow, ProofRange } from './report.js'

export function adapterInfo(manifest: Manifest): AdapterInfo {
  return {
    id: toHex(manifest.id),
    name: manifest.name,
    base: toHex(manifest.base),
    baseName: manifest.baseName,
    owner: toHex(manifest.owner),
    activationBits: manifest.activationBits,
    weightBits: manifest.weightBits,
    groups: manifest.groups.map(({ dIn, modules }) => ({ dIn, modules: modules.map(({ name, dOut, rank }) => ({ name, dOut, rank })) })),
    manifestBytes: manifest.bytes.length
  }
}

export function openedRowInfo(manifest: Manifest, { number, group, position, x, y }: RowOpening): OpenedRow {
  return { number, group, position, modules: adapterInfo(manifest).groups[group]!.modules, x: [...x], y: [...y] }
}

export function proofRange(proof: VerifiedProof): ProofRange {
  return {
    session: toHex(proof.session),
    adapter: toHex(proof.adapter),
    base: toHex(proof.base),
    contributorKey: toHex(proof.contributorKey),
    userKey: toHex(proof.userKey),
    start: proof.start,
    end: proof.end,
    root: toHex(proof.root),
    digest: toHex(proof.digest),
    rowsPerGroup: proof.rowsPerGroup.map(({ group, rows }) => ({ group, rows })),
    closed: proof.complete,
    bundleBytes: proof.bundleBytes
  }
}
