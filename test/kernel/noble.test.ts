import test from 'ava'
import { fromHex, toHex } from '../../src/bytes.js'
import { nobleKernel } from '../../src/kernel/index.js'
import { encodeElement, mapToElement } from '../../src/kernel/noble/curve.js'
import { contract } from './contract.js'
import { ONE_WAY_MAP } from './rfc9496.js'

contract(test, nobleKernel())

test('the one-way map is that of RFC 9496, A.3', t => {
  for (const [wide, encoding] of ONE_WAY_MAP) t.is(toHex(encodeElement(mapToElement(fromHex(wide)))), encoding)
})

test('vectors of generators are kept for the last 256 arguments only', t => {
  const kernel = nobleKernel()
  const first = kernel.generators('Q', 0, 1)
  for (let from = 0; from < 255; from++) kernel.generators('Q', from, 0)
  t.is(kernel.generators('Q', 0, 1), first)
  for (let from = 0; from < 256; from++) kernel.generators('Q', from, 0)
  const again = kernel.generators('Q', 0, 1)
  t.not(again, first)
  t.deepEqual(kernel.encode(again), kernel.encode(first))
})

test('kernels of one process take each other’s points', t => {
  const base = nobleKernel().generators('U', 0, 1)
  t.is(nobleKernel().indexOfIdentity(base), -1)
})
