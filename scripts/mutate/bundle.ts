/** The session proof: statement, transcript, equations, opened rows, proof files (session-proof, sections 5 to 7; protocols/bundle). */
import { changes, instead, never, without } from './mutation.js'

const VECTORS = ['attack/bounds', 'vectors/bundle']

export const BUNDLE = [
  ...changes(
    'src/proof/rows/context.ts',
    VECTORS,
    never('a context of another version is refused', 'version !== VERSION'),
    never('two keys of one session differ', 'equal(context.userKey, context.contributorKey)'),
    never('a context allows rows', 'rows < 1'),
    never('groups of a context rise', 'i > 0 && group <= groups[i - 1]!'),
    never('flags are 0 or 1', 'flag > 1'),
    instead(
      'the session identifier covers the context',
      'hash(LABELS.session, utf8(SESSION_PROTOCOL), contextBytes)',
      'hash(LABELS.session, utf8(SESSION_PROTOCOL))'
    )
  ),
  ...changes('src/proof/rows/context.ts', ['proof/encodings'], never('groups of a context are bounded', 'count > FORMAT_LIMITS.groups')),
  ...changes(
    'src/proof/bundle/decode.ts',
    VECTORS,
    never('a bundle of another version is refused', 'version !== BUNDLE_VERSION'),
    never('the context names this adapter', '!equal(context.adapter, manifest.id)'),
    never('the context names the manifest’s base model', '!equal(context.base, manifest.base)'),
    never(
      'the context has the manifest’s bits',
      'context.activationBits !== manifest.activationBits || context.weightBits !== manifest.weightBits'
    ),
    never('the context names groups of the manifest', 'last >= manifest.groups.length'),
    never('rows of a bundle are bounded', 'end - start > FORMAT_LIMITS.bundleRows'),
    never('e is at most the rows of the context', 'end > context.rows'),
    never('nothing is allocated for rows that cannot be there', '(end - start) * POINT_BYTES > cursor.remaining'),
    without('a bundle has no trailing bytes', '  cursor.end()\n')
  ),
  ...changes('src/proof/bundle/decode.ts', ['attack/encodings'], never('s is below e', 'start >= end')),
  ...changes(
    'src/proof/bundle/decode.ts',
    ['proof/bundle'],
    never('bytes of a bundle are bounded', 'bytes.length > FORMAT_LIMITS.bundleBytes')
  ),
  ...changes(
    'src/proof/bundle/pattern.ts',
    VECTORS,
    never('varints are shortest', 'byte === 0 && i > 0'),
    never('a step of the pattern has rows', 'repeat < 1 || step.count < 1'),
    never('the pattern has no more rows than the bundle', 'repeat * step.count > total - rows.length'),
    never('equal steps are one', 'before !== undefined && same(step, before)'),
    never('the pattern names groups of the context', '!known.has(next.group)'),
    never('positions are u32', 'next.position < 0 || next.position + next.count > POSITION_BOUND'),
    never('runs that continue are one', 'rows.length > 0 && continues(next, run)')
  ),
  ...changes(
    'src/proof/bundle/verify.ts',
    VECTORS,
    without('scalars of a bundle are below ℓ', 'kernel.checkScalars(scalarsOf(bundle.proof))'),
    never('without delegation the key is the owner’s', '!equal(contributorKey, owner)'),
    never('no delegation to the owner’s own key', 'equal(contributorKey, owner)'),
    never('a delegation is signed by the owner for adapter and key', '!verifyDelegation(owner, id, contributorKey, delegation)'),
    never('a delegation is not over', 'started > delegation.expiry'),
    never('a tail counts e to the context’s rows', 'tail.rows < end || tail.rows > context.rows'),
    instead('a tail counts at least e', 'tail.rows < end || tail.rows > context.rows', 'tail.rows > context.rows'),
    instead('a tail counts at most the context’s rows', 'tail.rows < end || tail.rows > context.rows', 'tail.rows < end'),
    never('both tails are signed', '!verifyTail({ publicKey, role, session, tail })'),
    instead('the user’s tail is signed', "['user', 'contributor']", "['contributor']"),
    instead('the contributor’s tail is signed', "['user', 'contributor']", "['user']"),
    never('no point is the identity', 'identity !== -1'),
    without('equation 7: the product in clear', "checkInnerProduct(kernel, proof, challenges, 'inner product')"),
    never('equations 1 to 6', '!equationsHold(kernel, random, [prepared])')
  ),
  ...changes(
    'src/proof/bundle/verify.ts',
    ['proof/bundle'],
    instead('a batch passes only when its equations hold', 'const all = equationsHold(kernel, random, candidates)', 'const all = true'),
    instead('bundles of a file pass only when their equations hold', 'if (equationsHold(kernel, random, prepared))', 'if (true)'),
    instead('a session is whole only from row 0', 'whole: complete && start === 0', 'whole: complete'),
    instead('a session is whole only when closed by both', 'closed && rows === end', 'rows === end'),
    instead('a session is whole only without rows after it', 'closed && rows === end', 'closed')
  ),
  ...changes(
    'src/proof/bundle/equations.ts',
    VECTORS,
    instead('equation 1: W', "[of('ew', ONE), of('w', c)])", '[Q(answers.z), H(answers.zOmega)])'),
    instead('equation 3: V', "[of('ev', ONE), of('v', c)])", '[U(kernel.innerProduct(concat(gammaOf), answers.z)), H(answers.zNu)])'),
    instead('equation 2: rows', "of('s', by(c, rowWeights)), ", '')
  ),
  ...changes(
    'src/proof/argument/equations.ts',
    VECTORS,
    instead('equation 4: x', '  combination.equation([bases.x(sX), H(maskAnswers.zetaX)],', '  void ([bases.x(sX), H(maskAnswers.zetaX)],'),
    instead('equation 5: a', '  combination.equation([bases.a(sA), H(maskAnswers.zetaA)],', '  void ([bases.a(sA), H(maskAnswers.zetaA)],'),
    instead(
      'equation 6: the value',
      "combination.equation(\n    [combination.generators('U', maskAnswers.tau)",
      "void (\n    [combination.generators('U', maskAnswers.tau)"
    )
  ),
  ...changes(
    'src/proof/combination.ts',
    ['attack/messages', ...VECTORS],
    instead(
      'every equation has its own weight',
      'const weight = randomWeights(this.random, 1)',
      'const weight = Uint8Array.of(1, ...new Uint8Array(31))'
    ),
    instead(
      'the sum is compared with the identity',
      'this.kernel.indexOfIdentity(this.kernel.msm(coefficients, points)) === 0',
      'this.kernel.msm(coefficients, points).length === 1'
    )
  ),
  ...changes(
    'src/proof/bundle/challenges.ts',
    ['attack/transcript'],
    without('the context is absorbed', "transcript.append('context', statement.contextBytes)"),
    without('the session identifier is absorbed', "transcript.append('session', statement.session)"),
    without('s and e are absorbed', "transcript.append('range', concat([u32(statement.start), u32(statement.end)]))"),
    without('the public hash at s is absorbed', "transcript.append('public-s', statement.publicStart)"),
    without('the public hash at e is absorbed', "transcript.append('public-e', statement.publicEnd)"),
    without('the user’s tail is absorbed', "transcript.append('user-tail', encodeTail(statement.userTail))"),
    without('the contributor’s tail is absorbed', "transcript.append('contributor-tail', encodeTail(statement.contributorTail))"),
    without('W is absorbed', "transcript.append('W', w)"),
    without('P is absorbed', "transcript.appendPacked('P', p)"),
    without('V is absorbed', "transcript.append('V', v)"),
    without('E_W is absorbed', "transcript.append('EW', ew)"),
    without('E_D is absorbed', "transcript.append('ED', ed)"),
    without('E_V is absorbed', "transcript.append('EV', ev)"),
    without('the answers z are absorbed', "transcript.appendPacked('z', z)")
  ),
  ...changes(
    'src/proof/argument/challenges.ts',
    ['attack/transcript'],
    ...['TL', 'TR'].map(name => without(`${name} is absorbed`, `transcript.append('${name}', ${name.toLowerCase()})`)),
    ...['DX', 'DA', 'T0', 'T1'].map(name => without(`${name} is absorbed`, `transcript.append('${name}', ${name.toLowerCase()})`)),
    ...['A1', 'A2', 'A3', 'A4', 'c1', 'c2'].map(name =>
      without(`${name} is absorbed`, `transcript.append('${name}', ${name.toLowerCase()})`)
    ),
    without('odd entries of x are absorbed', "transcript.append('odd-x', x)"),
    without('odd entries of a are absorbed', "transcript.append('odd-a', a)"),
    without('τ is absorbed', "transcript.append('tau', tau)")
  ),
  ...changes(
    'src/proof/rows/tail.ts',
    ['attack/transcript', 'attack/context', 'attack/encodings'],
    instead('a tail is signed for one role', 'return [utf8(role), session,', 'return [session,'),
    instead('a tail is signed for one session', 'return [utf8(role), session, counts', 'return [utf8(role), counts'),
    instead('a tail covers its counts', 'session, counts, tail.publicHash', 'session, tail.publicHash'),
    instead('a tail covers the rows', 'counts, tail.publicHash, tail.privateHash', 'counts, tail.privateHash'),
    instead('a tail covers the messages', 'tail.publicHash, tail.privateHash]', 'tail.publicHash]'),
    instead(
      'the running hash covers what came before',
      'hash(LABELS.publicRow, running, encodeRow(row))',
      'hash(LABELS.publicRow, encodeRow(row))'
    ),
    instead(
      'the running hash covers number, group, position and S',
      'concat([u32(number), u16(group), u32(position), s])',
      'concat([u32(number), s])'
    )
  ),
  ...changes(
    'src/proof/rows/delegation.ts',
    ['attack/context', 'attack/encodings', 'session/terms'],
    instead(
      'a delegation is for one adapter',
      'LABELS.signDelegation, adapter, key, u64(expiry), u64(share))\n}',
      'LABELS.signDelegation, key, u64(expiry), u64(share))\n}'
    ),
    instead(
      'a delegation is for one key',
      'verifySignature(owner, signature, LABELS.signDelegation, adapter, key,',
      'verifySignature(owner, signature, LABELS.signDelegation, adapter,'
    )
  ),
  ...changes(
    'src/proof/bundle/opening.ts',
    ['proof/opening', 'attack/openings'],
    never('an opening is checked with its adapter’s manifest', '!equal(manifest.id, proof.adapter)'),
    without('υ is below ℓ', 'kernel.checkScalars(row.upsilon)'),
    never('an opening’s version is known', 'version !== VERSION'),
    never(
      'an opening is of this session and these rows',
      '!equal(session, proof.session) || place.start !== start || place.rows !== end - start'
    ),
    never('an opened row is in the range', 'place.number < start || place.number >= end'),
    never('an opened row is of a group of the manifest', 'shape === undefined'),
    never('an opened row has the group’s widths', 'count !== width'),
    never('a path has the length of its place', 'claimed !== length'),
    without('an opening has no trailing bytes', '  cursor.end()\n'),
    never('opened inputs are in range', 'input !== -1'),
    never('opened outputs are integers within their bound', 'wrong !== -1'),
    instead('−0 is refused', ' && !Object.is(value, -0)', ''),
    instead('opened outputs are integers', 'Number.isInteger(value) && ', ''),
    instead('opened outputs are bounded', ' && Math.abs(value) <= most', ''),
    never(
      'an opened row is the one in the root',
      '!equal(rootFromPath(session, { start, rows, row: { number, group, position, s } }, path), proof.root)'
    )
  ),
  ...changes(
    'src/proof/bundle/merkle.ts',
    ['attack/openings'],
    instead('the root covers session, s and count', 'hash(LABELS.root, session, u32(start), u32(rows), top)', 'hash(LABELS.root, top)')
  ),
  ...changes(
    'src/proof/bundle/row-file.ts',
    ['proof/row-file'],
    never('a row file is one', '!isRowFile(bytes)'),
    never('a row file’s version is known', 'version !== VERSION'),
    never('a row is of a bundle of its file', 'proof === undefined'),
    instead('a row is opened from the bundle that it names', 'proofs.find(each => each.start === start)', 'proofs.at(-1)'),
    instead(
      'a row file’s opening is checked',
      'return checkOpening({ kernel, manifest, proof, opening })',
      'return { ...proof, group: 0, x: [], y: [] }'
    )
  ),
  ...changes(
    'src/proof/bundle/file.ts',
    ['proof/bundle'],
    never('a proof file is one', '!equal(bytes.subarray(0, MAGIC.length), MAGIC)'),
    never('a proof file’s version is known', 'version !== VERSION'),
    never('a proof file has a bundle', 'count === 0'),
    never('parts of a proof file are bounded', 'length > most'),
    never('a proof file is bounded', 'bytes > FORMAT_LIMITS.proofFileBytes'),
    never('bundles of a file are of one session', '!equal(next.session, before.session)'),
    never('bundles of a file have no gap', 'next.start !== before.end'),
    never('the running hash goes on between bundles', '!equal(next.publicStart, before.publicEnd)'),
    never('no rows follow a closed tail', 'before.closed'),
    never('later tails count as many rows', 'next.rows < before.rows')
  )
]
