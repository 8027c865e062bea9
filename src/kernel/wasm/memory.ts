/**
 * The WebAssembly instance of this thread and its memory: what the compiler laid out, then scratch of a fixed size that every call
 * starts afresh, then tables of multiples (tables.ts), for which alone it grows. Addresses in it are unchecked on the other side,
 * so whoever calls an export has taken room for all that it reads and writes.
 */
import { KERNEL_WASM } from '../generated/kernel-wasm.js'

/** Functions over addresses, counts and flags (src/kernel/assembly/index.ts says what each reads and writes). */
type Exports = Readonly<
  Record<
    | 'addRows'
    | 'addScalars'
    | 'addToPairs'
    | 'blakeAbsorb'
    | 'blakeForget'
    | 'blakeInput'
    | 'blakeSqueeze'
    | 'blakeStart'
    | 'blakeState'
    | 'blakeStateBytes'
    | 'carry'
    | 'combinations'
    | 'combineRows'
    | 'decode'
    | 'dotAll'
    | 'encode'
    | 'entryDigits'
    | 'firstTooLarge'
    | 'foldDigits'
    | 'foldScalars'
    | 'fromIntegers'
    | 'heapBase'
    | 'indexOfIdentity'
    | 'innerProduct'
    | 'invertScalars'
    | 'joinDigits'
    | 'makeTables'
    | 'mapAll'
    | 'mul'
    | 'mulScalars'
    | 'mulTimes'
    | 'multiples'
    | 'multiply'
    | 'negateScalars'
    | 'pairsOf'
    | 'powers'
    | 'reduceWide'
    | 'rowDigits'
    | 'scalarDigits'
    | 'setIdentities'
    | 'smallDots'
    | 'splitRows'
    | 'sqr'
    | 'toEntries',
    (...numbers: readonly number[]) => number
  >
> & { readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number } }

/** The part of the engine that is used; only the types of browsers have it. */
const { WebAssembly: engine } = globalThis as unknown as {
  readonly WebAssembly: {
    readonly Module: new (bytes: Uint8Array) => object
    readonly Instance: new (module: object) => { readonly exports: unknown }
  }
}

const PAGE = 65_536
/** Bytes; only what calls have used takes memory. The batches of each call are cut so that they fit. */
const SCRATCH = 32 * 2 ** 20
/** Vectors are loaded and stored faster when aligned. */
const ALIGNMENT = 16

function align(address: number): number {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT
}

export class KernelMemory {
  readonly exports: Exports
  private readonly from: number
  private readonly to: number
  private at = 0
  /** Where the memory ends that was taken. */
  private end = 0
  private view = new Uint8Array()

  constructor() {
    const module = new engine.Module(Uint8Array.from(atob(KERNEL_WASM), char => char.charCodeAt(0)))
    this.exports = new engine.Instance(module).exports as Exports
    this.from = align(this.exports.heapBase())
    this.to = this.from + SCRATCH
    this.grow(this.to)
    this.start()
  }

  /** Gives all scratch back: the first thing that an operation does. */
  start(): void {
    this.at = this.from
  }

  /** Room in the scratch, with whatever was there before. @throws RangeError when there is not as much */
  room(bytes: number): number {
    const address = this.at
    if (address + bytes > this.to) throw new RangeError(`${bytes} bytes are more than the scratch memory has left`)
    this.at = align(address + bytes)
    return address
  }

  /** Room with the bytes of a typed array in it. */
  place(data: ArrayBufferView): number {
    const address = this.room(data.byteLength)
    this.bytes().set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), address)
    return address
  }

  read(address: number, length: number): Uint8Array {
    return this.bytes().slice(address, address + length)
  }

  /** The whole memory; ends to be valid when the memory grows. */
  bytes(): Uint8Array {
    if (this.view.buffer !== this.exports.memory.buffer) this.view = new Uint8Array(this.exports.memory.buffer)
    return this.view
  }

  /** Memory behind all that was taken before. */
  append(bytes: number): number {
    const address = align(this.end)
    this.grow(address + bytes)
    return address
  }

  private grow(end: number): void {
    const { memory } = this.exports
    const missing = Math.ceil((end - memory.buffer.byteLength) / PAGE)
    if (missing > 0) memory.grow(missing)
    this.end = end
  }
}

let shared: KernelMemory | undefined

/** The instance of this thread, made at the first call: 2 ms. */
export function kernelMemory(): KernelMemory {
  return (shared ??= new KernelMemory())
}
