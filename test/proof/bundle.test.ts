import test from 'ava'
import { verify } from '../../src/proof/index.js'
import { honestBundle, kernel, register, seeded } from './fixture.js'

test('an honest bundle is accepted and says what it covers', t => {
  const { adapter, manifest } = register('bundle')
  const { bundle, digest, root, init } = honestBundle(adapter, 'bundle')
  const proof = verify({ kernel, manifest, bundle, random: seeded('verifier') })
  t.deepEqual(proof.digest, digest)
  t.deepEqual(proof.root, root)
  t.deepEqual(proof.context, { ...init.context, delegation: undefined })
})
