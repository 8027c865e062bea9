import test from 'ava'
import { budgetSentences, renderFound, renderOwnAdapter, renderOwnAdapters, shapeOf } from '../../src/cli/render/adapters.js'
import { renderLoss, renderSession, renderSessionsEnd, renderVerdict } from '../../src/cli/render/sessions.js'
import { progressBar, renderEvent, renderProgress, renderReady, renderStatus } from '../../src/cli/render/status.js'
import { bytes, COLOUR, count, milliseconds, PLAIN, plural, safe, safeText, short, shortPeer, table } from '../../src/cli/render/style.js'
import { exitStatus, renderReports } from '../../src/cli/render/verify.js'
import { adapter, report, session, status, verdict } from '../daemon/small-node.js'

const text = (lines: readonly string[]): string => lines.join('\n')

test('numbers, sizes, times and identifiers are written for people', t => {
  t.is(count(1234567), '1,234,567')
  t.deepEqual([plural(1, 'row'), plural(2, 'row'), plural(0, 'entry', 'entries')], ['1 row', '2 rows', '0 entries'])
  t.deepEqual(
    [bytes(0), bytes(1023), bytes(1536), bytes(26_700), bytes(5 * 2 ** 20), bytes(3 * 2 ** 30)],
    ['0 B', '1023 B', '1.5 KiB', '26 KiB', '5.0 MiB', '3.0 GiB']
  )
  t.deepEqual(
    [milliseconds(1.25), milliseconds(35.4), milliseconds(1500), milliseconds(61_000)],
    ['1.3 ms', '35 ms', '1.50 s', '1 min 1 s']
  )
  t.deepEqual([short('a'.repeat(64)), short('abc')], [`${'a'.repeat(12)}…`, 'abc'])
  t.deepEqual([shortPeer('12D3KooWQYhTNQdm'), shortPeer('short')], ['12D3…YhTNQdm'.replace('Y', '').slice(0, 5) + 'hTNQdm', 'short'])
})

test('text of others cannot move the cursor, colour or reverse a line', t => {
  t.is(safe('a\x1b[2Jb\nc\u202ed'), 'a�[2Jb�c�d')
  t.is(safeText('a\tb\nc\rd\x07'), 'a\tb\nc�d�')
})

test('columns line up whatever their colour', t => {
  t.deepEqual(
    table(
      [
        ['a', 'b'],
        [COLOUR.bold('long'), 'x']
      ],
      PLAIN
    ),
    ['a     b', `${COLOUR.bold('long')}  x`]
  )
})

test('an open adapter says that whoever asks can extract it, with the rows at which', t => {
  const lines = text(budgetSentences(adapter))
  t.regex(lines, /^open: whoever asks can extract it$/m)
  t.regex(
    lines,
    /no limit is set, so the answers can give away the whole adapter: from 10 rows of a group its B can be known, from 45 rows|from 45 an ideal attacker could know all of A/
  )
  t.regex(lines, /21 rows answered so far in the group asked most \(46 % of that\)/)
  t.regex(lines, /B of that group can be known by now/)
})

test('a listed adapter says whom it serves and what its limit gives away', t => {
  const listed = { ...adapter, mode: 'listed' as const, budget: [{ group: 0, answered: 0, extraction: 45, matrixB: 10 }] }
  t.regex(
    text(budgetSentences({ ...listed, limitRows: 30 })),
    /nobody is served, the list of peers is empty\nat most 30 rows .*B and at most 66 % of A/
  )
  t.regex(
    text(budgetSentences({ ...listed, allow: ['p'], limitRows: 45 })),
    /only 1 listed peer can ask.*\nat most 45 rows .* give away the whole adapter/
  )
  t.regex(text(budgetSentences({ ...listed, limitRows: 5 })), /less than either matrix needs/)
  t.notRegex(text(budgetSentences({ ...listed, limitRows: 5 })), /can be known by now/)
})

test('an own adapter is shown with its shape', t => {
  const lines = text(renderOwnAdapter(adapter, PLAIN))
  t.regex(lines, /^shakespeare {2}a{64}$/m)
  t.regex(lines, /for novels-llama \(b{12}…\), rank 8, 3 modules, 12-bit weights, manifest 50 KiB/)
  t.is(
    shapeOf({
      ...adapter,
      groups: [
        {
          dIn: 4,
          modules: [
            { name: 'a', dOut: 4, rank: 2 },
            { name: 'b', dOut: 4, rank: 4 }
          ]
        }
      ]
    }),
    'rank 2 to 4, 2 modules'
  )
  t.regex(text(renderOwnAdapters([], PLAIN)), /no adapters here/)
})

test('who was found is a table, and nobody is said to be nobody', t => {
  const of = {
    adapter,
    peer: session.peer,
    multiaddrs: [],
    roundTrip: 1.2,
    tokenCost: { bytes: 98_304, roundTrips: 8, bytesPerSecond: 1e7, seconds: 0.0194 },
    rowsLeft: 100,
    listedOnly: true,
    maxRows: 5000,
    evidence: null,
    verifiedSessions: 3
  }
  const found = [of, { ...of, roundTrip: null, tokenCost: { ...of.tokenCost, seconds: null }, rowsLeft: null, listedOnly: false }]
  const lines = renderFound({ found, elapsed: 310, connected: 1, providersTried: 3, providersAnswered: 2 }, PLAIN)
  t.regex(lines[1]!, /shakespeare +a{12}… +rank 8, 3 modules +12D3…\w{6} +1\.2 ms +96 KiB, 19 ms +100 +3 +listed peers only/)
  t.regex(lines[2]!, / - +96 KiB +no limit +3 +anybody/)
  t.is(lines[3], '2 adapters found: 2 of 3 providers answered, 310 ms')
  t.regex(lines[4]!, /^a token: bytes at most/)
  t.deepEqual(renderFound({ found: [], elapsed: 5, connected: 1, providersTried: 0, providersAnswered: 0 }, PLAIN), [
    'nobody was found (connected to 1 peer, 0 of 0 providers answered, 5.0 ms)'
  ])
})

test('a session is told from its opening to its proof or failure', t => {
  t.regex(renderSession({ ...session, state: 'open' }, PLAIN), /^session 5{12}… with 12D3…\w{6}: adapter shakespeare \(a{12}…\)$/)
  t.regex(
    renderSession({ ...session, state: 'proving', role: 'contributor' }, PLAIN),
    / for .*672 rows committed by both, proof is being made/
  )
  t.regex(renderSession(session, PLAIN), /672 rows proved in 412 ms, 26 KiB, verified here in 35 ms, root e{64}$/)
  t.regex(renderSession({ ...session, state: 'announced' }, PLAIN), /35 ms, announced, root/)
  const bare = { ...session, times: { commit: null, prove: null, verify: null }, root: null, bundleBytes: null }
  t.regex(renderSession(bare, PLAIN), /672 rows proved$/)
  t.regex(renderSession({ ...session, state: 'failed', error: 'the answer does not fit' }, COLOUR), /failed.*, the answer does not fit/)
  t.regex(renderSession({ ...session, error: 'no receipt' }, PLAIN), /root e{64}, but no receipt$/)
  t.regex(renderSession({ ...session, state: 'failed' }, PLAIN), /failed, without a reason/)
  t.regex(
    renderSession({ ...session, state: 'broken', rows: 3, error: 'the line is cut' }, PLAIN),
    /broken off after 3 rows, the line is cut; it is settled when its peer can be reached$/
  )
})

test('an answer ends with its roots and with what is not proved', t => {
  const lines = text(renderSessionsEnd([session], PLAIN))
  t.regex(lines, /root e{64}/)
  t.regex(lines, /not proved: .*two different persons/)
  t.regex(lines, /not proved: that the base model was run honestly/)
  t.regex(text(renderSessionsEnd([], PLAIN)), /nothing to prove/)
})

test('a loss is shown beside the base model’s', t => {
  t.deepEqual(renderLoss({ tokens: 256, base: 4.773, adapted: 3.6986, sessions: [] }, PLAIN), [
    'base     4.7730 nats a token over 256 tokens',
    'adapted  3.6986 nats a token (-22.5 %)'
  ])
  t.regex(text(renderLoss({ tokens: 2, base: 4, adapted: 5, sessions: [session] }, PLAIN)), /\(\+25\.0 %\)\nsession/)
  t.is(renderLoss({ tokens: 2, base: 4, adapted: null, sessions: [] }, PLAIN).length, 1)
})

test('a verdict says valid only of what was verified here', t => {
  t.regex(renderVerdict(verdict, PLAIN), /^bundle d{12}… of shakespeare by c{12}…, 672 rows, 26 KiB: valid, verified in 35 ms, root e{64}$/)
  t.regex(
    renderVerdict({ ...verdict, verdict: 'announced', adapterName: null, userSigned: false }, PLAIN),
    /of a{12}… .*: announced, without the user’s signature, not verified yet/
  )
  t.regex(renderVerdict({ ...verdict, verdict: 'invalid', error: 'equations: no' }, PLAIN), /invalid, equations: no/)
  t.regex(renderVerdict({ ...verdict, verdict: 'invalid' }, PLAIN), /without a reason/)
  t.regex(renderVerdict({ ...verdict, verdict: 'unavailable' }, PLAIN), /unavailable, nobody had it/)
  t.regex(renderVerdict({ ...verdict, elapsed: null, userSigned: false }, PLAIN), /valid, verified, without the user’s signature/)
})

test('a report says what was proved, by whom, and what was not', t => {
  const lines = text(renderReports([report], PLAIN))
  t.regex(lines, /session\.zkproof: valid/)
  t.regex(lines, /every one of 672 committed rows is y = x·A·B for the one adapter/)
  t.regex(lines, /adapter shakespeare .*rank 8, 3 modules, for base model novels-llama/)
  t.regex(lines, /the whole session: from its first row to its last, closed by both/)
  t.regex(lines, /contributor key c{64}\n {2}user key {8}f{64}/)
  t.regex(lines, /rows 0 to 671 \(336 in each of 2 groups\), 26 KiB/)
  for (const not of ['base model was run honestly', 'two different persons']) t.regex(lines, new RegExp(`not proved: .*${not}`))
})

test('a report of a part says so', t => {
  const uneven = {
    ...report.ranges[0]!,
    rowsPerGroup: [
      { group: 0, rows: 600 },
      { group: 3, rows: 72 }
    ]
  }
  t.regex(text(renderReports([{ ...report, ranges: [uneven] }], PLAIN)), /\(600 in group 0, 72 in group 3\)/)
  t.regex(text(renderReports([{ ...report, whole: false }], PLAIN)), /, open at row 672: rows after it are not in this proof/)
  const later = { ...report, whole: false, ranges: [{ ...report.ranges[0]!, start: 100 }] }
  t.regex(text(renderReports([later], PLAIN)), /from row 100, open at row 672/)
})

test('a report of what fails or cannot be checked gives the reason, and claims nothing', t => {
  const invalid = { ...report, verdict: 'invalid' as const, error: 'signature: of the user' }
  const unchecked = { ...report, verdict: 'unchecked' as const, error: null, adapter: null, ranges: [] }
  const lines = text(renderReports([invalid, unchecked, report], PLAIN))
  t.regex(lines, /invalid\n {2}signature: of the user/)
  t.regex(lines, /could not be checked/)
  t.regex(lines, /3 proofs: 1 valid, 1 invalid, 1 not checked$/)
  t.notRegex(text(renderReports([{ ...invalid, error: null }, unchecked], PLAIN)), /proved:/)
  t.deepEqual(
    [exitStatus([report]), exitStatus([report, invalid, unchecked]), exitStatus([report, unchecked]), exitStatus([])],
    [0, 1, 2, 2]
  )
})

test('the state of a node is on one screen', t => {
  const lines = text(renderStatus(status, PLAIN))
  for (const part of [
    /roles +contributor, verifier/,
    /reached at +\/ip4\/127\.0\.0\.1\/tcp\/4001/,
    /peers +1 peer/,
    /outbound {2}bootstrap/,
    /sessions +announced 1, proved 2/
  ])
    t.regex(lines, part)
  t.regex(lines, /announcements accepted 3, ignored 2 \(rate 2\), rejected 0$/m)
  t.regex(lines, /open: whoever asks can extract it/)
  const none = {
    ...status,
    roles: [],
    multiaddrs: [],
    peers: [],
    adapters: [],
    sessions: { open: 0, proving: 0, announced: 0, proved: 0, broken: 0, failed: 0 },
    store: {}
  }
  const still = text(renderStatus(status, PLAIN, { runs: false }))
  t.regex(still, /sessions      announced 1, proved 2/)
  t.notRegex(still, /reach|peers|backlog|verifying|limits|up 1 min/)
  const empty = text(renderStatus(none, PLAIN))
  t.regex(empty, /nowhere: it does not listen/)
  t.regex(empty, /sessions +none/)
  t.regex(empty, /kept +nothing/)
})

test('each event has its line, or none when it is too fine for a log', t => {
  const line = (event: Parameters<typeof renderEvent>[0]) => renderEvent(event, PLAIN)
  t.is(line({ type: 'identity', peerId: 'P', made: false, file: '/f' }), 'peer P')
  t.is(line({ type: 'identity', peerId: 'P', made: true, file: '/f' }), 'peer P (a new identity, its key is in /f)')
  t.regex(line({ type: 'socket', path: '/tmp/s', fallback: '/tmp' })!, /too long for a socket: the control socket is \/tmp\/s/)
  t.regex(line({ type: 'registered', adapter, outcome: 'kept' })!, /is served as before/)
  t.is(line({ type: 'adapter', step: 'commit', done: 3, total: 21 }), null)
  t.is(line({ type: 'adapter', step: 'commit', done: 21, total: 21 }), 'modules committed: 21')
  t.is(line({ type: 'find', tried: 2, answered: 1 }), '2 providers asked, 1 answered')
  t.is(
    line({ type: 'model', step: 'open', modules: 21, stages: 13, elapsed: 120 }),
    'base model opened in 120 ms: 21 modules adapted, 13 stages'
  )
  t.regex(line({ type: 'session', session })!, /proved/)
  t.is(
    line({ type: 'commitments', session: session.session, rows: 8, accepted: 4 }),
    'session 555555555555…: 4 of 8 rows committed by both'
  )
  t.regex(line({ type: 'verdict', verdict })!, /valid/)
  t.is(line({ type: 'stopped' }), 'stopped')
  for (const event of [
    { type: 'token', token: 1, text: 'x' },
    { type: 'window', done: 1, total: 2 },
    { type: 'bytes', base64: '' }
  ] as const)
    t.is(line(event), null)
})

test('what is ready is shown with its addresses and adapters', t => {
  const ready = {
    type: 'ready',
    version: '0.1.0',
    pid: 1,
    peerId: 'P',
    roles: ['contributor'],
    multiaddrs: ['/ip4/1.2.3.4/tcp/1'],
    dataDir: '/d',
    socket: '/d/s',
    http: null,
    adapters: [adapter]
  } as const
  const lines = text(renderReady({ ...ready, multiaddrs: [...ready.multiaddrs], adapters: [adapter] }, PLAIN))
  t.regex(lines, /ready: peer P\n {2}roles {4}contributor\n {2}reached {2}\/ip4\/1\.2\.3\.4\/tcp\/1/)
  t.regex(lines, /serves {3}shakespeare \(rank 8, 3 modules\)/)
  t.regex(lines, /open: whoever asks can extract it/)
  t.is(renderEvent({ ...ready, multiaddrs: [], adapters: [] }, PLAIN), 'ready: contributor')
  t.notRegex(text(renderReady({ ...ready, multiaddrs: [], adapters: [] }, PLAIN)), /no adapters/)
})

test('progress is drawn in cells', t => {
  t.is(progressBar('rows', 5, 10), 'rows ██████████░░░░░░░░░░ 5/10')
  t.is(progressBar('rows', 0, 0), `rows ${'█'.repeat(20)} 0/0`)
  t.is(progressBar('rows', 12, 10), `rows ${'█'.repeat(20)} 12/10`)
  t.regex(renderProgress({ type: 'adapter', step: 'read', done: 1, total: 2 })!, /files read/)
  t.regex(renderProgress({ type: 'window', done: 1, total: 2 })!, /windows/)
  t.regex(renderProgress({ type: 'find', tried: 3, answered: 2 })!, /3 tried, 2 answered/)
  t.regex(renderProgress({ type: 'commitments', session: 'ab', rows: 2, accepted: 1 })!, /session ab rows committed by both/)
  t.is(renderProgress({ type: 'stopped' }), null)
})
