/** Sessions as they go and as they ended, and bundles as they are judged. */
import type { LossResult, SessionInfo, VerdictInfo } from '../../roles/types.js'
import { bytes, milliseconds, plural, safe, short, shortPeer, type Style } from './style.js'

/** What no proof here says, wherever somebody could think otherwise. */
export const NOT_PROVED = [
  'that the base model was run honestly, or that its input is anybody’s real text',
  'that two different persons stand behind the two keys, or any date'
]

/** One line for each change of a session. */
export function renderSession(session: SessionInfo, style: Style): string {
  const head = `session ${short(session.session)} ${session.role === 'user' ? 'with' : 'for'} ${shortPeer(session.peer)}`
  const adapter = safe(session.adapterName)
  switch (session.state) {
    case 'open':
      return `${head}: adapter ${adapter} (${short(session.adapter)})`
    case 'proving':
      return `${head}: ${plural(session.rows, 'row')} committed by both, proof is being made`
    case 'broken':
      return `${head}: ${style.warn('broken off')} after ${plural(session.rows, 'row')}, ${safe(session.error ?? 'without a reason')}; it is settled when its peer can be reached`
    case 'failed':
      return `${head}: ${style.bad('failed')}, ${safe(session.error ?? 'without a reason')}`
    default:
      return `${head}: ${renderProof(session, style)}`
  }
}

/** `672 rows proved in 0.41 s, 26 KiB, verified here in 35 ms, root …` */
function renderProof({ rows, root, bundleBytes, times, state, error }: SessionInfo, style: Style): string {
  const parts = [`${plural(rows, 'row')} ${style.good('proved')}${times.prove === null ? '' : ` in ${milliseconds(times.prove)}`}`]
  if (bundleBytes !== null) parts.push(bytes(bundleBytes))
  if (times.verify !== null) parts.push(`verified here in ${milliseconds(times.verify)}`)
  if (state === 'announced') parts.push('announced')
  if (root !== null) parts.push(`root ${root}`)
  if (error !== null) parts.push(`${style.warn('but')} ${safe(error)}`)
  return parts.join(', ')
}

/** What stands under an answer: the sessions with their roots, and what they do not say. */
export function renderSessionsEnd(sessions: readonly SessionInfo[], style: Style): string[] {
  if (sessions.length === 0) return ['the base model alone answered: there is nothing to prove']
  return [...sessions.map(session => renderSession(session, style)), ...NOT_PROVED.map(sentence => style.dim(`not proved: ${sentence}`))]
}

export function renderVerdict(verdict: VerdictInfo, style: Style): string {
  const adapter = verdict.adapterName === null ? short(verdict.adapter) : safe(verdict.adapterName)
  const head = `bundle ${short(verdict.digest)} of ${adapter} by ${short(verdict.contributor)}, ${plural(verdict.rows, 'row')}, ${bytes(verdict.bundleBytes)}`
  const signed = verdict.userSigned ? '' : ', without the user’s signature'
  const took = verdict.elapsed === null ? '' : ` in ${milliseconds(verdict.elapsed)}`
  switch (verdict.verdict) {
    case 'valid':
      return `${head}: ${style.good('valid')}, verified${took}${signed}, root ${verdict.root}`
    case 'invalid':
      return `${head}: ${style.bad('invalid')}, ${safe(verdict.error ?? 'without a reason')}`
    case 'unavailable':
      return `${head}: ${style.warn('unavailable')}, ${safe(verdict.error ?? 'nobody had it')}`
    case 'announced':
      return `${head}: announced${signed}, not verified yet`
  }
}

export function renderLoss({ tokens, base, adapted, sessions }: LossResult, style: Style): string[] {
  const lines = [`base     ${base.toFixed(4)} nats a token over ${plural(tokens, 'token')}`]
  if (adapted !== null) {
    const change = (100 * (adapted - base)) / base
    lines.push(`adapted  ${adapted.toFixed(4)} nats a token (${change <= 0 ? '' : '+'}${change.toFixed(1)} %)`)
  }
  return [...lines, ...sessions.map(session => renderSession(session, style))]
}
