/**
 * The import rule of the house: a room imports only itself and rooms to its left.
 * Rooms up to and including `net`, and `browser`, are portable: nothing from `node:`, no native package.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'

/** Rooms from left to right. */
const ROOMS = [
  'errors',
  'bytes',
  'limits',
  'signals',
  'counters',
  'wire',
  'kernel',
  'lora',
  'proof',
  'session',
  'store',
  'net',
  'browser',
  'hub',
  'model',
  'roles',
  'library',
  'index',
  'daemon',
  'cli'
]
const LAST_PORTABLE = ROOMS.indexOf('browser')
/** Rooms beside the line: they import rooms up to this one, and each other. */
const BESIDE: Record<string, string> = { hub: 'lora', model: 'lora' }
/** Reached only by passing it in: these bind a file to Node or to a native library. */
const NATIVE = /^(node:|onnxruntime-node|@libp2p\/tcp|datastore-level)/
const src = process.argv[2] ?? 'src'

const roomOf = (file: string): number => ROOMS.indexOf(relative(src, file).split(sep)[0]!.replace(/\.ts$/, ''))
const faults: string[] = []
let files = 0

for (const name of readdirSync(src, { recursive: true }).map(String)) {
  if (!name.endsWith('.ts') || name.startsWith(join('kernel', 'assembly'))) continue
  files++
  const file = join(src, name)
  const from = roomOf(file)
  if (from < 0) {
    faults.push(`${name}: is in no room; rooms are ${ROOMS.join(', ')}`)
    continue
  }
  for (const [, target] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)) {
    if (target!.startsWith('.')) {
      const to = roomOf(relative(process.cwd(), resolve(dirname(file), target!.replace(/\.js$/, '.ts'))))
      const beside = BESIDE[ROOMS[from]!]
      const tooFar = beside !== undefined && to > ROOMS.indexOf(beside) && !(ROOMS[to]! in BESIDE)
      if (to < 0 || to > from || tooFar) faults.push(`${name} (${ROOMS[from]}) imports a room to its right: ${target}`)
    } else if (from <= LAST_PORTABLE && NATIVE.test(target!)) {
      faults.push(`${name} is portable but imports ${target}`)
    }
  }
}
for (const fault of faults) console.error(fault)
if (faults.length === 0) console.log(`${files} files keep the order of the rooms`)
process.exitCode = faults.length === 0 ? 0 : 1
