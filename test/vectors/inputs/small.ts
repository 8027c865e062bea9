/** A second adapter, of three narrow groups, so that bundles made in many wrong ways take few bytes; weights of 4 bits. */
import { toHex } from '../../../src/bytes.js'
import { BASE, kernel, makeAdapter, OWNER_SECRET } from '../../proof/fixture.js'
import { commitmentOf, type Registration } from '../adapter.js'
import { hexed } from '../case.js'
import { drawer } from './draw.js'

const { hex } = drawer('small')

export const smallQuantized = makeAdapter(
  'zklora vectors v1 small',
  [
    { dIn: 9, modules: [{ dOut: 3, rank: 1 }] },
    { dIn: 5, modules: [{ dOut: 2, rank: 2 }] },
    { dIn: 8, modules: [{ dOut: 4, rank: 1 }] }
  ],
  4
)
export const smallRegistration = hexed({
  name: 'small',
  base: BASE,
  ownerSeed: OWNER_SECRET,
  secret: hex(),
  salt: hex(),
  fresh: hex(),
  adapter: smallQuantized
}) as Registration
export const small = commitmentOf(smallRegistration, kernel)
export const smallManifest = toHex(small.manifest.bytes)
