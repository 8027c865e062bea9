/** Session, announcements, feeds, fetch (session-proof, section 5; protocols/session, announce, fetch). */
import { changes, instead, never, without } from './mutation.js'

export const NETWORK = [
  ...changes(
    'src/session/ledger.ts',
    ['session/attacks/lying-contributor', 'session/attacks/lying-user', 'attack/floods'],
    instead('counts of a tail do not fall and are possible', 'value < least || value > most', 'false'),
    never(
      'no tail goes on after closing',
      'last.closed && (!tail.closed || tail.accepted !== last.accepted || batch.commitments.length > 0)'
    ),
    never('a tail is about these messages', '!equal(expected, tail.privateHash)'),
    never('a tail is signed', '!verifyTail({ publicKey, role, session, tail })'),
    never('a tail is about these rows', '!equal(publicHash, this.publicChain.at(accepted))')
  ),
  ...changes(
    'src/session/user.ts',
    ['session/attacks/lying-contributor'],
    never(
      'an answering batch covers the rows of the user’s',
      'sent === undefined || sent.firstRow !== batch.firstRow || rowsOf(sent) !== rowsOf(batch)'
    ),
    never('the contributor’s batch has blindings', 'batch.blindings.length !== batch.commitments.length'),
    never(
      'the contributor closes when the user does, with all rows',
      'closed !== closes || (closed && (accepted !== this.answeredRows || rows !== this.answeredRows))'
    ),
    instead(
      'a proof comes once, after the end',
      'if (this.ledger.peerTail?.closed !== true || this.offered !== undefined) this.unexpected(message)\n',
      '\n'
    ),
    never('a proof covers all rows', 'proof.start !== 0 || proof.end !== this.answeredRows'),
    without('an announcement comes after the receipt', 'if (!this.receipted) this.unexpected(message)')
  ),
  ...changes(
    'src/session/user.ts',
    ['attack/receipts'],
    ...[
      'equal(proof.session, this.id)',
      'proof.start === 0',
      'proof.end === this.answeredRows',
      'proof.whole',
      'equal(proof.publicEnd, ledger.publicChain.head)',
      'equal(proof.root, merkleRoot(this.id, this.rows))',
      'equal(proof.root, offered.root)',
      'equal(proof.digest, offered.digest)',
      'proof.bundleBytes === offered.length',
      'equal(proof.userTail.signature, ledger.ownTail!.signature)',
      'equal(proof.contributorTail.signature, ledger.peerTail!.signature)'
    ].map(condition => instead(`a receipt is given only if ${condition}`, condition, 'true'))
  ),
  ...changes(
    'src/session/contributor.ts',
    ['session/attacks/lying-user', 'attack/floods'],
    never('nothing comes before begin', "!this.begun && message.kind !== 'begin'"),
    without('terms are signed once', 'if (this.begun) this.unexpected(message)'),
    without('begin is signed', 'checkBegin(this.terms, message.value.signature)'),
    never('no rows after the end', 'this.ledger.peerTail?.closed === true'),
    never('the user’s batches have no gap', 'batch.firstRow !== this.userCommitted'),
    never('the user’s batch has no blindings', 'batch.blindings.length > 0'),
    never('the user commits to answered rows only', 'this.userCommitted + count > this.answered'),
    never('a batch without rows closes, and only one does', 'closedBefore || (count === 0 && !closed)'),
    never(
      'the user closes with all rows accepted',
      'closed && (count > 0 || accepted !== rows || rows !== this.answered || this.requests.length > 0)'
    ),
    never('a receipt is signed', '!verifySignature(userKey, signature, LABELS.signReceipt, encodeStatement(this.statement!))'),
    instead(
      'a receipt comes once, after the proof',
      'if (this.statement === undefined || this.answer !== undefined) this.unexpected(message)',
      ''
    )
  ),
  ...changes(
    'src/session/contributor.ts',
    ['attack/floods', 'session/bounds'],
    never('rows outstanding are bounded', 'this.open.length > outstandingRows'),
    instead('bytes outstanding are bounded', 'this.outstandingBytes > Number(outstandingBytes) ?', 'false ?'),
    without('rows are reserved before their answer', 'await this.init.reserve(index, count)')
  ),
  ...changes(
    'src/session/contributor.ts',
    ['session/cancel'],
    never('cancels of a session are bounded', '++this.cancels > NET_LIMITS.cancelsPerSession')
  ),
  ...changes(
    'src/session/contributor.ts',
    ['session/settling', 'roles/contributor', 'roles/settling/rests'],
    instead(
      'rows of a batch that was not written down are settled',
      'this.keptAccepted = firstRow + count',
      'this.keptAccepted = Infinity'
    ),
    instead('a row that waits for settling keeps itself alone', 'x: x.slice()', 'x'),
    instead('who has closed is promised nothing more', ' || this.bothClosed ? 0', ' ? 0')
  ),
  ...changes(
    'src/session/open-rows.ts',
    ['session/bounds'],
    instead('a user has a bound of its own', 'Math.min(accept.outstandingRows, NET_LIMITS.outstandingRows)', 'accept.outstandingRows')
  ),
  ...changes(
    'src/roles/contributor.ts',
    ['roles/contributor'],
    without('what is promised while sessions are accepted counts', 'this.promisedBytes += bytes'),
    instead('memory is asked for with the place', 'wanted: bytes()', 'wanted: 0')
  ),
  ...changes(
    'src/net/session/slots.ts',
    ['net/slots'],
    instead('a host with more gives way', 'theirs - gives >= ours + wanted', 'false'),
    instead('a host that keeps less does not', 'theirs - gives >= ours + wanted', 'true'),
    instead('who has fewer is not pushed out for being idle', '(isIdle && theirs > ours)', 'isIdle'),
    never('pushing out has a bound for each host', 'others > 0 && !this.takeovers.isOpen(host, now, others)'),
    instead('of one host the peers are told apart', "other.host === slot.host ? 'peer' : 'host'", "'host'")
  ),
  ...changes(
    'src/session/contributor.ts',
    ['session/bounds'],
    instead('rows answered are progress', 'this.answered += count\n    this.listener?.progressed()', 'this.answered += count'),
    instead('rows accepted are progress', 'this.batchesOpening--\n    this.listener?.progressed()', 'this.batchesOpening--')
  ),
  ...changes(
    'src/roles/settling/contributor.ts',
    ['roles/settling/twice'],
    without('a session is settled over one stream at a time', 'if (this.busy.has(id)) throw new RefusalError(CODE.busy, BUSY_RETRY)'),
    never('rows that are settled count as held', '!this.init.hasRoom(bytes)'),
    instead('who settles and does not end it gains no time', 'this.due.get(id) ?? now', 'now'),
    instead('a journal has one receipt of a bundle', 'if (receipt === undefined) await', 'await')
  ),
  ...changes(
    'src/session/settle/message.ts',
    ['session/settle-attacks'],
    never('settle is signed for this stream', '!verifySignature(key, settle.signature, LABELS.signSettle, ...items(signed, settle))'),
    never('counts of settle are possible', 'contributorRows > userRows || Math.max(rows, userRows) > context.rows')
  ),
  ...changes(
    'src/session/settle/user.ts',
    ['session/settle-attacks'],
    never(
      'a contributor settles with what the user opened, and not more than it sent',
      'settle.contributorRows < this.accepted || settle.userRows > this.committed'
    ),
    never('a batch without rows closes the settling, and only one does', 'this.contributorClosed || tail.closed !== closes'),
    never(
      'a tail of the settling is signed',
      "!verifyTail({ publicKey: this.terms.context.contributorKey, role: 'contributor', session: this.id, tail })"
    ),
    never(
      'tails of the settling follow what was signed before',
      'tail.accepted < this.contributorAccepted || tail.rows > this.terms.context.rows'
    ),
    instead('the contributor closes with what the user accepted', 'if (tail.accepted < this.accepted)\n', 'if (false)\n'),
    never('a tail of the settling is about these rows', 'known !== undefined && !equal(known, tail.publicHash)'),
    never(
      'a batch of the settling answers one of the user’s',
      'sent === undefined || sent.firstRow !== firstRow || rowsOf(sent) !== count || blindings.length !== commitments.length'
    ),
    instead('a settling without the proof is none', 'this.accepted === 0 || this.offers.length > 0', 'true'),
    never('a proof of the settling goes on where the last ended', 'proof.start !== this.proved || proof.end > this.accepted'),
    instead(
      'a proof of the settling comes after the end, one at a time',
      'if (!this.closed || !this.contributorClosed || this.offers.length > this.announcements.length) this.unexpected(message)\n',
      '\n'
    ),
    without(
      'an announcement of the settling answers a receipt',
      'if (this.announcements.length >= this.receipts) this.unexpected(message)'
    ),
    ...[
      'equal(proof.root, offered.root)',
      'equal(proof.digest, offered.digest)',
      'proof.bundleBytes === offered.length',
      'proof.end === offered.end'
    ].map(condition => instead(`a receipt of the settling is given only if ${condition}`, condition, 'true'))
  ),
  ...changes(
    'src/session/settle/contributor.ts',
    ['session/settle-attacks', 'roles/settling/twice'],
    without('the user’s settle is checked', "checkSettle({ terms: this.terms, role: 'user', peers }, settle)"),
    without(
      'nothing comes after the user has closed the settling',
      "if (this.bothClosed) throw new ProtocolViolationError('a batch came after the user had closed')"
    ),
    never('the user’s batch covers open rows', 'batch.firstRow !== this.accepted || batch.firstRow + count > this.restorable'),
    instead('a batch of the user closes without rows', 'tail.closed !== closes ||', ''),
    instead('the user’s accepted rows do not fall', 'tail.accepted < last.accepted ||', ''),
    instead('the user accepts what was committed to', 'tail.accepted > this.accepted ||', ''),
    instead('the user’s rows do not fall', 'tail.rows < last.rows ||', ''),
    instead('the user’s rows are of the session', ' ||\n      tail.rows > context.rows', ''),
    never('the user’s batch of the settling has no blindings', 'batch.blindings.length > 0'),
    never('the user’s tail of the settling is signed', "!verifyTail({ publicKey: context.userKey, role: 'user', session: this.id, tail })"),
    never('the user’s tail of the settling is about these rows', 'known !== undefined && !equal(known, tail.publicHash)'),
    instead(
      'a receipt of the settling comes once, after the proof',
      'if (this.statement === undefined || this.answer !== undefined) this.unexpected(message)',
      ''
    ),
    instead(
      'a receipt of the settling is signed',
      'verifySignature(this.terms.context.userKey, signature, LABELS.signReceipt, encodeStatement(this.statement!))',
      'true'
    )
  ),
  ...changes(
    'src/net/frames.ts',
    ['net/frames', 'net/streams'],
    never('a frame is as long as may be', 'length > this.first'),
    never('a length is a varint, the shortest', 'byte >= MORE || (byte === 0 && this.bytes > 1)'),
    never('the end is between two frames', '!reader.isBetween')
  ),
  ...changes(
    'src/session/answers.ts',
    ['session/attacks/lying-user', 'session/bounds'],
    never('requests come in order', 'request !== this.next'),
    never('rows are of the session’s groups', '!context.groups.includes(group)'),
    never('rows of a session are bounded', 'this.asked + count > accept.rows'),
    never('requests in flight are bounded', 'this.requests.length >= accept.requests'),
    never('bytes in flight are bounded', 'this.bytes + x.length > NET_LIMITS.requestBytesInFlight')
  ),
  ...changes(
    'src/session/requests.ts',
    ['session/attacks/lying-contributor'],
    never('answers come in order', 'request?.id !== deltas.request'),
    never('rows are numbered in order', 'deltas.firstRow !== firstRow'),
    never('an answer has no more rows than asked for', 'deltas.count > request.count - answered')
  ),
  ...changes(
    'src/session/messages/packing.ts',
    ['session/packing', 'session/attacks/lying-contributor'],
    never('deltas have a width for each module', 'widths.length !== modules.length'),
    never('deltas have the bytes of their rows', 'y.length !== length'),
    never('deltas are within their bound', 'Math.max(most, -least) > bound'),
    never('deltas use the least width', 'widthOf(least, most) !== width')
  ),
  ...changes(
    'src/session/terms/terms.ts',
    ['session/terms'],
    never(
      'begin is the user’s signature',
      '!verifySignature(context.userKey, signature, LABELS.signBegin, session, peers.user, peers.contributor, hash)'
    ),
    never('terms are for this adapter', '!equal(manifest.id, open.adapter) || !equal(manifest.base, open.base)'),
    never('the contributor signs with the owner’s key', '!equal(context.contributorKey, manifest.owner)'),
    never('no delegation to the owner', 'equal(context.contributorKey, manifest.owner)'),
    never('the delegation is the owner’s', '!verifyDelegation(manifest.owner, manifest.id, context.contributorKey, delegation)'),
    never('the delegation is not over', 'context.started > delegation.expiry'),
    never('a session starts now', 'skew > STARTED_SKEW'),
    never('not more rows than asked for', 'accept.rows > open.rows'),
    without('scales are the manifest’s', 'checkScales(manifest, accept.salt, scales)'),
    never(
      'terms are signed for both peers',
      '!verifySignature(accept.key, accept.signature, LABELS.signAccept, session, peers.contributor, peers.user, terms.hash)'
    ),
    never('a scale for each module', 'bytes.length !== modules * F64'),
    never('scales are finite and above zero', 'wrong !== undefined')
  ),
  ...changes(
    'src/session/messages/messages.ts',
    ['session/messages'],
    never('groups of open ascend', 'groups.some((group, i) => i > 0 && group <= groups[i - 1]!)'),
    never('counts and lengths of messages are bounded', 'value > most'),
    without('rows has a row', "if (count === 0) throw new MalformedMessageError('rows has no row')"),
    never('positions are u32', 'position + count > U32_END'),
    never('widths are 1 to 8', 'widths.some(width => width < 1 || width > F64)'),
    never('commitments are whole points', 'commitments.length % POINT !== 0'),
    without('blindings are none or one for each', "checkLength('batch.blindings', blindings, 0, commitments.length)"),
    never('a batch has a tail', 'tail === undefined'),
    never('a tail accepts no more rows than it counts', 'tail.accepted > tail.rows')
  ),
  ...changes(
    'src/wire/announcement.ts',
    ['wire/announcement', 'vectors/announce'],
    never('another version is not known', 'version !== VERSION'),
    never('s is below e', 'start >= end'),
    never('rows are bounded', 'end - start > FORMAT_LIMITS.bundleRows'),
    never('a bundle has bytes', 'length < 1'),
    never('a bundle’s length is bounded', 'length > FORMAT_LIMITS.bundleBytes'),
    never('flags are 0 or 1', 'value > 1'),
    never('no delegation to the owner', 'equal(delegation.owner, contributorKey)'),
    never('index 0 names none before it', 'index === 0n && !isFirst'),
    never('others name one', 'index > 0n && isFirst'),
    never('a holder has 1 to 42 bytes', 'length < 1 || length > HOLDER_BYTES'),
    never('a holder is a multihash', '!isMultihash'),
    never('an announcement is bounded', 'bytes.length > FORMAT_LIMITS.announcementBytes')
  ),
  ...changes(
    'src/store/feed.ts',
    ['vectors/announce', 'store/feeds'],
    never('a delegation is not over', 'delegation !== null && time / SECOND > delegation.expiry'),
    never('an announcement is signed', '!verifySignature(contributorKey, signature, ANNOUNCEMENT_LABEL, signedPart(bytes))'),
    never('a receipt is the user’s', 'receipt !== null && !verifySignature(userKey, receipt, RECEIPT_LABEL, encodeStatement(statement))'),
    never(
      'a delegation is the owner’s',
      'delegation !== null && !verifyDelegation(delegation.owner, statement.adapter, contributorKey, delegation)'
    ),
    never('a range is of one feed', '!equal(of, feed)'),
    never('a range has no gap', 'announcement.index !== index'),
    never('a range is a chain', '!equal(previous, before.hash)'),
    never('times of a feed do not fall', 'time < before.announcement.time')
  ),
  ...changes(
    'src/store/feeds.ts',
    ['store/feeds'],
    never('a feed keeps its base model', 'head !== undefined && head.base !== toHex(statement.base)'),
    never('an index has one announcement', 'there !== undefined'),
    never('an announcement follows the one before it', 'before !== undefined && !follows(openAnnouncement(before), read.announcement)'),
    never('an announcement fits the one after it', 'after !== undefined && !follows(read, openAnnouncement(after).announcement)'),
    never('times do not fall over a gap', 'head !== undefined && !fitsHead(read.announcement, head)'),
    never('what went is not taken again', 'this.isBefore(read, head)')
  ),
  ...changes(
    'src/net/announce/validator.ts',
    ['net/validator'],
    without('keys and signatures have their form', "if (wrong !== undefined) return reject('form', wrong)"),
    never('the topic is the base model’s', 'topic !== own'),
    never('the time is now', '!this.isTimely(announcement)'),
    never('what was seen is ignored', 'await this.view.hasAnnouncement(read.feed, announcement.index, read.hash)'),
    never('the owner is the manifest’s', 'owner !== undefined && owner !== toHex(announcedOwner(announcement))'),
    never('what was just accepted is ignored', 'this.recent.has(hash)'),
    never('a feed has a rate', '!this.feeds.isOpen(feed, now)'),
    never('an owner has a rate', '!this.owners.isOpen(owner, now)'),
    never('signature checks have a rate', '!this.checks.has(cost)'),
    never('a peer’s signature checks have a rate', '!ofPeer.has(cost, now)'),
    instead('signatures are checked', 'checkSignatures(read)\n    } catch', '} catch'),
    never('unknown adapters have a rate', "!this.unknown.isOpen('all', now)"),
    never('feeds of unknown adapters have a rate', '!this.unknownFeeds.isOpen(feed, now)')
  ),
  ...changes(
    'src/store/statement.ts',
    ['attack/announcement'],
    never('every field fits the bundle', 'wrong !== undefined'),
    never('an announcement is not before its session', 'started > time / MILLISECONDS + STARTED_SKEW'),
    instead('a delegation is the context’s', 'equal(ours, theirs)', 'true'),
    instead('the owner is the manifest’s', 'equal(announcedOwner(announcement), proof.owner)', 'true')
  ),
  ...changes(
    'src/net/fetch/incoming.ts',
    ['attack/bounds', 'vectors/fetch'],
    never('a length is bounded beforehand', 'length > most'),
    never('a length does not change', 'this.length !== undefined && this.length !== length'),
    never('an early end is an error', 'piece === undefined'),
    never('pieces are bounded', 'piece.length < 1 || piece.length > NET_LIMITS.fetchPieceBytes'),
    never('no more bytes than announced', 'received > length'),
    never('bytes fit their digest', '!equal(hash(DIGEST_LABELS[this.kind], bytes), this.digest)')
  ),
  ...changes(
    'src/net/fetch/lists.ts',
    ['vectors/fetch'],
    never('heads are of the topic', 'topicNumber(statement.base) !== topic'),
    never('heads are not older', 'time < since'),
    never('a feed has one head', 'feeds.has(toHex(read.feed))'),
    never('a catalogue is of the base model', 'wrong !== undefined')
  ),
  ...changes(
    'src/net/announce/checks.ts',
    ['net/fetch/fetch'],
    instead('fetched lists are signed', '      checkSignatures(read)', '      void checkSignatures')
  ),
  ...changes(
    'src/net/announce/index.ts',
    ['network/gossip-attacks'],
    instead('who floods is not listened to', 'addPenalty(name, PENALTY', 'addPenalty(name, 0')
  ),
  ...changes(
    'src/roles/catch-up.ts',
    ['network/catch-up'],
    never('heads of the future are not followed', 'announced > BigInt(time + NET_LIMITS.clockSkew)')
  ),
  ...changes(
    'src/net/fetch/messages.ts',
    ['vectors/fetch'],
    without('requests and lists are checked', 'if (!condition) throw new MalformedMessageError(what)'),
    without('lists have so many entries', "if (!condition) throw atLimit('feedAnnouncements', new MalformedMessageError(what))")
  )
]
