#!/usr/bin/env node
/** The entry of `zklora`: signals, and the exit in order. */
import '../net/polyfill.js'
import { EventEmitter } from 'node:events'
import process from 'node:process'
import { toWireError } from '../daemon/control/messages.js'
import { run } from './program.js'
import { safeText } from './render/style.js'

/** Milliseconds from Ctrl-C to the end: sessions and store are closed well before. */
const STOP_DEADLINE = 1_800

// Many streams wait on one signal here; Node's warning about 11 of them is not for people who run a command.
EventEmitter.defaultMaxListeners = 1024

const controller = new AbortController()
const stop = (): void => {
  if (controller.signal.aborted) process.exit(130)
  controller.abort()
  setTimeout(() => {
    process.stderr.write('zklora: it did not stop in time and is ended\n')
    process.exit(1)
  }, STOP_DEADLINE).unref()
}
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
/** What nobody caught: a sentence, and the stack for those who look for it. */
const fail = (error: unknown): void => {
  const debug = (process.env['ZKLORA_DEBUG'] ?? '') !== '' && error instanceof Error
  process.stderr.write(`zklora: ${safeText(toWireError(error).message)}\n${debug ? `${safeText(error.stack ?? '')}\n` : ''}`)
  process.exit(1)
}
process.on('uncaughtException', fail)
process.on('unhandledRejection', fail)
// Whoever read our output has gone (`zklora watch | head`): there is nobody to tell.
process.stdout.on('error', () => stop())

const { env, stdin, stdout, stderr } = process
const status = await run({ argv: process.argv.slice(2), env, stdin, stdout, stderr, signal: controller.signal })
// Everything was closed; what is left is what libraries keep alive. Written output must be out first.
stdout.write('', () => stderr.write('', () => process.exit(status)))
