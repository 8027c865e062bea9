/** The HTTP of a real daemon, whose work is real. */
import { readFile } from 'node:fs/promises'
import { request } from 'node:http'
import { resolve } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { loadConfig } from '../../../src/daemon/config.js'
import { startDaemon } from '../../../src/daemon/daemon.js'
import { FAMILIES } from '../../../src/daemon/http/metrics.js'
import { RECEIVED_CODES, SENT_CODES } from '../../../src/net/session/index.js'
import { IGNORED_REASONS, REJECTED_REASONS } from '../../../src/roles/status.js'
import { runCommand } from '../../../src/daemon/open-node.js'
import type { SettingsLayer } from '../../../src/daemon/settings.js'
import { temporaryFolder } from '../folders.js'
import { readExposition } from './exposition.js'

const never = new AbortController().signal
const base = resolve('config/demo/models/novels-llama')
const KJV = { folder: resolve('config/demo/adapters/kjv-llama'), base }
const LOCAL: SettingsLayer = { listen: ['/ip4/127.0.0.1/tcp/0'], network: { privateAddresses: true } }

async function daemon(t: ExecutionContext, flags: SettingsLayer) {
  const config = await loadConfig({ env: {}, dataDir: await temporaryFolder(t), flags: { ...LOCAL, ...flags } })
  const started = await startDaemon({ config, signal: never, onEvent: () => {} })
  t.teardown(() => started.stop())
  return started
}

test.serial('metrics of a contributor are read by a parser, and move with a session', async t => {
  const { ready, stop } = await daemon(t, { roles: ['contributor'], adapters: [KJV], http: { enabled: true, port: 0 } })
  const scrape = async () => {
    const response = await fetch(`${ready.http}/metrics`)
    t.is(response.status, 200)
    t.regex(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
    return readExposition(await response.text())
  }
  const before = await scrape()
  const adapter = ready.adapters[0]!.id
  t.is(before.value('zklora_peers', { direction: 'inbound' }), 0)
  t.is(before.value('zklora_budget_answered_rows', { adapter }), 0)
  t.is(before.value('zklora_sessions', { state: 'announced' }), 0)
  // Before anything is counted every series that can be stands at 0.
  for (const reason of IGNORED_REASONS) t.is(before.value('zklora_announcements_ignored_total', { reason }), 0)
  for (const reason of REJECTED_REASONS) t.is(before.value('zklora_announcements_rejected_total', { reason }), 0)
  for (const code of SENT_CODES) t.is(before.value('zklora_refusals_sent_total', { code }), 0)
  for (const code of RECEIVED_CODES) t.is(before.value('zklora_refusals_received_total', { code }), 0)
  t.true(before.types.has('libp2p_data_transfer_bytes_total') && before.types.has('process_cpu_user_seconds_total'))

  const user = await loadConfig({
    env: {},
    dataDir: await temporaryFolder(t),
    flags: { ...LOCAL, roles: ['user'], bootstrap: [ready.multiaddrs[0]!] }
  })
  const asked = { base, adapters: [`${adapter}@${ready.multiaddrs[0]!}`], prompt: 'In the', maxNewTokens: 2 }
  const { sessions } = await runCommand(user, 'generate', asked, { signal: never, onEvent: () => {} })
  const after = await scrape()
  t.is(after.value('zklora_sessions', { state: 'announced' }), 1, sessions[0]!.error ?? '')
  t.true(after.value('zklora_budget_answered_rows', { adapter }) > 0)
  for (const kind of ['own bundles', 'journals']) t.true(after.value('zklora_store_bytes', { kind }) > 0, kind)
  t.true(after.value('zklora_uptime_seconds') > before.value('zklora_uptime_seconds'))
  t.deepEqual(
    FAMILIES.filter(({ name, type }) => after.types.get(name) !== type),
    []
  )
  t.true(FAMILIES.every(({ name, type }) => name.startsWith('zklora_') && name.endsWith('_total') === (type === 'counter')))
  // Whoever asks at once gets one look.
  const texts = await Promise.all([1, 2, 3].map(async () => (await fetch(`${ready.http}/metrics`)).text()))
  t.is(new Set(texts.map(text => /^zklora_uptime_seconds (.*)$/m.exec(text)![1])).size, 1)
  // Limits and timeouts stand at 0 from the beginning; what nothing is known of yet does not.
  t.regex(texts[0]!, /^zklora_limits_hit_total\{limit="sessionsPerPeer"\} 0$/m)
  t.regex(texts[0]!, /^zklora_timeouts_total\{timeout="receipt"\} 0$/m)
  t.notRegex(texts[0]!, /^zklora_clock_skew_seconds /m)
  t.is((await fetch(`${ready.http}/readyz`)).status, 200)
  await stop()
  await t.throwsAsync(fetch(`${ready.http}/healthz`))
})

test('every metric stands in docs/metrics.md, with its labels', async t => {
  const page = await readFile('docs/metrics.md', 'utf8')
  for (const { name, type, labels, help } of FAMILIES) {
    const row = page.split('\n').find(line => line.startsWith(`| \`${name}\``))
    t.truthy(row, name)
    const cells = row!.split('|').map(cell => cell.trim())
    t.deepEqual(cells.slice(2, 5), [type, labels.map(label => `\`${label}\``).join(', '), help])
  }
})

test('a port that is taken, and a host that others reach without a token, are refused with what to do', async t => {
  const first = await daemon(t, { roles: ['user'], http: { enabled: true, port: 0 } })
  const port = Number(new URL(first.ready.http!).port)
  await t.throwsAsync(daemon(t, { roles: ['user'], http: { enabled: true, port } }), {
    name: 'InvalidInputError',
    message: new RegExp(`cannot listen on 127\\.0\\.0\\.1:${port}: another program listens there: .*--http-port`)
  })
  await t.throwsAsync(daemon(t, { roles: ['user'], http: { enabled: true, host: '0.0.0.0' } }), {
    name: 'InvalidInputError',
    message: /http\.host is 0\.0\.0\.0, which others can reach.*ZKLORA_HTTP_TOKEN/
  })
  // A Host header of somebody else's name is DNS rebinding.
  const status = await new Promise((done, failed) => {
    request(`${first.ready.http}/metrics`, { headers: { host: 'evil.example' } }, answer => done(answer.statusCode))
      .on('error', failed)
      .end()
  })
  t.is(status, 421)
})
