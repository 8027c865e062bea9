/** Inputs of protocols/adapter/vectors.json: three modules in two groups. */
import { fromHex } from '../../../src/bytes.js'
import { publicKeyOf, signDelegation } from '../../../src/proof/index.js'
import { makeAdapter, SHAPES } from '../../proof/fixture.js'
import { ADAPTER, type Registration } from '../adapter.js'
import { evaluate, hexed, ref } from '../case.js'
import { drawer, type Named } from './draw.js'
import { FORGED_MANIFESTS, UNUSUAL_MANIFEST } from './forged-manifests.js'
import { smallRegistration } from './small.js'

const { hex } = drawer('adapter')
export const quantized = makeAdapter('zklora vectors v1', SHAPES, 12)
export const owner = hex()
const dimensions = [
  ['hidden_size', 128],
  ['num_hidden_layers', 3],
  ['vocab_size', 2 ** 33]
]
const baseInput = { name: 'tests/tiny', modelType: 'llama', dimensions, tokens: ['<s>', '', 'a', 'é', ' th'], merges: ['t h', 'th e'] }
export const base = evaluate(ADAPTER, { kind: 'baseModel', input: baseInput }).output as string
export const registration = hexed({
  name: 'tiny',
  base,
  ownerSeed: owner,
  secret: hex(),
  salt: hex(),
  fresh: hex(),
  adapter: quantized
}) as Registration
export const { manifest, identifier } = evaluate(ADAPTER, { kind: 'manifest', input: registration }).output as {
  manifest: string
  identifier: string
}
export const replica = hex()
export const replicaKey = publicKeyOf(fromHex(replica))
export const delegation = signDelegation(fromHex(owner), {
  adapter: fromHex(identifier),
  key: replicaKey,
  expiry: 1_800_000_000n,
  share: 4096n
})
const signedFor = { owner: publicKeyOf(fromHex(owner)), adapter: identifier, key: replicaKey }
const delegationHex = evaluate(ADAPTER, { kind: 'delegation', input: hexed({ ownerSeed: owner, ...signedFor, ...delegation }) })
  .output as string
const end = manifest.length / 2
const manifestChanges = {
  version: [4, 2],
  'owner key': [5, 1],
  'activation bits': [87, 16],
  'last byte': [end - 1, 1],
  'a scalar above ℓ': [end - 1, 0x80]
}

export const [TINY, SMALL] = ['manifest of three modules in two groups', 'manifest of a small adapter']
export const manifestOf = (name: string) => ref(name, 'output', 'manifest')

export const ADAPTER_CASES: readonly Named[] = [
  ['baseModel', 'base model identifier', baseInput],
  ['baseModel', 'base model identifier without merges', { ...baseInput, merges: [] }],
  ['baseModelFiles', 'base model identifier of a folder: Llama', { folder: 'config/demo/models/novels-llama' }],
  ['baseModelFiles', 'base model identifier of a folder: GPT-2', { folder: 'config/demo/models/novels-gpt2' }],
  ['baseModelFiles', 'base model identifier of a folder by another name', { folder: 'config/demo/models/novels-gpt2', name: 'a/b' }],
  ['scales', 'hash of scales', { salt: hex(), scales: [0.5, 2 ** -10, 1e-7] }],
  ['content', 'content digest', { base, adapter: quantized }],
  ['manifest', TINY!, registration],
  ['manifest', SMALL!, smallRegistration],
  ['certificate', 'certificate of 12 bits', { registration: ref(TINY!, 'input'), module: 1 }],
  ...[0, 1, 2].map((module): Named => [
    'certificate',
    `certificate of 4 bits: module ${module}`,
    { registration: ref(SMALL!, 'input'), module }
  ]),
  ['manifestBytes', 'manifest verified', { manifest: manifestOf(TINY!), change: {} }],
  ['manifestBytes', 'manifest verified: names differ by bytes alone', { manifest: UNUSUAL_MANIFEST, change: {} }],
  ...Object.entries(FORGED_MANIFESTS).map(([name, bytes]): Named => [
    'manifestBytes',
    `manifest refused: ${name}`,
    { manifest: bytes, change: {} }
  ]),
  ...Object.entries(manifestChanges).map(([name, xor]): Named => [
    'manifestBytes',
    `manifest changed: ${name}`,
    { manifest: manifestOf(TINY!), change: { xor } }
  ]),
  ['manifestBytes', 'manifest cut', { manifest: manifestOf(TINY!), change: { cut: end - 1 } }],
  ['manifestBytes', 'manifest with a byte behind it', { manifest: manifestOf(TINY!), change: { append: '00' } }],
  ['delegation', 'delegation', { ownerSeed: owner, ...signedFor, expiry: delegation.expiry, share: delegation.share }],
  ['delegationBytes', 'delegation accepted', { ...signedFor, delegation: delegationHex }],
  ['delegationBytes', 'delegation for another key', { ...signedFor, key: hex(), delegation: delegationHex }]
]
