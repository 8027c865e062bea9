/** Adapters, and what those who are served can learn of them, in the words of session-proof.md, section 8. */
import type { AdapterInfo, FindResult, OwnAdapterInfo } from '../../roles/types.js'
import { bytes, count, milliseconds, plural, safe, short, shortPeer, table, type Style } from './style.js'

/** `rank 8, 21 modules` */
export function shapeOf({ groups }: AdapterInfo): string {
  const modules = groups.flatMap(group => group.modules)
  const ranks = modules.map(module => module.rank)
  const [least, most] = [Math.min(...ranks), Math.max(...ranks)]
  return `rank ${least === most ? most : `${least} to ${most}`}, ${plural(modules.length, 'module')}`
}

/** What the mode and the limit give away. */
export function budgetSentences(adapter: OwnAdapterInfo): string[] {
  const { mode, allow, limitRows, budget } = adapter
  const extraction = Math.min(...budget.map(group => group.extraction))
  const matrixB = Math.min(...budget.map(group => group.matrixB))
  const answered = Math.max(0, ...budget.map(group => group.answered))
  const who =
    mode === 'open'
      ? 'open: whoever asks can extract it'
      : `listed: ${allow.length === 0 ? 'nobody is served, the list of peers is empty' : `only ${plural(allow.length, 'listed peer')} can ask, and what is answered to them they can keep`}`
  const limit = limitRows === null ? 'no limit is set' : `at most ${plural(limitRows, 'row')} of each group are answered`
  const gives =
    limitRows === null || limitRows >= extraction
      ? 'so the answers can give away the whole adapter'
      : limitRows >= matrixB
        ? `so the answers can give away B and at most ${Math.floor((100 * limitRows) / extraction)} % of A`
        : 'which is less than either matrix needs'
  const sentences = [
    who,
    `${limit}, ${gives}: from ${count(matrixB)} rows of a group its B can be known, from ${count(extraction)} an ideal attacker could know all of A`,
    `${plural(answered, 'row')} answered so far in the group asked most (${Math.floor((100 * answered) / extraction)} % of that)`
  ]
  if (answered >= matrixB) sentences.push('B of that group can be known by now')
  return sentences
}

export function renderOwnAdapter(adapter: OwnAdapterInfo, style: Style): string[] {
  const [who, ...rest] = budgetSentences(adapter)
  return [
    `${style.bold(safe(adapter.name))}  ${adapter.id}`,
    `  for ${safe(adapter.baseName)} (${short(adapter.base)}), ${shapeOf(adapter)}, ${adapter.weightBits}-bit weights, manifest ${bytes(adapter.manifestBytes)}`,
    `  ${style.warn(who!)}`,
    ...rest.map(sentence => `  ${sentence}`)
  ]
}

export function renderOwnAdapters(adapters: readonly OwnAdapterInfo[], style: Style): string[] {
  if (adapters.length === 0) return ['no adapters here: zklora adapter add DIR --base DIR']
  return adapters.flatMap(adapter => renderOwnAdapter(adapter, style))
}

export function renderFound({ found, elapsed, connected, providersAnswered, providersTried }: FindResult, style: Style): string[] {
  const how = `${providersAnswered} of ${plural(providersTried, 'provider')} answered, ${milliseconds(elapsed)}`
  if (found.length === 0) {
    const lines = [`nobody was found (connected to ${plural(connected, 'peer')}, ${how})`]
    if (connected === 0) lines.push('no first peer could be reached: look at the address of --bootstrap, and whether its node runs')
    return lines
  }
  const rows = found.map(({ adapter, peer, roundTrip, tokenCost, rowsLeft, listedOnly, verifiedSessions, evidence }) => [
    style.bold(safe(adapter.name)),
    short(adapter.id),
    shapeOf(adapter),
    shortPeer(peer),
    roundTrip === null ? '-' : milliseconds(roundTrip),
    `${bytes(tokenCost.bytes)}${tokenCost.seconds === null ? '' : `, ${milliseconds(tokenCost.seconds * 1000)}`}`,
    rowsLeft === null ? 'no limit' : count(rowsLeft),
    count(verifiedSessions),
    evidence !== null ? style.bad(`evidence ${short(evidence, 8)}`) : listedOnly ? 'listed peers only' : 'anybody'
  ])
  return [
    ...table([['adapter', 'identifier', 'shape', 'peer', 'round trip', 'a token', 'rows left', 'verified here', 'serves'], ...rows], style),
    `${plural(found.length, 'adapter')} found: ${how}`,
    'a token: bytes at most, for the prompt as for the answer; time on the network, for one of the answer'
  ]
}
