/** Streams that a node answers at a time, and whose they are when there are more. */
import type { Stream } from '@libp2p/interface'
import test, { type ExecutionContext } from 'ava'
import { FETCH_PROTOCOL, type FetchSource } from '../../../src/net/fetch/index.js'
import { decodeHeader, encodeRequest } from '../../../src/net/fetch/messages.js'
import { FrameStream } from '../../../src/net/streams.js'
import { DIGEST, type FetchNode, holding, LARGE, network, startPeer, WAIT } from './nodes.js'

test('more streams than allowed of one peer are told that the node is busy', async t => {
  let release = (): void => {}
  const held = new Promise<void>(resolve => (release = resolve))
  let arrived = (): void => {}
  const both = new Promise<void>(resolve => (arrived = resolve))
  let asked = 0
  const source: FetchSource = {
    bundle: async () => {
      if (++asked === 2) arrived()
      await held
      return LARGE
    }
  }
  const { fetch, holders, nodes, theirs } = await network(t, [source], { limits: { perPeer: 2 } })
  const slow = [fetch.bundle(holders, DIGEST), fetch.bundle(holders, DIGEST)]
  await both
  await t.throwsAsync(fetch.bundle(holders, DIGEST), { name: 'RefusedError', message: /busy/ })
  release()
  for (const { bytes } of await Promise.all(slow)) t.is(bytes.length, LARGE.length)
  t.deepEqual(nodes[0]!.services.fetch.counters.answered, { 'any 4': 1, 'bundle 0': 2 })
  t.deepEqual(theirs.limits.all(), { fetchesPerPeer: 1 })
  t.is((await fetch.bundle(holders, DIGEST)).bytes.length, LARGE.length)
})

test('more streams than allowed of all peers are told that the node is busy', async t => {
  const { fetch, holders, nodes, theirs } = await network(t, [holding(LARGE)], { limits: { all: 0 } })
  await t.throwsAsync(fetch.bundle(holders, DIGEST), { name: 'RefusedError', message: /busy/ })
  t.deepEqual(nodes[0]!.services.fetch.counters.answered, { 'any 4': 1 })
  t.deepEqual(theirs.limits.all(), { fetches: 1 })
})

/** Streams of a peer of its own that say nothing, opened one after the other; resolves when all have a place. */
async function silent(t: ExecutionContext, server: FetchNode, count: number): Promise<Stream[]> {
  const peer = await startPeer(t, {})
  const before = server.services.fetch.counters.open
  const streams: Stream[] = []
  for (let n = 0; n < count; n++) {
    const stream = await peer.dialProtocol(server.getMultiaddrs(), FETCH_PROTOCOL)
    // Named when something is sent: half a length.
    stream.send(Uint8Array.of(0x80))
    streams.push(stream)
    while (server.services.fetch.counters.open <= before + n) await new Promise(resolve => setTimeout(resolve, 5))
  }
  return streams
}

async function over(stream: Stream): Promise<void> {
  if (stream.status === 'open') await new Promise(resolve => stream.addEventListener('close', resolve, { once: true }))
}

test('when all places are taken the peer with most gives up its oldest to who comes', async t => {
  const { fetch, holders, nodes } = await network(t, [holding(LARGE)], { limits: { all: 4, answerTime: 60_000 } })
  await silent(t, nodes[0]!, 1)
  const greedy = await silent(t, nodes[0]!, 3)
  t.is((await fetch.bundle(holders, DIGEST)).bytes.length, LARGE.length)
  await over(greedy[0]!)
  t.deepEqual(
    greedy.map(({ status }) => status),
    ['reset', 'open', 'open']
  )
})

test('when each has one place, who has taken nothing for long gives it up', async t => {
  for (const rateWindow of [60_000, 0]) {
    const { asker, nodes } = await network(t, [holding(LARGE)], { limits: { all: 1, rateWindow, answerTime: 60_000 } })
    const [first] = await silent(t, nodes[0]!, 1)
    const frames = new FrameStream(await asker.dialProtocol(nodes[0]!.peerId, FETCH_PROTOCOL), { peer: 'holder' })
    await frames.write(encodeRequest({ kind: 'bundle', digest: DIGEST, offset: 0 }), WAIT)
    const header = decodeHeader((await frames.read(WAIT))!)
    t.is(header.status, rateWindow > 0 ? 4 : 0)
    if (rateWindow === 0) await over(first!)
    t.is(first!.status, rateWindow > 0 ? 'open' : 'reset')
    frames.abort(new Error('over'))
  }
})
