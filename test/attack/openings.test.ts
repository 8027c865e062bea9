/** The Merkle root, and rows shown from it: another row, length, range or session leads to another root. */
import test from 'ava'
import { checkOpening, merkleRoot, openRow, prove, sessionId, verify } from '../../src/proof/index.js'
import { honestSession, kernel, makeAdapter, register, seeded } from '../proof/fixture.js'
import { outcome, TWINS } from './claims.js'

const { adapter, manifest } = register('openings', makeAdapter('openings', TWINS))
const session = honestSession(adapter, 'openings', { groups: [0, 1, 0, 1, 0] })
const proof = verify({ kernel, manifest, bundle: prove(session).bundle, random: seeded('verifier') })
const id = sessionId(session.context)
const { rows } = session

const shown = (opening: Uint8Array): string => outcome(() => checkOpening({ kernel, manifest, proof, opening }))

test('a root is of one session, first row, number of rows and order', t => {
  const moved = rows.map(row => ({ ...row, number: row.number + 1 }))
  const roots = [
    merkleRoot(id, rows),
    merkleRoot(manifest.id, rows),
    merkleRoot(id, rows.slice(0, 4)),
    merkleRoot(id, rows.slice(1)),
    merkleRoot(id, moved),
    merkleRoot(id, [...rows, rows.at(-1)!]),
    merkleRoot(id, [rows[1]!, rows[0]!, ...rows.slice(2)])
  ]
  t.is(new Set(roots.map(root => root.join())).size, roots.length)
  t.deepEqual(roots[0], proof.root)
})

test('rows under the tree of another count, start or session do not open against this bundle', t => {
  const open = (init: { session?: Uint8Array; rows?: typeof rows }, number: number): Uint8Array =>
    openRow({ session: id, rows, ...rows[number]!, ...init, number })
  t.is(shown(open({}, 2)), 'accepted')
  t.is(shown(open({ session: manifest.id }, 2)), 'opening')
  t.is(shown(open({ rows: rows.slice(0, 4) }, 2)), 'opening')
  t.is(shown(open({ rows: rows.slice(1) }, 2)), 'opening')
  t.is(shown(open({ rows: rows.with(3, rows[1]!) }, 2)), 'opening')
})

test('the content of one row does not open as another, nor does its number with another’s place', t => {
  const [a, b] = [rows[0]!, rows[2]!]
  t.is(shown(openRow({ session: id, rows, ...a, number: 2 })), 'opening')
  t.is(shown(openRow({ session: id, rows: rows.with(2, { ...a, number: 2 }), ...a, number: 2 })), 'opening')
  t.is(shown(openRow({ session: id, rows, ...b, x: a.x, number: 2 })), 'opening')
  t.is(shown(openRow({ session: id, rows, ...b, upsilon: a.upsilon, number: 2 })), 'opening')
})
