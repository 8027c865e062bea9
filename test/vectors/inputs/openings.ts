/** Openings of rows of small bundles; what is wrong with most stands in one place, and the rest of each is right. */
import { concat, toHex } from '../../../src/bytes.js'
import { openRow, sessionId } from '../../../src/proof/index.js'
import type { KnownRow, Session } from '../../proof/fixture.js'
import { BEYOND, smallSession, ZERO_ROWS } from './forged-bundles.js'
import { ref } from '../case.js'

const open = ({ context, rows }: Session, at: number, change: Partial<KnownRow> = {}): Uint8Array =>
  openRow({ session: sessionId(context), rows, ...rows[at]!, ...change })

const honest = smallSession()
const opening = open(honest, 2)
const [row] = honest.rows.slice(2)
const above = row!.y.findIndex(value => value > 0)
// Version, session, s, rows; then number, group, position, d_in.
const [START, ROWS, NUMBER, GROUP] = [33, 37, 41, 45]
const WIDTH = GROUP + 2 + 4
const OUTPUTS = WIDTH + 4 + 2 * row!.x.length
const UPSILON = OUTPUTS + 4 + 8 * row!.y.length
const PATH = UPSILON + 32
const at = (offset: number, value: number): Uint8Array => opening.with(offset, value)

interface Shown {
  readonly name: string
  /** Name of a small bundle. */
  readonly bundle?: string
  readonly opening: Uint8Array
}

const SHOWN: readonly Shown[] = [
  { name: 'of a small bundle accepted', opening },
  { name: 'of a zero row accepted', bundle: 'three zero rows', opening: open(ZERO_ROWS, 2) },
  { name: 'of a row whose x is beyond its range', bundle: 'an x beyond its range, of which it says nothing', opening: open(BEYOND, 0) },
  { name: 'with a y beyond its bound', opening: open(honest, 2, { y: row!.y.with(1, 2 ** 52) }) },
  {
    name: 'with −0',
    bundle: 'three zero rows',
    opening: open(ZERO_ROWS, 2, { y: ZERO_ROWS.rows[2]!.y.with(1, -0) })
  },
  { name: 'with NaN', opening: open(honest, 2, { y: row!.y.with(1, NaN) }) },
  { name: 'with an infinity', opening: open(honest, 2, { y: row!.y.with(1, Infinity) }) },
  // Rounded to zero or down it is the right one.
  { name: 'with half an integer', opening: open(honest, 2, { y: row!.y.with(above, row!.y[above]! + 0.5) }) },
  { name: 'with another y', opening: open(honest, 2, { y: row!.y.with(1, row!.y[1]! + 1) }) },
  { name: 'with another υ', opening: open(honest, 2, { upsilon: honest.rows[0]!.upsilon }) },
  { name: 'with a υ that is not below ℓ', opening: at(UPSILON + 31, 0xff) },
  { name: 'against another bundle', bundle: 'three groups', opening },
  { name: 'of another session', opening: at(1, opening[1]! ^ 1) },
  { name: 'of another s', opening: at(START, 1) },
  { name: 'of other rows', opening: at(ROWS, 4) },
  { name: 'of a number at e', opening: at(NUMBER, 3) },
  { name: 'of a number beyond u16', opening: at(NUMBER + 3, 1) },
  { name: 'of another group', opening: at(GROUP, 1) },
  { name: 'of a group that the manifest does not have', opening: at(GROUP, 3) },
  { name: 'of another position', opening: at(GROUP + 2, 7) },
  { name: 'of fewer inputs', opening: at(WIDTH, 8) },
  { name: 'of fewer outputs', opening: at(OUTPUTS, 2) },
  { name: 'with a node more', opening: concat([at(PATH, opening[PATH]! + 1), new Uint8Array(32)]) },
  { name: 'with a node less', opening: at(PATH, opening[PATH]! - 1).subarray(0, opening.length - 32) },
  { name: 'of version 2', opening: at(0, 2) },
  { name: 'with a byte behind it', opening: concat([opening, Uint8Array.of(0)]) }
]

export const OPENINGS = SHOWN.map(({ name, bundle = 'three rows of two groups', opening: bytes }) => ({
  name,
  bundle: ref(`small bundle: ${bundle}`, 'input', 'bundle'),
  opening: toHex(bytes),
  change: {}
}))
