/** The command line run in this process, its output kept. */
import { Readable } from 'node:stream'
import type { Io } from '../../src/cli/invocation.js'
import { run } from '../../src/cli/program.js'
import { strictly } from './strict.js'

export interface Ran {
  status: number
  stdout: string
  stderr: string
}

export interface TerminalOptions {
  stdin?: string
  env?: Record<string, string>
  isTTY?: boolean
  signal?: AbortSignal
  onStdout?: (text: string) => void
}

export async function zklora(
  argv: readonly string[],
  { stdin = '', env = {}, isTTY = false, signal, onStdout }: TerminalOptions = {}
): Promise<Ran> {
  const ran: Ran = { status: -1, stdout: '', stderr: '' }
  const io: Io = {
    argv,
    env,
    stdin: Readable.from(stdin === '' ? [] : [Buffer.from(stdin)]),
    stdout: {
      isTTY,
      write: text => {
        ran.stdout += text
        onStdout?.(text)
      }
    },
    stderr: { isTTY, columns: 80, write: text => (ran.stderr += text) },
    signal: signal ?? new AbortController().signal
  }
  ran.status = await run(io)
  for (const line of ran.stdout.split('\n').filter(line => line.startsWith('{') || line.startsWith('['))) strictly(argv)?.(line)
  return ran
}
