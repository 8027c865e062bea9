import test from 'ava'
import { Turns } from '../../src/roles/turns.js'

test('sessions get as many rows one as the other, whoever asks for many at a time', async t => {
  const turns = new Turns()
  const [long, short] = [{}, {}]
  const done: string[] = []
  const ask = (of: object, name: string, rows: number): Promise<void> =>
    turns.run(of, rows, async () => {
      await Promise.resolve()
      done.push(name)
    })
  await Promise.all([
    ...[1, 2, 3].map(i => ask(long, `long ${i}`, 256)),
    ...Array.from({ length: 20 }, (_, i) => ask(short, `short ${i}`, 16))
  ])
  const secondLong = done.indexOf('long 2')
  t.is(done[0], 'long 1')
  t.is(done.slice(0, secondLong).filter(name => name.startsWith('short')).length, 16, '256 rows of the other')
})

test('who asks for one thing after the other gets as many rows, too', async t => {
  const turns = new Turns()
  const done: number[] = []
  const ask = async (times: number, rows: number): Promise<void> => {
    const session = {}
    for (let i = 0; i < times; i++) await turns.run(session, rows, async () => void done.push(rows))
  }
  await Promise.all([ask(3, 256), ask(32, 16), ask(4, 64)])
  const counts = [256, 64, 16].map(rows => done.slice(0, done.indexOf(256, 1)).filter(each => each === rows).length)
  t.deepEqual(counts, [1, 4, 16])
  t.deepEqual([done.length, turns.queued], [39, 0])
})

test('who comes later begins where the others are, not where they began', async t => {
  const turns = new Turns()
  const [old, late] = [{}, {}]
  for (let i = 0; i < 10; i++) await turns.run(old, 100, async () => {})
  const done: string[] = []
  await Promise.all([
    turns.run(old, 100, async () => void done.push('old')),
    ...[1, 2, 3].map(i => turns.run(late, 60, async () => void done.push(`late ${i}`))),
    turns.run(old, 100, async () => void done.push('old'))
  ])
  t.deepEqual(done, ['old', 'late 1', 'late 2', 'old', 'late 3'])
})

test('work that fails gives the turn on', async t => {
  const turns = new Turns()
  const failing = turns.run({}, 1, async () => {
    throw new Error('no')
  })
  const next = turns.run({}, 1, async () => 'yes')
  await t.throwsAsync(failing, { message: 'no' })
  t.is(await next, 'yes')
})
