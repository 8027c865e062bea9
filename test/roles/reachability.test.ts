import test from 'ava'
import { type Dialled, Dialling, placeOf, reachabilityOf } from '../../src/roles/reachability.js'

const LOOPBACK = '/ip4/127.0.0.1/tcp/4001'
const LAN = '/ip4/192.168.1.7/tcp/4001'
const OUTSIDE = '/ip4/93.184.215.14/tcp/4001'

const say = (multiaddrs: string[], dialled: Partial<Dialled> = {}, isPrivate = false) =>
  reachabilityOf({ multiaddrs, dialled: { public: 0, private: 0, relay: 0, ...dialled }, isPrivate })

test('addresses that others cannot dial are told from those that they can', t => {
  for (const address of [
    LOOPBACK,
    LAN,
    '/ip4/172.20.0.1/tcp/1',
    '/ip4/10.0.0.1/tcp/1',
    '/ip4/100.64.0.1/tcp/1',
    '/ip6/::1/tcp/1',
    '/ip6/fd00::1/tcp/1',
    '/dns4/localhost/tcp/1',
    // Reserved for documentation.
    '/ip4/192.0.2.1/tcp/1',
    '/ip6/2001:db8::1/tcp/1'
  ]) {
    t.is(placeOf(address), 'private', address)
  }
  for (const address of [
    OUTSIDE,
    '/ip4/172.32.0.1/tcp/1',
    '/ip4/100.128.0.1/tcp/1',
    '/ip6/2606:2800:21f:cb07::1/tcp/1',
    '/dns4/node.example/tcp/1'
  ]) {
    t.is(placeOf(address), 'public', address)
  }
  t.is(placeOf(`${OUTSIDE}/p2p/12D3/p2p-circuit`), 'relay')
})

test('a node is reachable when somebody from outside has dialled it', t => {
  t.deepEqual(say([LAN], { public: 1, private: 5 }), { state: 'reachable', why: '1 peer dialled it since it started' })
  t.deepEqual(say([LOOPBACK], { private: 2 }, true), { state: 'reachable', why: '2 peers dialled it since it started' })
})

test('otherwise it is told what it lacks, with the port', t => {
  t.deepEqual(say([]), { state: 'unreachable', why: 'it does not listen: --listen /ip4/0.0.0.0/tcp/PORT lets others dial it' })
  t.regex(say([`${OUTSIDE}/p2p/12D3/p2p-circuit`]).why, /^it is reached over a relay only, which carries no session; it does not listen/)
  t.deepEqual(say([LOOPBACK], { private: 1 }), {
    state: 'unreachable',
    why: 'it listens on this machine alone: --listen /ip4/0.0.0.0/tcp/4001 lets others dial it'
  })
  t.deepEqual(say([LOOPBACK, LAN], { private: 1 }), {
    state: 'unconfirmed',
    why: 'only 1 peer of its own network dialled it since it started, and it knows no public address of its own: forward tcp port 4001 of the router to it, and name the outside address with --announce'
  })
  t.deepEqual(say([LAN, OUTSIDE]), {
    state: 'unconfirmed',
    why: 'nobody has dialled it since it started: tcp port 4001 has to be open to others, in the firewall and the router'
  })
  t.deepEqual(say(['/dns4/node.example/udp/5'], { private: 2, relay: 1 }), {
    state: 'unconfirmed',
    why: 'only 2 peers of its own network and 1 peer over a relay dialled it since it started: its port has to be open to others, in the firewall and the router'
  })
  t.deepEqual(say([LAN], {}, true), {
    state: 'unconfirmed',
    why: 'nobody has dialled it since it started: a firewall between them and tcp port 4001 would keep them out'
  })
})

test('who dials is remembered when it has gone, each peer once, and who is dialled does not count', t => {
  const connection = (remotePeer: string, direction: string, remoteAddr: string) => ({ remotePeer, direction, remoteAddr })
  let tell!: (event: { detail: unknown }) => void
  const dialling = new Dialling({
    getConnections: () => [connection('a', 'inbound', OUTSIDE)],
    addEventListener: (_: string, listener: typeof tell) => (tell = listener)
  } as never)
  for (const one of [
    connection('a', 'inbound', OUTSIDE),
    connection('b', 'inbound', LAN),
    connection('c', 'outbound', OUTSIDE),
    connection('d', 'inbound', `${OUTSIDE}/p2p-circuit`)
  ])
    tell({ detail: one })
  t.deepEqual(dialling.dialled, { public: 1, private: 1, relay: 1 })
})
