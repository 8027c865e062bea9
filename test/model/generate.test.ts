import test from 'ava'
import type { BaseModel, DeltaProvider } from '../../src/model/index.js'
import { openBase, floatDeltas, groupsOf, referenceOf } from './setup.js'

const PROMPT = 'The king came to the city, and'
const SAMPLED = { temperature: 0.7, topK: 40, maxNewTokens: 40 }

let llama: BaseModel
let adapted: BaseModel
const groups = groupsOf('shakespeare-llama')
const deltas = floatDeltas(groups)

test.before(async () => {
  llama = await openBase('novels-llama')
  adapted = await openBase('novels-llama', { groups })
})

test.after(async () => {
  await Promise.all([llama.close(), adapted.close()])
})

test('the same seed gives the same text, another seed another', async t => {
  const [first, again, other] = await Promise.all([7, 7, 8].map(seed => adapted.generate(PROMPT, { ...SAMPLED, seed, deltas })))
  t.deepEqual(first, again)
  t.notDeepEqual(first!.tokens, other!.tokens)
  t.like(first, { seed: 7, finishReason: 'length', promptTokens: llama.tokens(PROMPT).length })
  t.is(first!.tokens.length, 40)
})

test('sequences grow side by side without mixing', async t => {
  const alone = await adapted.generate(PROMPT, { maxNewTokens: 12, deltas })
  const together = await Promise.all([
    adapted.generate('"My dear sir," said', { maxNewTokens: 12, deltas }),
    adapted.generate(PROMPT, { maxNewTokens: 12, deltas }),
    adapted.generate(PROMPT, { maxNewTokens: 12 })
  ])
  t.deepEqual(together[1], alone)
  t.deepEqual(together[2]!.tokens, (await llama.generate(PROMPT, { maxNewTokens: 12 })).tokens)
})

test('the text comes in pieces that together are the text', async t => {
  const pieces: string[] = []
  const tokens: number[] = []
  const result = await llama.generate(PROMPT, {
    ...SAMPLED,
    seed: 3,
    stop: ['never written'],
    onToken: ({ token, text }) => {
      tokens.push(token)
      pieces.push(text)
    }
  })
  t.is(pieces.join(''), result.text)
  t.deepEqual(tokens, result.tokens)
  t.is(llama.tokenizer.decode(result.tokens), result.text)
})

test('a stop string ends the text before it', async t => {
  const whole = await llama.generate(PROMPT, { maxNewTokens: 40 })
  const stop = whole.text.slice(20, 24)
  const result = await llama.generate(PROMPT, { maxNewTokens: 40, stop: [stop] })
  t.is(result.finishReason, 'stop')
  t.is(result.text, whole.text.slice(0, whole.text.indexOf(stop)))
  t.true(result.tokens.length < 40)
  t.deepEqual(result.tokens, whole.tokens.slice(0, result.tokens.length))
})

test('an end-of-text token ends the text and is not shown', async t => {
  // A delta on lm_head that makes token 0, <|endoftext|>, the likeliest after three tokens.
  const head = { dIn: 128, modules: [{ name: 'lm_head', dOut: 2048 }] }
  const model = await openBase('novels-llama', { groups: [head] })
  const prompt = model.tokens(PROMPT)
  const ending: DeltaProvider = ({ positions }) => {
    const out = new Float32Array(positions.count * 2048)
    if (positions.first === prompt.length + 2) out[0] = 1000
    return Promise.resolve(out)
  }
  const result = await model.generate(prompt, { deltas: ending })
  t.is(result.finishReason, 'eos')
  t.is(result.tokens.length, 4)
  t.is(result.tokens.at(-1), 0)
  t.is(result.text, model.tokenizer.decode(result.tokens.slice(0, 3)))
  await model.close()
})

test('a full context ends the text', async t => {
  const model = await openBase('novels-llama', { contextLength: 12 })
  const result = await model.generate(model.tokens(PROMPT).slice(0, 8))
  t.is(result.finishReason, 'length')
  // Eight and four fill the context; the fifth is what follows the twelfth position.
  t.is(result.tokens.length, 5)
  await t.throwsAsync(model.generate(PROMPT.repeat(3)), { name: 'InvalidInputError', message: /do not fit into the model's context of 12/ })
  await model.close()
})

test('an aborted generation gives what was written so far', async t => {
  const stop = new AbortController()
  const result = await llama.generate(PROMPT, {
    maxNewTokens: 1000,
    signal: stop.signal,
    onToken: ({ token: _, text }) => {
      if (text.includes(' ')) stop.abort()
    }
  })
  t.is(result.finishReason, 'abort')
  t.is(result.text, llama.tokenizer.decode(result.tokens))
  t.true(result.tokens.length > 0 && result.tokens.length < 1000)
  t.like(await llama.generate(PROMPT, { signal: AbortSignal.abort() }), { finishReason: 'abort', text: '', tokens: [] })
})

test('an abort reaches the provider that is waiting', async t => {
  const stop = new AbortController()
  const waiting: DeltaProvider = (_, signal) => {
    stop.abort()
    return new Promise((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error)
    })
  }
  t.is((await adapted.generate(PROMPT, { deltas: waiting, signal: stop.signal })).finishReason, 'abort')
})

test('the provider’s error is the generation’s', async t => {
  const failing: DeltaProvider = () => Promise.reject(new Error('gone'))
  await t.throwsAsync(adapted.generate(PROMPT, { deltas: failing }), { message: 'gone' })
})

test('a repetition penalty keeps greedy text from looping', async t => {
  const { tokens: plain } = await llama.generate(PROMPT, { maxNewTokens: 60 })
  const { tokens: varied } = await llama.generate(PROMPT, { maxNewTokens: 60, repetitionPenalty: 1.3 })
  t.true(new Set(varied).size > new Set(plain).size)
})

test('prompts and settings that make no sense are errors', async t => {
  for (const [prompt, options, message] of [
    ['', {}, /the prompt has no tokens/],
    [PROMPT, { maxNewTokens: 0 }, /maxNewTokens is 0/],
    [PROMPT, { maxNewTokens: 1.5 }, /maxNewTokens is 1.5/],
    [PROMPT, { stop: ['a', ''] }, /a stop string is empty/]
  ] as const) {
    await t.throwsAsync(llama.generate(prompt, options), { name: 'InvalidInputError', message })
  }
})

test('the loss of a long text: each token but the first is predicted once, in its window', async t => {
  const tokens = referenceOf('shakespeare-llama').prompts[2]!.input_ids
  const window = 50
  const seen: number[] = []
  const done: number[][] = []
  const result = await adapted.loss(tokens, {
    window,
    deltas: (request, signal) => {
      if (request.group === 0) seen.push(request.positions.count)
      return deltas(request, signal)
    },
    onWindow: (...progress) => done.push(progress)
  })
  // 119 predictions in windows of 49, which overlap by one token.
  t.deepEqual(seen, [49, 49, 21])
  t.deepEqual(done, [
    [1, 3],
    [2, 3],
    [3, 3]
  ])
  let total = 0
  for (const [from, to] of [
    [0, 50],
    [49, 99],
    [98, 120]
  ] as const) {
    total += (await adapted.loss(tokens.slice(from, to), { deltas })).loss * (to - from - 1)
  }
  t.true(Math.abs(result.loss - total / 119) < 1e-6)
  t.like(result, { tokens: 120, windows: 3 })
})

test('the loss of a text is that of its tokens', async t => {
  const { text, input_ids: ids } = referenceOf('shakespeare-llama').prompts[1]!
  t.deepEqual(await llama.loss(text), await llama.loss(ids))
})

test('a text beyond the context is cut into windows, and beyond a run into runs', async t => {
  const ids = referenceOf('shakespeare-llama').prompts[2]!.input_ids
  const long = Array.from({ length: 5 }, () => ids).flat()
  const result = await llama.loss(long)
  // The context is 512: 511 predictions, then 88; the first window is run in two runs.
  t.like(result, { windows: 2, tokens: 600 })
  const first = await llama.loss(long.slice(0, 512))
  const second = await llama.loss(long.slice(511))
  t.true(Math.abs(result.loss - (first.loss * 511 + second.loss * 88) / 599) < 1e-6)
})

test('a loss needs two tokens, a window too', async t => {
  await t.throwsAsync(llama.loss([5]), { name: 'InvalidInputError', message: 'the text has 1 tokens; a loss needs at least 2' })
  await t.throwsAsync(llama.loss([5, 6], { window: 1 }), { name: 'InvalidInputError', message: /the window is 1 tokens/ })
  await t.throwsAsync(llama.loss([5, 6], { window: NaN }), { message: /the window is NaN/ })
})

test('a loss ends with the reason of its signal', async t => {
  await t.throwsAsync(llama.loss(PROMPT, { signal: AbortSignal.abort(new Error('enough')) }), { message: 'enough' })
})
