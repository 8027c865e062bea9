/** The state of a node, and its events, for people. */
import type { DaemonEvent } from '../../daemon/daemon.js'
import type { StatusReport } from '../../roles/types.js'
import { renderOwnAdapters, shapeOf } from './adapters.js'
import { renderSession, renderVerdict } from './sessions.js'
import { bytes, count, milliseconds, plural, safe, short, type Style } from './style.js'

/** `valid 3, invalid 0`; without those that are zero unless all are. */
function counts(of: Record<string, number>, none: string): string {
  const some = Object.entries(of).filter(([, value]) => value > 0)
  return some.length === 0 ? none : some.map(([key, value]) => `${key} ${count(value)}`).join(', ')
}

/** What the data folder holds, when no node runs on it. */
function keptLines(status: StatusReport, style: Style): string[] {
  const kept = Object.entries(status.store).map(([kind, size]) => `${kind} ${bytes(size)}`)
  return [
    `verdicts      ${counts(status.verdicts, 'none')}`,
    `kept          ${kept.join(', ') || 'nothing'}`,
    ...(status.adapters.length === 0 ? [] : ['adapters', ...renderOwnAdapters(status.adapters, style).map(line => `  ${line}`)])
  ]
}

function sessionLines(status: StatusReport): string[] {
  const { proofsOwed, proofsAwaited, receiptsMissing, outstandingRows } = status
  const owed = {
    proofs: proofsOwed,
    'proofs to this node': proofsAwaited,
    receipts: receiptsMissing,
    'rows to be accepted': outstandingRows.contributor + outstandingRows.user
  }
  return [`sessions      ${counts(status.sessions, 'none')}`, `owed          ${counts(owed, 'nothing')}`]
}

/** @param options.runs false: no node runs on the data folder, and what one would say of itself is left out */
export function renderStatus(status: StatusReport, style: Style, { runs = true }: { runs?: boolean } = {}): string[] {
  const feeds = `feeds         ${count(status.feeds)}${gaps(status.feedGaps)}`
  if (!runs)
    return [`peer ${style.bold(status.peerId)}, zklora ${status.version}`, ...sessionLines(status), feeds, ...keptLines(status, style)]
  const sum = (of: Record<string, number>): number => Object.values(of).reduce((a, b) => a + b, 0)
  const { accepted, ignored, rejected } = status.announcements
  return [
    `peer ${style.bold(status.peerId)}, zklora ${status.version}, up ${milliseconds(status.uptime)}`,
    `roles         ${status.roles.join(', ') || 'none'}`,
    ...(status.multiaddrs.length === 0
      ? ['reached at    nowhere: it does not listen']
      : status.multiaddrs.map(address => `reached at    ${address}`)),
    `reachability  ${status.reachability.state}: ${status.reachability.why}`,
    ...clockLines(status.clockSkew, style),
    `peers         ${plural(status.peers.length, 'peer')}, ${plural(sum(status.mesh), 'place')} in the gossip mesh of ${plural(Object.keys(status.mesh).length, 'topic')}`,
    ...status.peers.map(({ peer, roles, direction }) => `  ${peer}  ${direction}  ${roles.join(', ')}`),
    ...sessionLines(status),
    `refusals      sent ${counts(status.refusals.sent, 'none')}; received ${counts(status.refusals.received, 'none')}`,
    `announcements accepted ${count(accepted)}, ignored ${count(sum(ignored))}${detail(ignored)}, rejected ${count(sum(rejected))}${detail(rejected)}`,
    feeds,
    `backlog       ${plural(status.backlog.announcements, 'announcement')}, ${plural(status.backlog.bundles, 'bundle')} to verify (${plural(status.backlog.points, 'point')}), ${count(status.backlog.skipped)} skipped`,
    `verifying     ${verifying(status.verifier)}`,
    `limits hit    ${counts(status.limits, 'none')}`,
    `timeouts      ${counts(status.timeouts, 'none')}`,
    ...keptLines(status, style)
  ]
}

function gaps({ announcements, feeds }: StatusReport['feedGaps']): string {
  return announcements === 0 ? ', none with gaps' : `, ${plural(announcements, 'announcement')} missing in ${count(feeds)} of them`
}

function verifying({ share, used, threads, busy }: StatusReport['verifier']): string {
  const percent = (part: number): string => `${Math.round(100 * part)} %`
  return `${percent(used)} of ${plural(threads, 'thread')} in the last ten seconds (at most ${percent(share)}), ${milliseconds(busy)} in all`
}

/** Beyond it a clock is worth a word: announcements are taken within ten minutes. */
const SKEW_TOLD = 60_000

function clockLines({ milliseconds: skew, peers }: StatusReport['clockSkew'], style: Style): string[] {
  if (skew === null) return []
  const line = `clock         ${milliseconds(Math.abs(skew))} ${skew > 0 ? 'behind' : 'ahead of'} the announcements of ${plural(peers, 'peer')}`
  return [Math.abs(skew) < SKEW_TOLD ? line : style.warn(`${line}: set the clock, beyond ten minutes nothing is taken`)]
}

function detail(of: Record<string, number>): string {
  return Object.keys(of).length === 0 ? '' : ` (${counts(of, '')})`
}

const STEPS = {
  read: 'files read',
  quantise: 'modules quantised',
  commit: 'modules committed',
  prove: 'modules certified',
  advertise: 'records in the DHT'
} as const

/** One line for an event, or null for what is too fine for a log. */
export function renderEvent(event: DaemonEvent, style: Style): string | null {
  switch (event.type) {
    case 'identity':
      return `peer ${event.peerId}${event.made ? ` (a new identity, its key is in ${event.file})` : ''}`
    case 'socket':
      return `the path of the data folder is too long for a socket: the control socket is ${event.path}`
    case 'registered':
      return `adapter ${safe(event.adapter.name)} (${short(event.adapter.id)}) ${REGISTERED[event.outcome]}`
    case 'ready':
      return `ready: ${event.roles.join(', ')}`
    case 'adapter':
      return event.done < event.total ? null : `${STEPS[event.step]}: ${count(event.done)}`
    case 'find':
      return `${plural(event.tried, 'provider')} asked, ${count(event.answered)} answered`
    case 'model':
      return `base model opened in ${milliseconds(event.elapsed)}: ${plural(event.modules, 'module')} adapted, ${plural(event.stages, 'stage')}`
    case 'session':
      return renderSession(event.session, style)
    case 'commitments':
      return `session ${short(event.session)}: ${count(event.accepted)} of ${plural(event.rows, 'row')} committed by both`
    case 'evidence':
      return `${style.bad('evidence')} against ${short(event.evidence.key)}: ${safe(event.evidence.reason)}`
    case 'verdict':
      return renderVerdict(event.verdict, style)
    case 'stopped':
      return 'stopped'
    case 'token':
    case 'window':
    case 'bytes':
      return null
  }
}

const REGISTERED = {
  added: 'is registered and served',
  kept: 'is served as before',
  replaced: 'takes the place of what was registered of its folder before'
} as const

/** What `start` shows once everything is up. */
export function renderReady(event: Extract<DaemonEvent, { type: 'ready' }>, style: Style): string[] {
  return [
    `${style.bold('ready')}: peer ${event.peerId}`,
    `  roles    ${event.roles.join(', ')}`,
    ...event.multiaddrs.map(address => `  reached  ${address}`),
    `  data     ${event.dataDir}`,
    ...(event.http === null ? [] : [`  http     ${event.http}`]),
    ...event.adapters.map(adapter => `  serves   ${safe(adapter.name)} (${shapeOf(adapter)})`),
    ...(event.adapters.length === 0 ? [] : renderOwnAdapters(event.adapters, style).map(line => `  ${line}`)),
    style.dim('  Ctrl-C stops it')
  ]
}

/** A progress bar of 20 cells, for a terminal. */
export function progressBar(label: string, done: number, total: number): string {
  const filled = total === 0 ? 20 : Math.round((20 * Math.min(done, total)) / total)
  return `${label} ${'█'.repeat(filled)}${'░'.repeat(20 - filled)} ${count(done)}/${count(total)}`
}

/** The line that is redrawn while a command runs, or null for events that have none. */
export function renderProgress(event: DaemonEvent): string | null {
  switch (event.type) {
    case 'adapter':
      return progressBar(STEPS[event.step], event.done, event.total)
    case 'window':
      return progressBar('windows of the text', event.done, event.total)
    case 'find':
      return `asking providers: ${count(event.tried)} tried, ${count(event.answered)} answered`
    case 'commitments':
      return progressBar(`session ${short(event.session)} rows committed by both`, event.accepted, event.rows)
    default:
      return null
  }
}
