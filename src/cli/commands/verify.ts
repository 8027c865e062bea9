/** `zklora verify`: of files and folders without daemon, network or store; of a root or digest by the node. */
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import { batchVerifyProofs, PROOF_FILE_ENDING, verifyProofAt } from '../../library/batch-verify.js'
import { unchecked } from '../../browser/verify-file.js'
import type { VerifyReport } from '../../roles/types.js'
import type { ExitStatus, Invocation } from '../invocation.js'
import { common, network, networkLayer, type CommonFlags, type NetworkFlags } from '../options.js'
import type { Bind } from '../program.js'
import { exitStatus, renderReports } from '../render/verify.js'
import { document, verified } from '../shapes/index.js'

type VerifyFlags = CommonFlags & NetworkFlags

async function verifyOne(
  invocation: Pick<Invocation, 'signal' | 'config' | 'run'>,
  flags: VerifyFlags,
  source: string
): Promise<VerifyReport[]> {
  const found = await stat(source).catch(() => null)
  if (found?.isDirectory() === true) {
    const { reports } = await batchVerifyProofs(source, { signal: invocation.signal })
    return reports.length > 0 ? reports : [unchecked(source, `the folder has no file that ends with ${PROOF_FILE_ENDING}`)]
  }
  if (found !== null) return [await verifyProofAt(source)]
  if (!/^[0-9a-fA-F]{8,64}$/.test(source)) {
    return [unchecked(source, 'there is no such file or folder, and it is no root or digest of 8 to 64 hexadecimal digits')]
  }
  const config = await invocation.config(networkLayer(flags))
  return [await invocation.run(config, 'verify', { id: source.toLowerCase() })]
}

export function verifyCommand(program: Command, bind: Bind): void {
  const command = program
    .command('verify')
    .summary('verify a proof file, a folder of them, or a known session')
    .description(
      'Verifies and says what was proved and what was not. Files and folders need no daemon, network or store.\nExit status: 0 valid, 1 a proof failed, 2 could not be checked.'
    )
    .argument('<source...>', 'files, folders, roots, digests or session identifiers')
  bind(common(network(command), ['zklora verify session.zkproof', 'zklora verify b3f1c09a77e2']), {
    action: async (invocation, flags: VerifyFlags, sources): Promise<ExitStatus> => {
      const reports: VerifyReport[] = []
      for (const source of sources) reports.push(...(await verifyOne(invocation, flags, source)))
      const status = exitStatus(reports)
      const verdict = status === 0 ? 'valid' : status === 1 ? 'invalid' : 'unchecked'
      invocation.result({ verdict, reports }, renderReports(reports, invocation.output.style))
      return status
    },
    json: document(verified),
    failure: 2,
    exits: { 0: 'valid', 1: 'a proof failed', 2: 'wrong usage, or it could not be checked' }
  })
}
