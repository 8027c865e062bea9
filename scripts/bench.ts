/**
 * `npm run bench [-- NAME…] [--json FILE] [--write] [--seconds S] [--budget S]`: how fast the product is on this machine, each figure
 * with a yardstick from the same run. Each part runs in a process of its own; a part that would take longer than the budget with the
 * present kernel is left out and says so. `--write` writes docs/benchmarks.md and its chart.
 */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ALL_BENCHES, BENCHES } from './bench/benches.js'
import { writeDocs } from './bench/report/docs.js'
import { describeMachine } from './bench/report/machine.js'
import { announcePart, tellRow, tellSkipped } from './bench/report/tell.js'
import type { Line, Part, Results, Row, Settings, Skipped } from './bench/types.js'
import { Participant, stopAll } from './demo/participant.js'

const PART = fileURLToPath(new URL('./bench/part.js', import.meta.url))
const NAMES = Object.keys(BENCHES)
const USAGE = `names are ${NAMES.join(', ')}, or one part such as session/demo; none: all of them`

const HELP = `npm run bench [-- NAME…] [--json FILE] [--write] [--seconds S] [--budget S] [--tiny]

${USAGE}
--json FILE   writes the figures as JSON
--write       writes docs/benchmarks.md and its chart
--seconds S   for each figure, when one run takes less (2)
--budget S    a session that would take longer by its estimate is left out (180)
--tiny        sizes that only show that the benchmark works
`

/** Wrong usage: said in a sentence, without a stack. */
class UsageError extends Error {}

interface Wanted {
  readonly bench: string
  readonly part: Part
}

function seconds(text: string, option: string): number {
  const value = Number(text)
  if (!(value > 0 && value < Infinity)) throw new UsageError(`--${option} is ${text}; it must be a number of seconds above 0`)
  return value
}

function readArguments(): { names: string[]; settings: Settings; json: string | undefined; write: boolean; help: boolean } {
  const options = {
    json: { type: 'string' },
    write: { type: 'boolean', default: false },
    seconds: { type: 'string', default: '2' },
    budget: { type: 'string', default: '180' },
    tiny: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false }
  } as const
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true })
    const settings = {
      seconds: seconds(values.seconds, 'seconds'),
      budget: seconds(values.budget, 'budget'),
      tiny: values.tiny
    }
    return { names: positionals, settings, json: values.json, write: values.write, help: values.help }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError((error as Error).message)
  }
}

/** @throws UsageError for a name that is none */
function select(names: readonly string[], settings: Settings): Wanted[] {
  return (names.length === 0 ? NAMES : names).flatMap(name => {
    const [bench, ...rest] = name.split('/') as [string, ...string[]]
    const parts = Object.hasOwn(BENCHES, bench) ? BENCHES[bench]!(settings) : []
    const chosen = rest.length === 0 ? parts : parts.filter(part => part.name === rest.join('/'))
    if (chosen.length > 0) return chosen.map(part => ({ bench, part }))
    const known = parts.length === 0 ? '' : `; parts of ${bench} are ${parts.map(part => part.name).join(', ')}`
    throw new UsageError(`there is no benchmark ${JSON.stringify(name)}: ${USAGE}${known}`)
  })
}

/** @param failures takes what went wrong in a part: the others are measured all the same */
async function runParts(wanted: readonly Wanted[], settings: Settings, failures: string[]): Promise<Results> {
  const cases: Row[] = []
  const skipped: Skipped[] = []
  let kernel = ''
  for (const { bench, part } of wanted) {
    announcePart(bench, part)
    const process = new Participant(`${bench}/${part.name}`, [PART, bench, part.name, JSON.stringify(settings)], given => {
      const line = given as unknown as Line
      if (line.type === 'kernel') kernel = line.name
      if (line.type === 'row') {
        cases.push(line.row)
        tellRow(line.row)
      }
      if (line.type === 'skip') {
        skipped.push(line.skipped)
        tellSkipped(line.skipped)
      }
    })
    const status = await process.exited
    if (status !== 0) failures.push(process.failure(`ended with status ${status}`))
  }
  return { ...describeMachine(), kernel, cases, skipped }
}

async function main(): Promise<void> {
  const { names, settings, json, write, help } = readArguments()
  if (help) return void process.stdout.write(HELP)
  const wanted = select(names, settings)
  // The chart's.
  if (write) wanted.push(...ALL_BENCHES['growth']!(settings).map(part => ({ bench: 'growth', part })))
  const failures: string[] = []
  const results = await runParts(wanted, settings, failures)
  if (json !== undefined) await writeFile(json, `${JSON.stringify(results, undefined, 2)}\n`)
  if (failures.length > 0) throw new Error(failures.join('\n'))
  if (write) await writeDocs(results, NAMES)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
} finally {
  await stopAll()
}
