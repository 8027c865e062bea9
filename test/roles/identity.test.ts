import test from 'ava'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { chmod, readFile, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { InvalidInputError } from '../../src/errors.js'
import { loadIdentity } from '../../src/roles/identity.js'
import { temporaryFolder } from '../daemon/folders.js'

test('the key is made once, in a file that only its owner may read', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'peer.key')
  const first = await loadIdentity(file)
  t.true(first.made)
  t.is((await stat(file)).mode & 0o777, 0o600)
  t.deepEqual(await readdir(folder), ['peer.key'])
  const second = await loadIdentity(file)
  t.false(second.made)
  t.true(peerIdFromPrivateKey(first.key).equals(peerIdFromPrivateKey(second.key)))
})

test('a key file that others may read is refused, with the remedy', async t => {
  const file = join(await temporaryFolder(t), 'peer.key')
  await loadIdentity(file)
  for (const mode of [0o640, 0o604, 0o660]) {
    await chmod(file, mode)
    await t.throwsAsync(loadIdentity(file), {
      instanceOf: InvalidInputError,
      message: new RegExp(`has mode 0${mode.toString(8)}.*chmod 600`)
    })
  }
})

test('a file that holds no Ed25519 key is refused without showing what it holds', async t => {
  const file = join(await temporaryFolder(t), 'peer.key')
  const rsa = Buffer.from(privateKeyToProtobuf(await generateKeyPair('secp256k1'))).toString('base64')
  for (const text of ['', 'c2VjcmV0', 'hunter2 hunter2', rsa]) {
    await writeFile(file, text, { mode: 0o600 })
    const error = await t.throwsAsync(loadIdentity(file), { instanceOf: InvalidInputError, message: /holds no Ed25519 key/ })
    if (text !== '') t.false(error!.message.includes(text))
  }
  await writeFile(file, 'x'.repeat(5000))
  await t.throwsAsync(loadIdentity(file), { message: /has 5000 bytes/ })
})

test('a key file that is half a key is not made: two starts at once agree', async t => {
  const file = join(await temporaryFolder(t), 'peer.key')
  const { key } = await loadIdentity(file)
  t.is((await readFile(file, 'utf8')).trim(), Buffer.from(privateKeyToProtobuf(key)).toString('base64'))
})

test('a key file that cannot be read or made is named', async t => {
  const folder = await temporaryFolder(t)
  await writeFile(join(folder, 'file'), '')
  await t.throwsAsync(loadIdentity(join(folder, 'file', 'peer.key')), {
    instanceOf: InvalidInputError,
    message: /cannot be read \(ENOTDIR: /
  })
  await t.throwsAsync(loadIdentity(join(folder, 'none', 'peer.key')), { message: /cannot be made \(ENOENT: / })
})
