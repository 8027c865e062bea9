/**
 * Every command once, by name: used in process when no daemon runs and over the control socket when one does, so that both say the same.
 */
import { z } from 'zod'
import { InvalidInputError, LimitExceededError, NotFoundError, UnsupportedError } from '../errors.js'
import { readFileAtMost } from '../hub/read.js'
import { systemReason } from '../roles/system-error.js'
import type { AdapterInfo, CallOptions, ProgressEvent, Role, ZkloraNode } from '../roles/types.js'
import { EVIDENCE_BYTES } from '../store/index.js'
import { PIECE_BYTES } from './control/messages.js'
import { check, dotted, nearest } from './explain.js'
import { adapterSchema, settingsSchema } from './settings.js'

/** What a command tells while it runs; `bytes` are the pieces of a file in order. */
export type CommandEvent = ProgressEvent | { type: 'bytes'; base64: string }

export interface CommandOptions {
  signal: AbortSignal
  onEvent: (event: CommandEvent) => void
}

export interface Command<P, R> {
  params: z.ZodType<P>
  /** Roles that the node must have, and how a node that is opened only for this command joins others; `dial`: it is not found itself. */
  needs: { roles: Role[]; network: 'none' | 'dial' | 'listen' }
  run(node: ZkloraNode, params: P, options: CallOptions & CommandOptions): Promise<R>
}

const define = <P, R>(command: Command<P, R>): Command<P, R> => command

const none = z.strictObject({})
const id = z
  .string()
  .regex(/^[0-9a-f]{8,64}$/)
  .describe('8 to 64 hexadecimal digits of a root, digest or session')
const adapterUse = {
  base: z.string().min(1).describe('the folder of a base model'),
  adapters: z.array(z.string().min(1)).describe('a list of ID, ID@PEER or names'),
  combineMode: z.enum(['add_delta', 'replace']).optional().describe('"add_delta" or "replace"'),
  rows: z.number().int().min(1).optional().describe('a whole number from 1'),
  keepRows: z.boolean().optional().describe('true or false'),
  force: z.boolean().optional().describe('true or false: also with contributors against whom there is evidence')
}
const { generation } = settingsSchema.shape

/** The own adapter that a name, an identifier or its first 8 digits mean. */
export function pickAdapter<T extends AdapterInfo>(adapters: readonly T[], wanted: string): T {
  const exact = adapters.filter(({ id, name }) => id === wanted || name === wanted)
  const found = exact.length > 0 ? exact : wanted.length >= 8 ? adapters.filter(adapter => adapter.id.startsWith(wanted)) : []
  if (found.length === 1) return found[0]!
  if (found.length > 1) {
    throw new InvalidInputError(`adapter ${wanted} may be ${found.map(adapter => adapter.id).join(' or ')}: give the identifier`)
  }
  const near = nearest(
    wanted,
    adapters.map(({ name }) => name)
  )
  throw new NotFoundError(
    `adapter ${wanted} is not served here${near === undefined ? '' : `; did you mean ${near}?`} (zklora adapter list)`
  )
}

/** @throws InvalidInputError when it cannot be read, LimitExceededError when it is longer than any evidence */
async function evidenceFile(file: string): Promise<Uint8Array> {
  try {
    return await readFileAtMost(file, EVIDENCE_BYTES, 'bytes of the file', 'in evidence')
  } catch (cause) {
    if (cause instanceof LimitExceededError || cause instanceof InvalidInputError) throw cause
    throw new InvalidInputError(`file ${file} cannot be read (${systemReason(cause)})`, { cause })
  }
}

/** The bytes as events, in order. */
function inPieces(id: string, file: Uint8Array, onEvent: CommandOptions['onEvent']): { id: string; bytes: number } {
  for (let at = 0; at < file.length; at += PIECE_BYTES) {
    onEvent({ type: 'bytes', base64: Buffer.from(file.subarray(at, at + PIECE_BYTES)).toString('base64') })
  }
  return { id, bytes: file.length }
}

export const commands = {
  status: define({ params: none, needs: { roles: [], network: 'none' }, run: node => node.status() }),
  'adapter.add': define({
    params: adapterSchema,
    needs: { roles: ['contributor'], network: 'none' },
    run: (node, params, options) => node.addAdapter(params, options)
  }),
  'adapter.list': define({ params: none, needs: { roles: [], network: 'none' }, run: node => node.listAdapters() }),
  'adapter.remove': define({
    params: z.strictObject({ adapter: z.string().min(1).describe('an identifier, its first 8 digits, or a name') }),
    needs: { roles: [], network: 'none' },
    run: async (node, { adapter }) => {
      const found = pickAdapter(await node.listAdapters(), adapter)
      await node.removeAdapter(found.id)
      return found
    }
  }),
  find: define({
    params: z.strictObject({ base: z.string().min(1).optional(), adapter: z.string().min(1).optional() }),
    needs: { roles: [], network: 'dial' },
    run: (node, params, options) => node.find(params, options)
  }),
  generate: define({
    params: generation.unwrap().extend({ ...adapterUse, prompt: z.string().describe('a text') }),
    needs: { roles: ['user'], network: 'dial' },
    run: (node, params, options) => node.generate(params, options)
  }),
  loss: define({
    params: z.strictObject({ ...adapterUse, text: z.string().describe('a text') }),
    needs: { roles: ['user'], network: 'dial' },
    run: (node, params, options) => node.loss(params, options)
  }),
  sessions: define({ params: none, needs: { roles: [], network: 'none' }, run: node => node.sessions() }),
  verdicts: define({ params: none, needs: { roles: [], network: 'none' }, run: node => node.verdicts() }),
  'evidence.list': define({ params: none, needs: { roles: [], network: 'none' }, run: node => node.evidence() }),
  'evidence.export': define({
    params: z.strictObject({
      id: z
        .string()
        .regex(/^[0-9a-f]{8,64}$/)
        .describe('8 to 64 hexadecimal digits of its identifier')
    }),
    needs: { roles: [], network: 'none' },
    run: async (node, params, { onEvent }) => inPieces(params.id, await node.exportEvidence(params.id), onEvent)
  }),
  'evidence.add': define({
    params: z.strictObject({ file: z.string().min(1).describe('the path of a file of evidence') }),
    needs: { roles: [], network: 'none' },
    run: async (node, { file }) => node.addEvidence(await evidenceFile(file))
  }),
  export: define({
    params: z.strictObject({ id }),
    needs: { roles: [], network: 'none' },
    run: async (node, params, { onEvent }) => inPieces(params.id, await node.exportProof(params.id), onEvent)
  }),
  open: define({
    params: z.strictObject({ id, row: z.number().int().min(0).max(0xffff_ffff).describe('the number of a row, from 0') }),
    needs: { roles: [], network: 'none' },
    run: async (node, params, { onEvent }) => {
      const file = await node.openRow(params.id, params.row)
      inPieces(params.id, file, onEvent)
      return { ...params, bytes: file.length }
    }
  }),
  verify: define({
    params: z.strictObject({ id }),
    needs: { roles: [], network: 'dial' },
    run: (node, params, options) => node.verifyKnown(params.id, options)
  }),
  watch: define({
    params: z.strictObject({ kept: z.boolean().optional().describe('true or false: also what was judged before') }),
    needs: { roles: ['verifier'], network: 'listen' },
    run: async (node, { kept }, options) => {
      const before = async (): Promise<void> => {
        if (kept !== true) return
        for (const verdict of await node.verdicts()) options.onEvent({ type: 'verdict', verdict })
      }
      // At the same time, so that nothing falls between the two.
      await Promise.all([node.watch(options), before()])
    }
  })
}

export type CommandName = keyof typeof commands
export type CommandParams<N extends CommandName> = z.infer<(typeof commands)[N]['params']>
export type CommandResult<N extends CommandName> = Awaited<ReturnType<(typeof commands)[N]['run']>>

export const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name)

/**
 * Checks the parameters and runs.
 * @throws NotFoundError for an unknown command, InvalidInputError for wrong parameters, UnsupportedError for a node without the role
 *   that it needs, and what the command throws.
 */
export async function execute(node: ZkloraNode, name: string, params: unknown, options: CommandOptions): Promise<unknown> {
  if (!isCommand(name)) {
    const near = nearest(name, Object.keys(commands))
    const hint = near === undefined ? `known are ${Object.keys(commands).join(', ')}` : `did you mean ${near}?`
    throw new NotFoundError(`command ${JSON.stringify(name.slice(0, 80))} is not known; ${hint}`)
  }
  const command = commands[name] as Command<unknown, unknown>
  const checked = check(command.params, params, { place: `parameters of ${name}`, nameOf: dotted })
  const missing = command.needs.roles.filter(role => !node.roles.includes(role))
  if (missing.length > 0) {
    throw new UnsupportedError(
      `${name} needs a node with the role ${missing.join(', ')}; this one has ${node.roles.join(', ') || 'none'}: start it with --role ${missing.join(' --role ')}`
    )
  }
  return command.run(node, checked, { ...options, onProgress: options.onEvent })
}
