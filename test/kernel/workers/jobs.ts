/** What the workers of test/kernel/pool.test.ts do. */
import {
  InvalidInputError,
  InvalidProofError,
  LimitExceededError,
  MalformedMessageError,
  ProtocolViolationError,
  UnsupportedError
} from '../../../src/errors.js'
import { serveJobs } from '../../../src/kernel/index.js'
import { nodePort } from '../../../src/roles/threads.js'

let opened = 0

const ERRORS = {
  proof: () => new InvalidProofError('opening', 'does not open'),
  limit: () => new LimitExceededError('points', 3, 2),
  malformed: () => new MalformedMessageError('point 1 is wrong'),
  violation: () => new ProtocolViolationError('not now'),
  input: () => new InvalidInputError('no such file'),
  unsupported: () => new UnsupportedError('version 2'),
  range: () => new RangeError('no such row'),
  other: () => new TypeError('no function')
}

serveJobs(nodePort(), {
  open: { factor: (value: number) => ({ factor: value, opened: ++opened }) },
  jobs: {
    double: (values: Float64Array) => {
      const out = values.map(value => 2 * value)
      return { value: out, transfer: [out.buffer] }
    },
    times: (value: number, context: { factor: number; opened: number }) => ({ value: [value * context.factor, context.opened] }),
    fail: (kind: keyof typeof ERRORS) => {
      throw ERRORS[kind]()
    },
    failPlainly: () => {
      throw 'a word'
    },
    /** Waits until somebody sets the first entry. */
    hold: (flag: Int32Array) => {
      Atomics.wait(flag, 0, 0)
      return { value: 'released' }
    },
    crash: () => {
      process.exit(3)
    }
  }
})
