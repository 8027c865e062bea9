/**
 * The settings of a node: one schema for the config file, the environment and the flags. Every key says what it expects;
 * the sentence is shown when a value is wrong. There are no secrets among them: keys live in files of their own.
 */
import { multiaddr } from '@multiformats/multiaddr'
import { z } from 'zod'

const isMultiaddr = (text: string): boolean => {
  try {
    multiaddr(text)
    return true
  } catch {
    return false
  }
}
const address = z.string().refine(isMultiaddr)
/** Refused here and not by libp2p: a bootstrap without its peer would be dialled without knowing whom. */
const peerAddress = z.string().refine(text => isMultiaddr(text) && text.includes('/p2p/'))

export const adapterSchema = z.strictObject({
  folder: z.string().min(1).describe('the folder of a PEFT adapter, such as "adapters/shakespeare-llama"'),
  base: z.string().min(1).describe('the folder of its base model, or a name from "models"'),
  name: z.string().min(1).max(128).optional().describe('a name of 1 to 128 characters'),
  mode: z.enum(['open', 'listed']).optional().describe('"open" (whoever asks can extract it) or "listed" (only the peers in "allow")'),
  allow: z.array(z.string().min(1)).optional().describe('a list of peer identifiers, such as ["12D3KooW…"]'),
  limitRows: z.number().int().min(1).nullable().optional().describe('rows answered per group at most over all peers, 1 or more, or null'),
  weightBits: z.number().int().min(2).max(16).optional().describe('bits of a weight, 2 to 16'),
  activationBits: z.number().int().min(4).max(16).optional().describe('bits of an activation, 4 to 16')
})

export const settingsSchema = z.strictObject({
  roles: z
    .array(z.enum(['contributor', 'user', 'verifier', 'bootstrap']))
    .min(1)
    .optional()
    .describe('a list of contributor, user, verifier, bootstrap, at least one'),
  listen: z.array(address).optional().describe('a list of multiaddrs to listen on, such as ["/ip4/0.0.0.0/tcp/4001"]'),
  announce: z.array(address).optional().describe('a list of multiaddrs to tell others instead of those listened on'),
  bootstrap: z.array(peerAddress).optional().describe('a list of multiaddrs with peers, such as ["/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…"]'),
  network: z
    .strictObject({
      privateAddresses: z
        .boolean()
        .optional()
        .describe('true or false: true to find peers at private addresses too (one machine, a LAN), false on the open internet'),
      advertiseUser: z.boolean().optional().describe('true or false: true tells the DHT which base models this user runs'),
      follow: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('a list of base models (folders, names from "models" or identifiers) whose announcements are verified (left out: all)')
    })
    .optional()
    .describe('an object with "privateAddresses", "advertiseUser" and "follow"'),
  http: z
    .strictObject({
      enabled: z.boolean().optional().describe('true or false: true answers HTTP (/metrics, /healthz, /readyz)'),
      host: z
        .string()
        .regex(/^[0-9A-Za-z.:[\]-]{1,253}$/)
        .optional()
        .describe('an address or name of this machine, such as "127.0.0.1"; one that others reach needs a token'),
      port: z.number().int().min(0).max(65_535).optional().describe('a port from 0 (a free one) to 65535'),
      tokenFile: z.string().min(1).optional().describe('a file of mode 0600 with the token that requests have to bring')
    })
    .optional()
    .describe('an object with "enabled", "host", "port" and "tokenFile"'),
  models: z
    .record(z.string().min(1), z.string().min(1))
    .optional()
    .describe('an object of names and base model folders, such as { "novels": "models/novels-llama" }'),
  adapters: z.array(adapterSchema).optional().describe('a list of adapters to serve, such as [{ "folder": "…", "base": "…" }]'),
  generation: z
    .strictObject({
      maxNewTokens: z.number().int().min(1).max(1_000_000).optional().describe('a whole number from 1'),
      temperature: z.number().gt(0).max(100).optional().describe('a number above 0 (leave it out for greedy decoding)'),
      topK: z.number().int().min(1).optional().describe('a whole number from 1'),
      topP: z.number().gt(0).max(1).optional().describe('a number above 0, at most 1'),
      repetitionPenalty: z.number().gt(0).max(100).optional().describe('a number above 0 (1 changes nothing)'),
      seed: z.number().int().min(0).max(0xffff_ffff).optional().describe('a whole number from 0 to 4294967295'),
      stop: z.array(z.string().min(1)).optional().describe('a list of texts that end the answer')
    })
    .optional()
    .describe('an object of sampling defaults, such as { "maxNewTokens": 64 }'),
  keepRows: z
    .boolean()
    .optional()
    .describe('true or false: true keeps what opens the rows of own sessions (activations, 256 MiB at most), for zklora open'),
  limits: z
    .strictObject({
      sessions: z.number().int().min(1).max(10_000).optional().describe('sessions served at a time, 1 to 10000 (left out: 64)'),
      sessionsPerPeer: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe('sessions served at a time to one peer, 1 to 10000 (left out: 4)'),
      bundleInputBytes: z
        .number()
        .int()
        .min(2 ** 20)
        .max(2 ** 40)
        .optional()
        .describe('bytes of activations that a session served may have until it is proved, from 1048576 (left out: 1 GiB)'),
      threads: z
        .number()
        .int()
        .min(0)
        .max(256)
        .optional()
        .describe(
          'worker threads for commitments and proofs, 0 to 256 (left out: one less than cores; 0: none, all is done in one thread)'
        ),
      verifierShare: z
        .number()
        .gt(0)
        .max(1)
        .optional()
        .describe('the part of the threads’ time that verifying announced bundles may take, a number above 0, at most 1 (left out: 0.5)')
    })
    .optional()
    .describe('an object of limits, such as { "sessions": 64 }')
})

/** One layer of settings: every key may be missing. */
export type SettingsLayer = z.infer<typeof settingsSchema>
export type AdapterSettings = z.infer<typeof adapterSchema>

/** All layers together, over the defaults. */
export interface Settings {
  roles: NonNullable<SettingsLayer['roles']>
  listen: string[]
  announce: string[]
  bootstrap: string[]
  network: { privateAddresses: boolean; advertiseUser: boolean; follow?: string[] | undefined }
  /** Its token is no setting: it is in `tokenFile`, or in the environment alone (ZKLORA_HTTP_TOKEN). */
  http: { enabled: boolean; host: string; port: number; tokenFile?: string | undefined }
  models: Record<string, string>
  adapters: AdapterSettings[]
  generation: NonNullable<SettingsLayer['generation']> & { maxNewTokens: number }
  keepRows: boolean
  limits: NonNullable<SettingsLayer['limits']>
}

export const DEFAULTS: Settings = {
  /** Every node verifies unless it is switched off; a user costs nothing until it is used. */
  roles: ['user', 'verifier'],
  /** Port 0: the system picks a free one. A bootstrap sets its own so that others can be told. */
  listen: ['/ip4/0.0.0.0/tcp/0'],
  announce: [],
  bootstrap: [],
  network: { privateAddresses: false, advertiseUser: false },
  /** Off, since several nodes may run on one machine. Port 4080 has no other well-known use. */
  http: { enabled: false, host: '127.0.0.1', port: 4080 },
  models: {},
  adapters: [],
  generation: { maxNewTokens: 64 },
  /** Off: a prompt can be read from activations. */
  keepRows: false,
  limits: {}
}

/** Later layers win; objects are joined key by key, lists are replaced as a whole. */
export function mergeSettings(layers: readonly SettingsLayer[]): Settings {
  let merged: Settings = DEFAULTS
  for (const layer of layers) {
    merged = {
      ...merged,
      ...layer,
      network: { ...merged.network, ...layer.network },
      http: { ...merged.http, ...layer.http },
      models: { ...merged.models, ...layer.models },
      generation: { ...merged.generation, ...layer.generation },
      limits: { ...merged.limits, ...layer.limits }
    }
  }
  return merged
}
