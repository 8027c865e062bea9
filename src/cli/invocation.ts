/** What every command gets: where to read and write, the settings, and the one way to run something on a node. */
import type { Readable } from 'node:stream'
import { loadConfig, type Config } from '../daemon/config.js'
import type { CommandEvent, CommandName, CommandParams, CommandResult } from '../daemon/commands.js'
import { toWireError } from '../daemon/control/messages.js'
import { runCommand } from '../daemon/open-node.js'
import type { SettingsLayer } from '../daemon/settings.js'
import type { CommonFlags } from './options.js'
import { Output, type Stream } from './output.js'
import { renderEvent, renderProgress } from './render/status.js'
import { safeText } from './render/style.js'
import type { Event, JsonShape } from './shapes/index.js'

/** The process, as far as a command may see it. */
export interface Io {
  argv: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  stdin: Readable
  stdout: Stream
  stderr: Stream
  /** Aborts at Ctrl-C. */
  signal: AbortSignal
}

/** 0: as asked. 1: an error, or a proof that failed. 2: wrong usage, or `verify` could not check. */
export type ExitStatus = 0 | 1 | 2 | 130

/** Bytes of a prompt or text from stdin or a file: what a line of the control socket takes, with room for JSON. */
export const MOST_TEXT_BYTES = 4 * 1024 * 1024

/** @typeParam R its result as `--json` writes it */
export class Invocation<R = unknown> {
  readonly output: Output

  constructor(
    readonly io: Io,
    private readonly flags: CommonFlags,
    private readonly shape: JsonShape<R>
  ) {
    this.output = new Output({ stdout: io.stdout, stderr: io.stderr, json: flags.json === true, env: io.env })
  }

  /** True: `--json` writes a line for each event and the result last; false: one document. */
  private get streaming(): boolean {
    return this.shape.events !== null
  }

  get signal(): AbortSignal {
    return this.io.signal
  }

  /** @throws InvalidInputError for a wrong setting. */
  config(flags: SettingsLayer = {}): Promise<Config> {
    return loadConfig({ env: this.io.env, dataDir: this.flags.dataDir, config: this.flags.config, flags })
  }

  /** An event as JSON line, progress line or note; `null` for those that the command shows itself. */
  show(event: CommandEvent): void {
    if (this.output.json) {
      if (event.type !== 'bytes') this.event(event)
      return
    }
    // Stands in the result with its root.
    if (event.type === 'session' && (event.session.state === 'proved' || event.session.state === 'announced')) return
    const bar = renderProgress(event)
    if (bar !== null) this.output.progress(bar)
    else {
      const line = renderEvent(event, this.output.noteStyle)
      if (line !== null) this.output.note(line)
    }
  }

  /** A line of a streaming command; nothing without `--json`. */
  event(event: Event): void {
    if (this.streaming) this.output.document(event)
  }

  /** Runs on the daemon of the data folder, or on a node of its own. */
  async run<N extends CommandName>(
    config: Config,
    name: N,
    params: CommandParams<N>,
    onEvent = (event: CommandEvent): void => this.show(event)
  ): Promise<CommandResult<N>> {
    return runCommand(config, name, params, { signal: this.signal, onEvent })
  }

  /** The result of a command: a document with `--json` (the last line of a streaming command), lines without. */
  result(value: R, lines: readonly string[] = []): void {
    this.output.document(this.streaming ? { type: 'result', result: value } : value)
    this.output.lines(lines)
  }

  /** The sentence on stderr; its code on stdout too with `--json`. */
  error(error: unknown): void {
    const wire = toWireError(error)
    this.output.endText()
    this.output.document(this.streaming ? { type: 'error', error: wire } : { error: wire })
    // Names of tensors and adapters are in it.
    this.output.note(`zklora: ${safeText(wire.message)}`)
    if ((this.io.env['ZKLORA_DEBUG'] ?? '') !== '' && error instanceof Error) this.output.note(safeText(stackOf(error)))
  }
}

/** The stack with those of its causes: for ZKLORA_DEBUG alone. */
function stackOf(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${stackOf(error.cause)}` : ''
  return `${error.stack ?? String(error)}${cause}`
}
