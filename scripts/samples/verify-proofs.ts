/**
 * A verifier: checks every proof file of a folder. It needs no node and no network.
 *
 *     node dist/scripts/samples/verify-proofs.js [FOLDER]
 */
import { batchVerifyProofs } from 'zklora'

const { proofs, valid, elapsed, reports } = await batchVerifyProofs(process.argv[2] ?? 'proofs')
for (const { source, verdict, adapter, ranges, whole, error } of reports) {
  const rows = ranges.reduce((sum, { start, end }) => sum + end - start, 0)
  console.log(
    `${source}: ${verdict}${error === null ? `, ${rows} rows of ${adapter!.name}${whole ? '' : ', not the whole session'}` : ` (${error})`}`
  )
}
console.log(`${valid} of ${proofs} proofs are valid, checked in ${elapsed.toFixed(1)} ms`)
process.exitCode = proofs > 0 && valid === proofs ? 0 : 1
