import test from 'ava'
import fc from 'fast-check'
import { EXTRACTION_WORDS, extractedShare, extractionBudget, extractionWarning, PROFILES, quantizeAdapter } from '../../src/lora/index.js'
import { readAdapter } from './files.js'

// The figures of session-proof.md, section 8.
for (const [profile, dIn, minimum, chosen] of [
  ['w12a16', 768, 252, 384],
  ['w12a16', 4096, 1260, 2048],
  ['w4a8', 768, 149, 384],
  ['w4a8', 4096, 712, 2048]
] as const) {
  test(`a ${dIn}-wide group as ${profile}: T_min is ${minimum} rows, ${chosen} chosen rows give all`, t => {
    const budget = extractionBudget({ dIn, modules: [{ rank: 16 }] }, PROFILES[profile])
    t.is(Math.round(budget.minimumRows), minimum)
    t.is(budget.chosenRows, chosen)
    t.is(budget.latticeRows, 18)
    t.is(extractedShare(budget.minimumRows / 2, budget), 0.5)
  })
}

test('the module of the smallest rank is told first', t => {
  t.is(extractionBudget({ dIn: 128, modules: [{ rank: 16 }, { rank: 4 }, { rank: 8 }] }, PROFILES.w12a16).latticeRows, 6)
})

test('an odd width is rounded up', t => {
  t.is(extractionBudget({ dIn: 769, modules: [{ rank: 1 }] }, PROFILES.w12a16).chosenRows, 385)
})

test('packing more weights into an activation needs fewer chosen rows, and each weight is told', t => {
  fc.assert(
    fc.property(
      fc.integer({ min: 4, max: 16 }),
      fc.integer({ min: 2, max: 16 }),
      fc.integer({ min: 1, max: 32768 }),
      (activationBits, weightBits, dIn) => {
        const { chosenRows } = extractionBudget({ dIn, modules: [{ rank: 1 }] }, { activationBits, weightBits })
        const packed = Math.ceil(dIn / chosenRows)
        // p weights are told apart when the activations 1, 2^b, … 2^(b(p−1)) fit into a − 1 bits.
        t.true(weightBits * (packed - 1) <= activationBits - 1)
        t.true(chosenRows <= dIn)
      }
    )
  )
})

test('the warning says what is known in the words of the design, with the numbers of the narrowest group', t => {
  const warning = extractionWarning(quantizeAdapter(readAdapter('kjv-gpt2')))
  t.true(warning.startsWith(EXTRACTION_WORDS))
  t.regex(
    EXTRACTION_WORDS,
    /A few hundred tokens on a 768-wide model, a few thousand on a 4096-wide one, served to one party, give it away\./
  )
  t.regex(
    warning,
    /128 wide at its narrowest input: about 6 rows, any rows, .*; 64 chosen rows .*; T rows tell at most T \/ 45 of the bits/
  )
})
