/** A strict reader of Prometheus' text format, version 0.0.4: what a scraper would refuse, it refuses. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposed {
  readonly types: ReadonlyMap<string, string>
  readonly samples: readonly Sample[]
  /** The value of a series. @throws Error when there is not exactly one */
  value(name: string, labels?: Readonly<Record<string, string>>): number
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/
const SUFFIXES = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'], counter: [''], gauge: [''], untyped: [''] }

/** @throws Error that quotes the line */
export function readExposition(text: string): Exposed {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const types = new Map<string, string>()
  const samples: Sample[] = []
  const seen = new Set<string>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue
    const type = new RegExp(`^# TYPE (${NAME}) (counter|gauge|histogram|summary|untyped)$`).exec(line)
    if (type !== null) {
      if (types.has(type[1]!)) throw new Error(`a second type: ${line}`)
      types.set(type[1]!, type[2]!)
      continue
    }
    const sample = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`).exec(line)
    if (sample === null) throw new Error(`neither comment nor sample: ${line}`)
    const [, name, inside = '', number] = sample as unknown as [string, string, string | undefined, string]
    const value = number === '+Inf' ? Infinity : Number(number)
    if (Number.isNaN(value) && number !== 'NaN') throw new Error(`no number: ${line}`)
    if (![...types].some(([of, kind]) => SUFFIXES[kind as keyof typeof SUFFIXES].some(end => name === of + end))) {
      throw new Error(`no type before it: ${line}`)
    }
    const labels = labelsOf(inside, line)
    const key = JSON.stringify([name, Object.entries(labels).sort()])
    if (seen.has(key)) throw new Error(`a second sample: ${line}`)
    seen.add(key)
    samples.push({ name, labels, value })
  }
  return {
    types,
    samples,
    value(name, labels = {}) {
      const found = samples.filter(
        each => each.name === name && Object.entries(labels).every(([label, value]) => each.labels[label] === value)
      )
      if (found.length !== 1) throw new Error(`${found.length} samples of ${name} ${JSON.stringify(labels)}`)
      return found[0]!.value
    }
  }
}

function labelsOf(inside: string, line: string): Record<string, string> {
  const labels: Record<string, string> = {}
  for (let rest = inside; rest !== '';) {
    const label = LABEL.exec(rest)
    if (label === null || label[1]! in labels) throw new Error(`no labels: ${line}`)
    labels[label[1]!] = label[2]!
    rest = rest.slice(label[0].length)
  }
  return labels
}
