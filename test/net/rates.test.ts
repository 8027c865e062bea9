import test from 'ava'
import { isPointForm, isSignatureForm } from '../../src/net/announce/form.js'
import { Budget, Budgets, Window } from '../../src/net/rates.js'

test('a window forgets what is over and counts each key for itself', t => {
  const window = new Window(2, 100)
  window.add('a', 0)
  window.add('a', 50)
  t.false(window.isOpen('a', 60))
  t.true(window.isOpen('b', 60))
  t.true(window.isOpen('a', 100))
})

test('a window that met thousands of keys still counts those of now', t => {
  const window = new Window(1, 100)
  for (let i = 0; i < 5000; i++) window.add(`old ${i}`, 0)
  window.add('now', 200)
  t.false(window.isOpen('now', 250))
  t.true(window.isOpen('old 1', 250))
})

test('a budget fills up with time, to one second’s worth', t => {
  const budget = new Budget(10)
  t.true(budget.has(10, 0))
  budget.take(10)
  t.false(budget.has(1, 0))
  t.true(budget.has(1, 100))
  t.false(budget.has(2, 100))
  t.true(budget.has(10, 100_000))
  t.false(budget.has(11, 100_000))
})

test('a budget is spent at once up to its reserve, and grows with time', t => {
  const budget = new Budget(10, 5)
  t.true(budget.spend(5, 1000))
  t.false(budget.spend(1, 1000))
  t.false(budget.spend(1, 1099))
  t.true(budget.spend(1, 1100))
  t.false(budget.spend(1, 1200, false))
  t.false(budget.spend(1, 1250))
  t.true(budget.spend(5, 9_000_000))
  t.false(budget.spend(1, 9_000_000))
})

test('budgets of thousands of keys keep those that are spent', t => {
  const budgets = new Budgets(1)
  budgets.of('spent', 0).take(1)
  for (let i = 0; i < 5000; i++) budgets.of(`other ${i}`, 0)
  t.false(budgets.of('spent', 0).has(1, 0))
})

test('y below 2^255 − 19 and S below ℓ have the form of a key and a signature', t => {
  const prime = new Uint8Array(32).fill(0xff)
  prime[31] = 0x7f
  for (const [low, form] of [
    [0xec, true],
    [0xed, false],
    [0xff, false]
  ] as const) {
    prime[0] = low
    t.is(isPointForm(prime), form)
  }
  t.true(isPointForm(new Uint8Array(32).fill(0x7e)))
  const near = prime.slice()
  near[17] = 0xfe
  t.true(isPointForm(near))
  const order = Uint8Array.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010'.match(/../g)!, digits =>
    Number.parseInt(digits, 16)
  )
  const signature = new Uint8Array(64)
  signature.set(order, 32)
  t.false(isSignatureForm(signature))
  signature[32]!--
  t.true(isSignatureForm(signature))
  signature[32 + 31]!++
  t.false(isSignatureForm(signature))
  signature.set(new Uint8Array(32).fill(0xff), 0)
  t.false(isSignatureForm(signature))
})
