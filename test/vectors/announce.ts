/** Cases of protocols/announce. */
import { fromHex } from '../../src/bytes.js'
import { adapterKey, roleKey, topicKey } from '../../src/net/index.js'
import { gossipMessageId, topicOf } from '../../src/net/announce/topics.js'
import { decodeManifest, publicKeyOf, sign, verify, verifyManifest } from '../../src/proof/index.js'
import { checkStatement } from '../../src/store/statement.js'
import {
  ANNOUNCEMENT_LABEL,
  announcementHash,
  checkChain,
  checkSignatures,
  feedId,
  openAnnouncement,
  readAnnouncement,
  RECEIPT_LABEL
} from '../../src/store/index.js'
import {
  announcedOwner,
  decodeStatement,
  encodeAnnouncement,
  encodeStatement,
  encodeUnsigned,
  type Statement
} from '../../src/wire/announcement.js'
import { nobleKernel } from '../../src/kernel/index.js'
import { seeded } from '../proof/fixture.js'
import { changed, type Change } from './adapter.js'

type Hex = string

/** Fields in JSON; numbers of 64 bits are text. */
export type JsonStatement = { readonly [Field in keyof Statement]: Statement[Field] extends number ? number : Hex }

export interface JsonAnnouncement {
  statement: JsonStatement
  /** Absent: no receipt. */
  userSeed?: Hex
  contributorSeed: Hex
  delegation?: { owner: Hex; expiry: string; share: string; signature: Hex }
  time: string
  index: string
  previous: Hex
  holder: Hex
}

function statementOf(json: JsonStatement): Statement {
  const { start, end, length, ...bytes } = json
  const fields = Object.fromEntries(Object.entries(bytes).map(([name, hex]) => [name, fromHex(hex)]))
  return { ...fields, start, end, length } as unknown as Statement
}

/** An announcement's bytes, whatever is wrong in them. */
export function announcementOf({ userSeed, contributorSeed, delegation, ...json }: JsonAnnouncement): Uint8Array {
  const statement = statementOf(json.statement)
  const unsigned = {
    statement,
    receipt: userSeed === undefined ? null : sign(fromHex(userSeed), RECEIPT_LABEL, encodeStatement(statement)),
    delegation:
      delegation === undefined
        ? null
        : {
            owner: fromHex(delegation.owner),
            expiry: BigInt(delegation.expiry),
            share: BigInt(delegation.share),
            signature: fromHex(delegation.signature)
          },
    time: BigInt(json.time),
    index: BigInt(json.index),
    previous: fromHex(json.previous),
    holder: fromHex(json.holder)
  }
  return encodeAnnouncement({ ...unsigned, signature: sign(fromHex(contributorSeed), ANNOUNCEMENT_LABEL, encodeUnsigned(unsigned)) })
}

const kernel = nobleKernel()
const random = seeded('vectors')

export const ANNOUNCE = {
  statement: (input: JsonStatement) => {
    const bytes = encodeStatement(statementOf(input))
    decodeStatement(bytes)
    return bytes
  },
  receipt: ({ userSeed, statement }: { userSeed: Hex; statement: Hex }) => ({
    userKey: publicKeyOf(fromHex(userSeed)),
    receipt: sign(fromHex(userSeed), RECEIPT_LABEL, fromHex(statement))
  }),
  announcement: (input: JsonAnnouncement) => {
    const bytes = announcementOf(input)
    const { announcement, feed } = readAnnouncement(bytes)
    return { announcement: bytes, hash: announcementHash(bytes), feed, topic: topicOf(announcement.statement.base) }
  },
  announcementBytes: ({ announcement, change }: { announcement: Hex; change: Change }) => {
    const read = readAnnouncement(changed(fromHex(announcement), change))
    const { statement, receipt, delegation, time, index, previous, holder } = read.announcement
    const facts = { owner: announcedOwner(read.announcement), hasReceipt: receipt !== null, hasDelegation: delegation !== null }
    return { feed: read.feed, hash: read.hash, statement, ...facts, time, index, previous, holder }
  },
  /** Of an announcement whose signatures hold. */
  fits: ({ announcement, manifest, bundle }: { announcement: Hex; manifest: Hex; bundle: Hex }) => {
    const verified = verifyManifest({ kernel, manifest: decodeManifest(fromHex(manifest)), random })
    const proof = verify({ kernel, manifest: verified, bundle: fromHex(bundle), random })
    checkStatement(readAnnouncement(fromHex(announcement)).announcement, proof)
    return {}
  },
  feed: ({ contributorKey, adapter }: { contributorKey: Hex; adapter: Hex }) => feedId(fromHex(contributorKey), fromHex(adapter)),
  feedRange: ({ announcements, from }: { announcements: Hex[]; from: string }) => {
    const bytes = announcements.map(fromHex)
    const range = checkChain(bytes, openAnnouncement(bytes[0]!).feed, BigInt(from))
    for (const read of range) checkSignatures(read)
    return range.map(({ hash }) => hash)
  },
  topic: ({ base }: { base: Hex }) => topicOf(fromHex(base)),
  gossipMessage: ({ topic, data }: { topic: string; data: Hex }) => gossipMessageId(topic, fromHex(data)),
  dhtKey: ({ for: of, value }: { for: 'contributor' | 'user' | 'adapter' | 'topic'; value: string }) => {
    const cid = dhtKey(of, value)
    return { cid: cid.bytes, multihash: cid.multihash.bytes, text: cid.toString() }
  }
}

function dhtKey(of: 'contributor' | 'user' | 'adapter' | 'topic', value: string): ReturnType<typeof topicKey> {
  if (of === 'topic') return topicKey(value)
  return of === 'adapter' ? adapterKey(fromHex(value)) : roleKey(of, fromHex(value))
}
