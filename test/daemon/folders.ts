/** Temporary folders of tests, removed at their end. */
import type { ExecutionContext } from 'ava'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export async function temporaryFolder(t: Pick<ExecutionContext, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'zklora-test-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
