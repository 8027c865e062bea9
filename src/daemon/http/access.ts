/**
 * Who may speak to the HTTP server. Without a token it listens on loopback alone, and answers only requests that name a loopback host:
 * a page in the operator's browser whose name is made to resolve to 127.0.0.1 (DNS rebinding) sends its own name.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { InvalidInputError } from '../../errors.js'
import { readAtMost } from '../../hub/index.js'
import { systemReason } from '../../roles/system-error.js'
import { type HttpAnswer, text } from './router.js'

/** Characters of a token: one that can be guessed is none. */
const LEAST_TOKEN = 16
const MOST_TOKEN = 1024

/** `127.0.0.1`, `::1`, `localhost`. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1')
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'))
}

function checkToken(token: string, where: string): string {
  // What was read is a secret, or near one: it is not repeated.
  if (token.length < LEAST_TOKEN || token.length > MOST_TOKEN || !/^[\x21-\x7e]+$/.test(token)) {
    throw new InvalidInputError(
      `the token of the HTTP server in ${where} has to be ${LEAST_TOKEN} to ${MOST_TOKEN} visible ASCII characters: openssl rand -hex 32 makes one`
    )
  }
  return token
}

export interface TokenSources {
  /** Of ZKLORA_HTTP_TOKEN. */
  readonly given?: string | undefined
  readonly file?: string | undefined
}

/** The token that is set, from the environment or else a file. @throws InvalidInputError for one that others can read or guess */
export async function readToken({ given, file }: TokenSources): Promise<string | undefined> {
  if (given !== undefined) return checkToken(given, 'ZKLORA_HTTP_TOKEN')
  if (file === undefined) return undefined
  try {
    const { mode } = await stat(file)
    if ((mode & 0o077) !== 0) {
      throw new InvalidInputError(`the token file ${file} has mode ${(mode & 0o777).toString(8)}, so others can read it: chmod 600 ${file}`)
    }
    const bytes = await readAtMost(file, 2 * MOST_TOKEN, `bytes of the token file ${file}`, 'there')
    return checkToken(bytes.toString('utf8').trim(), file)
  } catch (cause) {
    if (cause instanceof Error && (cause as NodeJS.ErrnoException).code?.startsWith('ERR_') === true) throw cause
    throw new InvalidInputError(`the token file ${file} cannot be read (${systemReason(cause)}): write one, or leave out http.tokenFile`, {
      cause
    })
  }
}

/** @throws InvalidInputError for a host that others reach and no token that keeps them out */
export function checkHost(host: string, token: string | undefined): void {
  if (isLoopback(host) || token !== undefined) return
  throw new InvalidInputError(
    `http.host is ${host}, which others can reach, and no token is set: set ZKLORA_HTTP_TOKEN or http.tokenFile, or listen on 127.0.0.1`
  )
}

export class Access {
  private readonly digest: Buffer | undefined
  private readonly loopbackOnly: boolean

  constructor({ host, token }: { host: string; token: string | undefined }) {
    this.digest = token === undefined ? undefined : digestOf(token)
    this.loopbackOnly = isLoopback(host)
  }

  /** What a request is refused with; undefined: it may go on. @param open the route needs no token */
  refusal(
    { host, authorization }: { host?: string | undefined; authorization?: string | undefined },
    open: boolean
  ): HttpAnswer | undefined {
    if (this.loopbackOnly && !isLoopback(nameOf(host ?? ''))) {
      return text(421, 'this server answers to localhost, 127.0.0.1 and [::1] only')
    }
    if (this.digest === undefined || open) return undefined
    const given = /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1]
    // Digests have one length, so that the comparison takes the same time for every guess.
    if (given !== undefined && timingSafeEqual(digestOf(given), this.digest)) return undefined
    return text(401, 'a token is needed: Authorization: Bearer …', { 'www-authenticate': 'Bearer realm="zklora"' })
  }
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()

/** A Host header without its port. */
const nameOf = (host: string): string => host.replace(/:\d*$/, '')
