/** The process of one part: what it finds goes to stdout, one JSON line each. Usage: part.js BENCH PART SETTINGS */
import { stopAll } from '../demo/participant.js'
import { ALL_BENCHES } from './benches.js'
import { kernel } from './product.js'
import type { Line, Settings } from './types.js'

const say = (line: Line): boolean => process.stdout.write(`${JSON.stringify(line)}\n`)

const [bench, name, json] = process.argv.slice(2) as [string, string, string]
const settings = JSON.parse(json) as Settings
const part = ALL_BENCHES[bench]!(settings).find(each => each.name === name)!
say({ type: 'kernel', name: kernel.name })
try {
  await part.run(
    {
      row: row => say({ type: 'row', row: { bench, ...row, ...(row.yardstick && { ratio: row.median / row.yardstick.median }) } }),
      skip: (left, reason) => say({ type: 'skip', skipped: { bench, case: left, reason } })
    },
    settings
  )
} finally {
  await stopAll()
}
process.exit()
