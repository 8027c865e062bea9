import test from 'ava'
import { schedule } from '../../src/model/cut/schedule.js'
import type { Operation, Step, Work } from '../../src/model/cut/schedule.js'

/** `out = op(in, in)` a line; weights are upper case, deltas begin with Δ. */
function steps(...lines: string[]): Step[] {
  return lines.map(line => {
    const [outputs, inputs] = line.split('=').map(side => side.trim().split(' '))
    return { outputs: outputs!, inputs: inputs!.filter(name => name !== ''), deterministic: !inputs!.includes('random') }
  })
}

const work = (given: Partial<Work> & { steps: Step[] }): Work => ({
  weights: new Map([['W', 100] as const, ['V', 10] as const]),
  inputs: new Set(['tokens', 'random']),
  outputs: ['logits'],
  x: [],
  deltas: new Map(),
  ...given
})

/** Operations in words: steps by their first output. */
function story(given: Work, overlapBytes: number): string[] {
  return schedule(given, overlapBytes).map(operation => {
    if (operation.kind !== 'run') return `${operation.kind} ${operation.groups.join(' ')}`
    const { part } = operation
    return `${part.inputs.join(' ')} → ${part.steps.map(i => given.steps[i]!.outputs[0]).join(' ')} → ${part.outputs.join(' ')}`
  })
}

const ONE_MODULE = work({
  steps: steps('x = tokens', 'base = x W', 'y = base Δ', 'z = x V', 'logits = y z'),
  x: ['x'],
  deltas: new Map([['Δ', [0]]])
})

test('x leaves before its module runs; the module runs while the network works', t => {
  t.deepEqual(story(ONE_MODULE, 0), ['tokens → x → x', 'ask 0', 'x → base z → base z', 'await 0', 'base Δ z → y logits → logits'])
})

test('what weighs less than a part costs waits for the next part', t => {
  t.deepEqual(story(ONE_MODULE, 111), ['tokens → x → x', 'ask 0', 'await 0', 'x Δ → base y z logits → logits'])
  t.is(story(ONE_MODULE, 110).length, 5)
})

test('a graph without targets is one part', t => {
  t.deepEqual(story(work({ steps: steps('x = tokens', 'logits = x W') }), 0), ['tokens → x logits → logits'])
})

test('what nobody needs is left out', t => {
  t.deepEqual(story(work({ steps: steps('x = tokens', 'unused = x V', 'logits = x') }), 0), ['tokens → x logits → logits'])
})

test('modules with different inputs that do not wait for each other are one stage', t => {
  const parallel = work({
    steps: steps('a = tokens', 'b = tokens', 'ya = a W Δa', 'yb = b V Δb', 'logits = ya yb'),
    x: ['a', 'b'],
    deltas: new Map([
      ['Δa', [0]],
      ['Δb', [1]]
    ])
  })
  t.deepEqual(story(parallel, Infinity), ['tokens → a b → a b', 'ask 0 1', 'await 0 1', 'a Δa b Δb → ya yb logits → logits'])
})

test('the stage of a node is the largest number of injected edges on any path to it', t => {
  // b waits for a's answer although a short way leads to it; c waits for neither.
  const chained = work({
    steps: steps('a = tokens', 'ya = a W Δa', 'b = a ya', 'yb = b V Δb', 'c = tokens', 'yc = c V Δc', 'logits = yb yc'),
    x: ['a', 'b', 'c'],
    deltas: new Map([
      ['Δa', [0]],
      ['Δb', [1]],
      ['Δc', [2]]
    ])
  })
  t.deepEqual(story(chained, Infinity), [
    'tokens → a c → a c',
    'ask 0 2',
    'await 0 2',
    'a Δa → ya b → b',
    'ask 1',
    'await 1',
    'b Δb c Δc → yb yc logits → logits'
  ])
})

test('constants are copied to the parts that use them, random numbers are not', t => {
  const given = work({
    steps: steps('twice = W', 'noise = random', 'x = tokens twice noise', 'y = x twice noise Δ', 'logits = y'),
    inputs: new Set(['tokens', 'random']),
    x: ['x'],
    deltas: new Map([['Δ', [0]]])
  })
  t.deepEqual(story(given, Infinity), [
    'random tokens → twice noise x → noise x',
    'ask 0',
    'await 0',
    'x noise Δ → twice y logits → logits'
  ])
  const parts = schedule(given, Infinity).flatMap((operation: Operation) => (operation.kind === 'run' ? [operation.part] : []))
  t.deepEqual(
    parts.map(({ weights }) => weights),
    [['W'], ['W']]
  )
})

test('an x that is an input of the graph is asked for before anything runs', t => {
  const given = work({ steps: steps('y = tokens W Δ', 'logits = y'), x: ['tokens'], deltas: new Map([['Δ', [0]]]) })
  t.deepEqual(story(given, Infinity), ['ask 0', 'await 0', 'tokens Δ → y logits → logits'])
})

test('optional inputs that are not given are no inputs', t => {
  const given = work({ steps: [{ inputs: ['tokens', '', 'W'], outputs: ['logits', ''], deterministic: true }] })
  t.deepEqual(story(given, 0), ['tokens → logits → logits'])
})

test('steps out of order, or in a circle, are an error', t => {
  t.throws(() => schedule(work({ steps: steps('x = tokens y', 'y = x', 'logits = y') }), 0), { name: 'InvalidInputError' })
  t.throws(() => schedule(work({ steps: steps('logits = x', 'x = tokens') }), 0), {
    name: 'InvalidInputError',
    message: /^the tensor x is used before it is made: /
  })
})
