/** Flags that several commands share, and the parsers of their values. */
import { InvalidArgumentError, type Command } from 'commander'
import type { SettingsLayer } from '../daemon/settings.js'

/** `--name VALUE` more than once. */
export const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

export function wholeNumber(least: number, most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most)
      throw new InvalidArgumentError(`expected is a whole number from ${least} to ${most}.`)
    return value
  }
}

export function positive(most: number): (text: string) => number {
  return text => {
    const value = Number(text)
    if (text.trim() === '' || !(value > 0 && value <= most))
      throw new InvalidArgumentError(`expected is a number above 0, at most ${most}.`)
    return value
  }
}

export interface CommonFlags {
  json?: boolean
  dataDir?: string
  config?: string
}

/** `--json`, `--data-dir`, `--config`, and an example under the help. */
export function common(command: Command, examples: readonly string[]): Command {
  return command
    .option('--json', 'write JSON on stdout, state and errors stay on stderr')
    .option('--data-dir <folder>', 'the node’s data folder (default: ZKLORA_DATA_DIR, or ~/.local/share/zklora)')
    .option('--config <file>', 'the config file (default: zklora.json in the data folder)')
    .addHelpText('after', `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${examples.map(example => `  $ ${example}`).join('\n')}`)
}

export interface NetworkFlags {
  bootstrap?: string[]
  privateAddresses?: boolean
}

/** How a node that is opened for one command finds others. */
export function network(command: Command): Command {
  return command
    .option('--bootstrap <multiaddr>', 'a first peer, /ip4/…/tcp/…/p2p/… (repeatable)', collect)
    .option('--private-addresses', 'find peers at private addresses too: on one machine or a LAN')
}

export function networkLayer({ bootstrap, privateAddresses }: NetworkFlags): SettingsLayer {
  return {
    ...(bootstrap && { bootstrap }),
    ...(privateAddresses !== undefined && { network: { privateAddresses } })
  }
}

/** `--mode`, `--allow`, `--limit-rows`: to whom an adapter is shown, and how much. */
export function terms(command: Command): Command {
  return command
    .option('--mode <open|listed>', '"open": whoever asks can extract the adapter; "listed": only peers of --allow are served')
    .option('--allow <peer>', 'a peer that is served in mode "listed" (repeatable)', collect)
    .option('--limit-rows <n>', 'rows of each group answered at most, over all peers', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--weight-bits <n>', 'bits of a weight (default 12)', wholeNumber(2, 16))
    .option('--activation-bits <n>', 'bits of an activation (default 16)', wholeNumber(4, 16))
}

export interface TermsFlags {
  mode?: 'open' | 'listed'
  allow?: string[]
  limitRows?: number
  weightBits?: number
  activationBits?: number
}

/** The terms that were given, and nothing else of the flags. */
export function termsOf({ mode, allow, limitRows, weightBits, activationBits }: TermsFlags): TermsFlags {
  return {
    ...(mode !== undefined && { mode }),
    ...(allow !== undefined && { allow }),
    ...(limitRows !== undefined && { limitRows }),
    ...(weightBits !== undefined && { weightBits }),
    ...(activationBits !== undefined && { activationBits })
  }
}
