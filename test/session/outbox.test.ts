import test from 'ava'
import { decodeMessage } from '../../src/session/index.js'
import { Outbox } from '../../src/session/messages/outbox.js'

const draft = (request: number) => () => ({ cancel: { request } })

test('control goes before rows, rows before batches, whatever was there first; each is made when it is taken', async t => {
  const sent: Uint8Array[] = []
  const made: number[] = []
  const outbox = new Outbox(bytes => sent.push(bytes))
  const push = (priority: 'control' | 'rows' | 'batch', request: number): void =>
    outbox.push(priority, () => {
      made.push(request)
      return draft(request)()
    })
  push('batch', 5)
  push('rows', 3)
  push('rows', 4)
  push('control', 1)
  const messages = outbox.messages()
  const next = async (): Promise<unknown> => decodeMessage((await messages.next()).value as Uint8Array).value
  t.deepEqual(made, [])
  t.deepEqual(await next(), { request: 1 })
  t.deepEqual(made, [1])
  push('control', 2)
  for (const request of [2, 3, 4, 5]) t.deepEqual(await next(), { request })
  t.is(sent.length, 5)
  const waiting = messages.next()
  push('rows', 6)
  outbox.end()
  t.deepEqual(decodeMessage((await waiting).value as Uint8Array).value, { request: 6 })
  t.deepEqual(await messages.next(), { done: true, value: undefined })
})

test('after a failure nothing leaves any more', async t => {
  const outbox = new Outbox(() => {})
  outbox.push('control', draft(1))
  outbox.fail(new Error('first'))
  outbox.fail(new Error('second'))
  await t.throwsAsync(outbox.messages().next(), { message: 'first' })
})
