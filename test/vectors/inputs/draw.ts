/** Inputs of vectors come from one seed, so that making them again changes nothing. */
import { toHex, utf8 } from '../../../src/bytes.js'
import { seeded } from '../../proof/fixture.js'

/** A case before it is evaluated. */
export type Named = readonly [kind: string, name: string, input: unknown]

/** Random hexadecimal digits of one protocol's inputs. */
export function drawer(protocol: string): { random: (bytes: number) => Uint8Array; hex: (bytes?: number) => string } {
  const random = seeded(`zklora vectors v1 ${protocol}`)
  return { random, hex: (bytes = 32) => toHex(random(bytes)) }
}

export function text(value: string): string {
  return toHex(utf8(value))
}
