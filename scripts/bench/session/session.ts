/** `session`: what one session costs each side. */
import { LimitExceededError } from '../../../src/errors.js'
import { estimate } from './estimate.js'
import { measureSession, type Session } from './measure.js'
import { SHAPES, smallShape } from './shapes.js'
import { figure } from '../report/tell.js'
import type { Bench, Part } from '../types.js'

const JOBS = "user's commitments, contributor's deltas and commitments, running hashes, proof, verification"

/** Shape by shape as people meet them: groups, widths, ranks, tokens. */
const CASES: readonly (readonly [keyof typeof SHAPES, number, string])[] = [
  ['demo', 64, '4 modules 128 → 384, rank 8, 64 tokens'],
  ['distilgpt2', 10, '6 modules 768 → 2304, rank 16, 10 tokens'],
  ['distilgpt2', 128, '6 modules 768 → 2304, rank 16, 128 tokens'],
  ['llama8b-qv', 128, '32 groups of q 4096 → 4096 and v 4096 → 1024, rank 16, 128 tokens'],
  ['llama8b-all', 32, 'all seven modules of 32 layers in 4 groups each, rank 16, 32 tokens']
]

function part(session: Session, what: string): Part {
  return {
    name: session.name,
    what,
    async run(report, settings) {
      const seconds = await estimate(session.shape, session.tokens)
      if (seconds > settings.budget) {
        return report.skip(session.name, `it would take some ${figure(seconds)} s with this kernel; --budget allows ${settings.budget} s`)
      }
      try {
        await measureSession(session, report, settings)
      } catch (error) {
        // A shape that the product refuses is no figure, but worth saying.
        if (!(error instanceof LimitExceededError)) throw error
        report.skip(session.name, error.message)
      }
    }
  }
}

export const sessionBench: Bench = ({ tiny }) =>
  tiny
    ? [part({ name: 'tiny', shape: SHAPES.tiny, tokens: 3, whole: true }, '2 modules 20 → 12, rank 2, 3 tokens')]
    : CASES.map(([shape, tokens, what]) => {
        const name = CASES.filter(([other]) => other === shape).length > 1 ? `${shape}-${tokens}` : shape
        return part({ name, shape: SHAPES[shape], tokens, whole: true }, `${what}: ${JOBS}`)
      })

/** Sizes of the chart, each at four times the one before. */
const TOKENS = [16, 64, 256]
const MODULES = [4, 16, 64]

/** For the chart: proof and verification of more and more tokens, and of more and more modules. Made with --write alone. */
export const growthBench: Bench = () => [
  ...TOKENS.map(tokens => part({ name: `tokens-${tokens}`, shape: smallShape(4), tokens, whole: false }, `4 modules, ${tokens} tokens`)),
  ...MODULES.map(modules =>
    part({ name: `modules-${modules}`, shape: smallShape(modules), tokens: 16, whole: false }, `${modules} modules, 16 tokens`)
  )
]
