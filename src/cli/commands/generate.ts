/** `zklora generate`: tokens stream to stdout, the state of commitments and proofs to stderr. */
import type { Command } from 'commander'
import { baseFolder, type Config } from '../../daemon/config.js'
import type { CommandEvent, CommandParams } from '../../daemon/commands.js'
import { InvalidInputError } from '../../errors.js'
import type { GenerateResult } from '../../roles/types.js'
import type { ExitStatus, Invocation } from '../invocation.js'
import { collect, common, network, networkLayer, positive, wholeNumber, type CommonFlags, type NetworkFlags } from '../options.js'
import type { Bind } from '../program.js'
import { renderSessionsEnd } from '../render/sessions.js'
import { safeText } from '../render/style.js'
import { generateResult, linesWithResult } from '../shapes/index.js'
import { readStdin } from '../text.js'

export interface UseFlags extends CommonFlags, NetworkFlags {
  base: string
  adapter?: string[]
  combine?: 'add_delta' | 'replace'
  rows?: number
  keepRows?: boolean
  force?: boolean
}

/** Which base model with which adapters: `generate` and `loss`. */
export function use(command: Command): Command {
  return command
    .requiredOption('--base <folder>', 'the folder of the base model, or a name from "models" of the config')
    .option(
      '--adapter <id[@peer]>',
      'an adapter: identifier, name, ID@PEER or ID@MULTIADDR (repeatable; none: the base model alone)',
      collect
    )
    .option('--combine <mode>', '"add_delta" (default), or "replace": the remote output alone')
    .option(
      '--rows <n>',
      'rows of each session at most; another follows (default: from the text, or what is served)',
      wholeNumber(1, 0xffff_ffff)
    )
    .option('--keep-rows', 'keep what opens the rows, so that zklora open can show one (activations: text may be inferred from them)')
    .option('--force', 'also with contributors against whom there is evidence (zklora evidence list)')
}

export function useParams(
  config: Config,
  { base, adapter = [], combine, rows, force, keepRows = config.settings.keepRows }: UseFlags
): CommandParams<'loss'> & { text: never } {
  return {
    base: baseFolder(config.settings, base),
    adapters: adapter,
    ...(combine !== undefined && { combineMode: combine }),
    ...(rows !== undefined && { rows }),
    ...(keepRows && { keepRows }),
    ...(force !== undefined && { force })
  } as CommandParams<'loss'> & { text: never }
}

interface GenerateFlags extends UseFlags {
  greedy?: boolean
  temperature?: number
  topK?: number
  topP?: number
  repetitionPenalty?: number
  seed?: number
  maxNewTokens?: number
  stop?: string[]
}

/** The settings' sampling with the flags over it. */
function sampling(config: Config, flags: GenerateFlags): Omit<CommandParams<'generate'>, 'base' | 'adapters' | 'prompt'> {
  const { greedy, temperature, topK, topP, repetitionPenalty, seed, maxNewTokens, stop } = flags
  const sampled = Object.entries({ temperature, topK, topP, seed }).filter(([, value]) => value !== undefined)
  if (greedy === true && sampled.length > 0)
    throw new InvalidInputError(`--greedy and ${sampled.map(([name]) => name).join(', ')} exclude each other: leave one out`)
  const given = { temperature, topK, topP, repetitionPenalty, seed, maxNewTokens, stop }
  const merged = { ...config.settings.generation, ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) }
  if (greedy === true) for (const name of ['temperature', 'topK', 'topP', 'seed'] as const) delete merged[name]
  return merged
}

/** Tokens as text; everything else as the state of commitments and proof. */
function showing(invocation: Invocation<GenerateResult>): (event: CommandEvent) => void {
  const { output } = invocation
  return event => {
    if (event.type === 'token') output.text(safeText(event.text))
    // The first session that is not open any more: the text is complete, what comes is about the proof.
    if (event.type === 'session' && event.session.state !== 'open') output.endText()
    invocation.show(event)
  }
}

async function generate(invocation: Invocation<GenerateResult>, flags: GenerateFlags, [argument]: string[]): Promise<ExitStatus> {
  const config = await invocation.config(networkLayer(flags))
  const prompt = argument === '-' ? await readStdin(invocation.io.stdin) : argument!
  const { output } = invocation
  const result = await invocation.run(
    config,
    'generate',
    { ...useParams(config, flags), ...sampling(config, flags), prompt },
    showing(invocation)
  )
  output.endText()
  invocation.result(result)
  if (!output.json) for (const line of renderSessionsEnd(result.sessions, output.noteStyle)) output.note(line)
  if (result.finishReason === 'abort') return 130
  return result.sessions.some(({ state }) => state === 'failed' || state === 'broken') ? 1 : 0
}

export function generateCommand(program: Command, bind: Bind): void {
  const command = program
    .command('generate')
    .summary('generate text with the base model here and adapters elsewhere')
    .description('Runs the base model here and the adapters at their contributors; each session is committed by both and proved.')
    .argument('<prompt>', 'the text to go on from; - reads it from stdin')
  use(command)
    .option('--max-new-tokens <n>', 'tokens at most', wholeNumber(1, 1_000_000))
    .option('--greedy', 'take the likeliest token each time (default unless the config says otherwise)')
    .option('--temperature <t>', 'sample, with the logits divided by this', positive(100))
    .option('--top-k <n>', 'sample among the n likeliest', wholeNumber(1, 10_000_000))
    .option('--top-p <p>', 'sample among the likeliest that make up this share', positive(1))
    .option('--repetition-penalty <f>', 'divide the logits of tokens that came already', positive(100))
    .option('--seed <n>', 'the same seed samples the same text', wholeNumber(0, 0xffff_ffff))
    .option('--stop <text>', 'a text that ends the answer (repeatable)', collect)
  common(network(command), ['zklora generate "My dear sir" --base models/novels --adapter shakespeare --temperature 0.8 --seed 7'])
  bind(command, {
    action: generate,
    json: linesWithResult(['find', 'model', 'session', 'token', 'commitments'], generateResult),
    exits: { 1: 'an error, or a session that failed or broke off' }
  })
}
