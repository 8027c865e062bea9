/** The machine in a line, so that figures can be compared. */
import { availableParallelism, cpus, totalmem, type, arch, release } from 'node:os'

const GIB = 1024 ** 3

export function describeMachine(): { machine: string; node: string } {
  const model = cpus()[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown processor'
  const cores = availableParallelism()
  const machine = `${model}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${Math.round(totalmem() / GIB)} GiB, ${type()} ${release()} ${arch()}`
  return { machine, node: process.version }
}
