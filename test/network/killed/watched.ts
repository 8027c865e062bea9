/** Tells what a process of a test has written down and what has left it, session by session, so that it can be killed there. */
import { toHex } from '../../../src/bytes.js'
import { decodeMessage, Machine } from '../../../src/session/index.js'
import { Budget } from '../../../src/store/budget.js'
import { Bundles } from '../../../src/store/bundles.js'
import { Feeds } from '../../../src/store/feeds.js'
import { Journals } from '../../../src/store/journals.js'
import { type SessionRecord, Sessions } from '../../../src/store/sessions.js'
import type { Statement } from '../../../src/wire/announcement.js'

export interface Watcher {
  /** Something is on the disk, or has left or come; who does not resolve stops there. The session is empty where none is named. */
  readonly done: (what: string, session: string) => Promise<void>
  /** Before anything of a session is written, sent or taken. */
  readonly before?: (session: string) => Promise<void>
}

type Of<T> = (...given: T[]) => Promise<never>

/** From now on, in all stores and sessions of this process. */
export function watch({ done, before = async () => {} }: Watcher): void {
  const journalOf = Journals.prototype.of
  Journals.prototype.of = function (bytes) {
    const session = toHex(bytes)
    const journal = journalOf.call(this, bytes)
    const watched = async (what: string, write: () => Promise<void>): Promise<void> => {
      await before(session)
      await write()
      await done(what, session)
    }
    return {
      ...journal,
      append: record => watched(record.kind, () => journal.append(record)),
      proved: (statement, options) => watched('proved', () => journal.proved(statement, options)),
      settled: () => watched('settled', () => journal.settled())
    }
  }
  for (const method of ['putOwn', 'putVerified'] as const) {
    const put = Bundles.prototype[method] as Of<unknown>
    Bundles.prototype[method] = async function (...given: unknown[]) {
      const session = toHex((given[0] as Statement).session)
      await before(session)
      const info = await put.apply(this, given)
      await done(method, session)
      return info
    }
  }
  const put = Sessions.prototype.put
  Sessions.prototype.put = async function (record: SessionRecord) {
    await before(record.session)
    await put.call(this, record)
    await done(`record ${record.state}`, record.session)
  }
  const take = Budget.prototype.take
  Budget.prototype.take = async function (params) {
    const taken = await take.call(this, params)
    await done('reserved', '')
    return taken
  }
  const append = Feeds.prototype.append
  Feeds.prototype.append = async function (of, build) {
    const session = toHex((of as Statement).session)
    await before(session)
    const read = await append.call(this, of, build)
    await done('announcement', session)
    return read
  }
  watchMessages({ done, before })
}

function watchMessages({ done, before }: Required<Watcher>): void {
  const { outgoing, receive } = Machine.prototype
  Machine.prototype.outgoing = async function* (this: Machine) {
    const session = toHex(this.id)
    await done('begun', session)
    for await (const bytes of outgoing.call(this)) {
      await before(session)
      yield bytes
      // The next is asked for when this one is handed over.
      await done(`sent ${decodeMessage(bytes).kind}`, session)
    }
  }
  Machine.prototype.receive = async function (this: Machine, bytes: Uint8Array) {
    const session = toHex(this.id)
    await before(session)
    await receive.call(this, bytes)
    await done(`taken ${decodeMessage(bytes).kind}`, session)
  }
}

/** What is never told to be over. */
export const never = (): Promise<never> => new Promise(() => {})

/** By SIGKILL: nothing of this process goes on. */
export async function killed(): Promise<never> {
  process.kill(process.pid, 'SIGKILL')
  return never()
}
