import test from 'ava'
import { halfToFloat } from '../../src/model/run/half.js'
import { Xoshiro128 } from '../../src/model/text/random.js'
import { argmax, Sampler } from '../../src/model/text/sampler.js'
import type { SamplingOptions } from '../../src/model/text/sampler.js'
import { StopFilter } from '../../src/model/text/stop.js'
import { TextStream, TextTokenizer } from '../../src/model/tokenizer.js'
import { readModelFolder } from '../../src/hub/index.js'
import { modelFolder } from './setup.js'

const SEED = 20
const DRAWS = 20_000

test('xoshiro128** gives the numbers of its reference implementation', t => {
  const random = Xoshiro128.fromState([1, 2, 3, 4])
  const first = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804]
  t.deepEqual(
    first.map(() => random.next()),
    first
  )
})

test('all bits of a seed count, and uniform numbers are below one', t => {
  const firsts = [0, 1, 2 ** 31, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1].map(seed => Xoshiro128.fromSeed(seed).next())
  t.is(new Set(firsts).size, firsts.length)
  const random = Xoshiro128.fromSeed(SEED)
  const values = Array.from({ length: DRAWS }, () => random.uniform())
  t.true(values.every(value => value >= 0 && value < 1))
  // Mean of 20,000 uniform numbers: standard deviation 0.002.
  t.true(Math.abs(values.reduce((sum, value) => sum + value, 0) / DRAWS - 0.5) < 0.01)
})

/** How often each token is drawn. */
function shares(logits: readonly number[], options: SamplingOptions, prompt: readonly number[] = []): number[] {
  const counts = logits.map(() => 0)
  const sampler = new Sampler({ seed: SEED, ...options }, prompt)
  for (let i = 0; i < DRAWS; i++) counts[sampler.pick(Float32Array.from(logits))]!++
  return counts.map(count => count / DRAWS)
}

const softmax = (logits: readonly number[]) => {
  const weights = logits.map(Math.exp)
  return weights.map(weight => weight / weights.reduce((sum, each) => sum + each, 0))
}

/** Four standard deviations of a share of 20,000 draws. */
const near = (a: readonly number[], b: readonly number[]) => a.every((value, i) => Math.abs(value - b[i]!) < 0.015)

test('sampling draws tokens with their probabilities', t => {
  const logits = [1, 0, -1, 2]
  t.true(near(shares(logits, { temperature: 1 }), softmax(logits)))
  t.true(near(shares(logits, { temperature: 0.5 }), softmax(logits.map(value => 2 * value))))
})

test('top-k keeps the k most likely, top-p those that together reach p', t => {
  const logits = [1, 0, -1, 2]
  const two = softmax([1, 2])
  t.true(near(shares(logits, { temperature: 1, topK: 2 }), [two[0]!, 0, 0, two[1]!]))
  // 0.64 + 0.24 reaches 0.7.
  t.true(near(shares(logits, { temperature: 1, topP: 0.7 }), [two[0]!, 0, 0, two[1]!]))
  t.deepEqual(shares(logits, { temperature: 1, topP: 0.6 }), [0, 0, 0, 1])
  t.deepEqual(shares(logits, { temperature: 1, topK: 1 }), [0, 0, 0, 1])
  t.true(near(shares(logits, { temperature: 1, topK: 0, topP: 1 }), softmax(logits)))
})

test('greedy takes the most likely token, the lowest identifier among equals', t => {
  t.deepEqual(shares([1, 3, 3, 0], {}), [0, 1, 0, 0])
  t.is(argmax(Float32Array.of(-3, -1, -2)), 1)
})

test('the repetition penalty makes tokens of prompt and text less likely, as in CTRL', t => {
  // 2 / 2 < 1.5; then both were seen: 1 against 0.75.
  const sampler = new Sampler({ repetitionPenalty: 2 }, [0])
  const picks = Array.from({ length: 3 }, () => sampler.pick(Float32Array.of(2, 1.5, -1)))
  t.deepEqual(picks, [1, 0, 0])
  // Negative scores are multiplied: −1 becomes −2.
  t.is(new Sampler({ repetitionPenalty: 2 }, [0]).pick(Float32Array.of(-1, -1.5)), 1)
})

test('settings out of their range are errors that say the range', t => {
  for (const [options, message] of [
    [{ temperature: 0 }, /temperature is 0; it must be above 0 \(leave it out for greedy text\)/],
    [{ temperature: Infinity }, /temperature is Infinity/],
    [{ topK: -1 }, /topK is -1/],
    [{ topK: 1.5 }, /topK is 1.5/],
    [{ topP: 0 }, /topP is 0/],
    [{ topP: 1.1 }, /topP is 1.1/],
    [{ repetitionPenalty: 0 }, /repetitionPenalty is 0/],
    [{ seed: -1 }, /seed is -1/],
    [{ seed: 2 ** 53 }, /seed is 9007199254740992/]
  ] as const) {
    t.throws(() => new Sampler(options, []), { name: 'InvalidInputError', message })
  }
})

test('without a seed there is a random one, which gives the same again', t => {
  const logits = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i))
  const first = new Sampler({ temperature: 1 }, [])
  const again = new Sampler({ temperature: 1, seed: first.seed }, [])
  const draw = (sampler: Sampler) => Array.from({ length: 20 }, () => sampler.pick(logits))
  t.deepEqual(draw(first), draw(again))
  t.not(new Sampler({ temperature: 1 }, []).seed, first.seed)
})

test('a stop string ends the text also when it comes in pieces', t => {
  const filter = new StopFilter(['\n\n', 'END'])
  const shown = ['one E', 'N', 'd\n', 'two\n', '\nthree'].map(piece => filter.push(piece))
  t.deepEqual(shown, [
    { text: 'one ', stopped: false },
    { text: '', stopped: false },
    { text: 'ENd', stopped: false },
    { text: '\ntwo', stopped: false },
    { text: '', stopped: true }
  ])
  t.is(filter.flush(), '')
})

test('the first of several stop strings counts, and what only began as one is shown at the end', t => {
  t.deepEqual(new StopFilter(['c', 'b']).push('abc'), { text: 'a', stopped: true })
  const filter = new StopFilter(['stop'])
  t.is(filter.push('a sto').text, 'a ')
  t.is(filter.flush(), 'sto')
})

const tokenizer = new TextTokenizer(readModelFolder(modelFolder('novels-llama')))

test('characters of several tokens come whole, with the last of them', t => {
  const written = 'naïve – “Ωμέγα” 日本語 🦊 done'
  const stream = new TextStream(tokenizer)
  const pieces = tokenizer.encode(written).map(token => stream.push(token))
  t.is(pieces.join('') + stream.flush(), written)
  t.true(pieces.every(piece => !piece.includes('\uFFFD')))
  t.true(pieces.includes(''))
})

test('bytes that never become a character come at the end as a replacement character', t => {
  const [first, second] = tokenizer.encode('🦊')
  const stream = new TextStream(tokenizer)
  t.is(stream.push(first!) + stream.push(second!), '')
  t.regex(stream.flush(), /^\uFFFD+$/)
})

test('special tokens have no text', t => {
  const stream = new TextStream(tokenizer)
  t.is(stream.push(0), '')
  t.is(stream.push(tokenizer.encode('the')[0]!).length > 0, true)
  t.is(tokenizer.decode([]), '')
  t.deepEqual(tokenizer.encode('', { specialTokens: false }), [])
})

test('a tokenizer that the library does not know is an error', t => {
  const folder = readModelFolder(modelFolder('novels-llama'))
  t.throws(() => new TextTokenizer({ ...folder, tokenizer: { model: { type: 'Unheard' } } }), {
    name: 'InvalidInputError',
    message: /tokenizer\.json of .*novels-llama cannot be used/
  })
})

test('half precision is widened exactly', t => {
  for (const [bits, value] of [
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x83ff, -1023 * 2 ** -24],
    [0x8000, -0],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, NaN]
  ] as const) {
    t.is(halfToFloat(bits), value)
  }
})
