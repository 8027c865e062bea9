/** The command line: commands, flags, help. What a command does is in commands/. */
import { Command, CommanderError } from 'commander'
import { ZkloraError } from '../errors.js'
import { VERSION } from '../roles/version.js'
import { adapterCommands } from './commands/adapter.js'
import { completionCommand } from './commands/completion.js'
import { evidenceCommands } from './commands/evidence.js'
import { exportCommand } from './commands/export.js'
import { findCommand } from './commands/find.js'
import { generateCommand } from './commands/generate.js'
import { initCommand } from './commands/init.js'
import { lossCommand } from './commands/loss.js'
import { modelCommands } from './commands/model.js'
import { openCommand } from './commands/open.js'
import { peersCommand } from './commands/peers.js'
import { startCommand } from './commands/start.js'
import { statusCommand } from './commands/status.js'
import { verifyCommand } from './commands/verify.js'
import { watchCommand } from './commands/watch.js'
import { Invocation, type ExitStatus, type Io } from './invocation.js'
import type { CommonFlags } from './options.js'
import { safeText } from './render/style.js'
import type { JsonShape } from './shapes/index.js'

/** What a command's action is: it gets its invocation and flags, and says with which status to exit. */
export type Action<Flags, R> = (invocation: Invocation<R>, flags: Flags, args: string[]) => Promise<ExitStatus>

export interface Binding<Flags, R> {
  action: Action<Flags, R>
  /** What `--json` writes: one of shapes/, from which docs/commands.md is made (`npm run docs`). */
  json: JsonShape<R>
  /** Exit status of errors; 2 where an error means that nothing was checked. */
  failure?: ExitStatus
  /** What an exit status means, where it is not what EXITS says. */
  exits?: Partial<Record<ExitStatus, string>>
}

/** A command as it is documented. */
export interface Documented {
  command: Command
  json: JsonShape
  exits: Partial<Record<ExitStatus, string>>
}

/** Binds an action to a command. */
export type Bind = <Flags extends CommonFlags, R>(command: Command, binding: Binding<Flags, R>) => void

const ABOUT = `Peer-to-peer inference with private LoRA adapters, proven in zero knowledge.

A contributor serves LoRA adapters without giving them to everybody, a user runs the base model with them, and anybody can verify afterwards that every answer came from the one adapter that was named.`

const AFTER = `
Examples:
  $ zklora start --role contributor --adapter adapters/shakespeare --base models/novels
  $ zklora find --base models/novels
  $ zklora generate "My dear sir" --base models/novels --adapter shakespeare
  $ zklora verify session.zkproof

Settings: defaults < config file < environment (ZKLORA_…) < flags. While a daemon runs (zklora start), commands speak to it.
Exit status: 0 as asked; 1 an error, or a proof that failed; 2 wrong usage or settings, or verify could not check.`

/** What an exit status means unless a command says otherwise. */
export const EXITS: Readonly<Partial<Record<ExitStatus, string>>> = {
  0: 'as asked',
  1: 'an error',
  2: 'wrong usage or settings',
  130: 'interrupted'
}

/** Runs one command line to its end. */
export async function run(io: Io): Promise<ExitStatus> {
  let status: ExitStatus = 0
  const bind: Bind = (command, { action, json, failure = 1 }) => {
    command.action(async () => {
      const flags = command.opts() as Parameters<typeof action>[1]
      const invocation = new Invocation(io, flags, json)
      try {
        status = await action(invocation, flags, command.args)
      } catch (error) {
        status = failureStatus(error, io.signal, failure)
        if (status !== 130) invocation.error(error)
      }
    })
  }
  const program = build(bind, io)
  try {
    await program.parseAsync([...io.argv], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    // Help and version were asked for; anything else is wrong usage, and commander has said what.
    return error.exitCode === 0 ? 0 : 2
  }
  return status
}

/** Every command with what is written and exited with: for docs/commands.md and its test. */
export function documented(): { program: Command; commands: Documented[] } {
  const commands: Documented[] = []
  const bind: Bind = (command, { json, exits = {} }) => commands.push({ command, json: json as JsonShape, exits: { ...EXITS, ...exits } })
  return { program: build(bind, { stdout: { write: () => true }, stderr: { write: () => true } }), commands }
}

function failureStatus(error: unknown, signal: AbortSignal, failure: ExitStatus): ExitStatus {
  // Whatever came of the interruption, it is what was asked for.
  if (signal.aborted) return 130
  // By code: an error of a daemon is rebuilt on this side of the socket.
  return error instanceof ZkloraError && error.code === 'ERR_INVALID_INPUT' ? 2 : failure
}

function build(bind: Bind, io: Pick<Io, 'stdout' | 'stderr'>): Command {
  const program = new Command('zklora')
    .description(ABOUT)
    .version(VERSION)
    .addHelpText('after', AFTER)
    .exitOverride()
    .configureOutput({ writeOut: text => io.stdout.write(text), writeErr: text => io.stderr.write(safeText(text)) })
    .showSuggestionAfterError(true)
    .showHelpAfterError('(zklora --help tells more, and so does --help after a command)')
  initCommand(program, bind)
  startCommand(program, bind)
  adapterCommands(program, bind)
  modelCommands(program, bind)
  findCommand(program, bind)
  generateCommand(program, bind)
  lossCommand(program, bind)
  exportCommand(program, bind)
  openCommand(program, bind)
  verifyCommand(program, bind)
  watchCommand(program, bind)
  evidenceCommands(program, bind)
  peersCommand(program, bind)
  statusCommand(program, bind)
  completionCommand(program, bind)
  return program
}
