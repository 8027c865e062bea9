/** A model file, read field by field: gigabytes of weights inside are stepped over, not loaded. */
import { closeSync, fstatSync, openSync, readSync, realpathSync } from 'node:fs'
import { InvalidInputError, LimitExceededError } from '../../errors.js'
import { damaged, fieldAt, MOST_HEADER_BYTES } from './wire.js'
import type { Field } from './wire.js'

/** Bytes read at a time when stepping from field to field: a node takes some hundred. */
const WINDOW_BYTES = 64 * 1024

/** Bytes of a graph without its weights at most; a model of 100 layers has some MiB. */
const GRAPH_BYTES = 512 * 1024 * 1024

/** Fields of a range of the file, positions from the beginning of the file. */
export class ModelFile {
  /** Without symbolic links. */
  readonly path: string
  readonly size: number
  private readonly descriptor: number
  private window: Uint8Array = new Uint8Array(0)
  private windowAt = 0
  private loaded = 0

  /** @throws InvalidInputError when there is no such file */
  constructor(path: string) {
    try {
      this.path = realpathSync(path)
      this.descriptor = openSync(this.path, 'r')
    } catch (cause) {
      throw new InvalidInputError(`${path} cannot be read: ${(cause as Error).message}`, { cause })
    }
    this.size = fstatSync(this.descriptor).size
  }

  /** @throws InvalidInputError when a field does not end within the range */
  *fields(from: number, to: number): Generator<Field> {
    for (let at = from; at < to;) {
      const relative = fieldAt(this.ahead(at, to), 0, this.path)
      const field = { ...relative, at, from: at + relative.from, to: at + relative.to }
      if (field.to > to) throw damaged(this.path, at)
      yield field
      at = field.to
    }
  }

  /** Bytes of the range, counted towards GRAPH_BYTES. */
  load(from: number, to: number): Uint8Array {
    this.loaded += to - from
    if (this.loaded > GRAPH_BYTES)
      throw new LimitExceededError('bytes of the graph without its weights', this.loaded, GRAPH_BYTES, `of ${this.path}`)
    return this.read(from, to)
  }

  close(): void {
    closeSync(this.descriptor)
  }

  /** At least a tag and a length from `at`, or what is left of the range. */
  private ahead(at: number, end: number): Uint8Array {
    const to = Math.min(end, at + MOST_HEADER_BYTES)
    if (at < this.windowAt || to > this.windowAt + this.window.length) {
      this.windowAt = at
      this.window = this.read(at, Math.min(this.size, at + WINDOW_BYTES))
    }
    return this.window.subarray(at - this.windowAt, to - this.windowAt)
  }

  private read(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from)
    let at = 0
    while (at < bytes.length) {
      const read = readSync(this.descriptor, bytes, at, bytes.length - at, from + at)
      if (read === 0) throw damaged(this.path, from + at)
      at += read
    }
    return bytes
  }
}
