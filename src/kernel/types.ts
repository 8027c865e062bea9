/**
 * The arithmetic that the proof stands on, in batches: ristretto255 (RFC 9496) points and scalars mod its order ℓ.
 *
 * Points are opaque (each kernel has its own representation) and come in vectors; they cross rooms, threads and wires as
 * canonical 32-byte encodings. Scalars are flat: n × 32 bytes, little endian, below ℓ. Small integers are typed arrays.
 * Wrong lengths are errors of the caller (RangeError); only `decode` and `decodeScalars` meet bytes from outside.
 * No kernel is constant-time (see SECURITY.md).
 */

/** Families of generators: inputs, outputs, folded adapter rows, and the two single ones (blinding, value). */
export type GeneratorFamily = 'G' | 'K' | 'Q' | 'H' | 'U'

/** A vector of points in a kernel's own representation; immutable, usable only with the kernel that made it. */
export interface Points {
  readonly length: number
}

/** Rows of small signed integers, row-major; a Float64Array holds integers from −2^53 to 2^53 (anything else: RangeError). */
export type SmallRows = Int8Array | Int16Array | Float64Array

export interface Kernel {
  readonly name: string

  // Points

  /** Generators `from` … `from + count − 1` of a family (protocols/notation), made once for each process. */
  generators(family: GeneratorFamily, from: number, count: number): Points
  /**
   * @param encodings n × 32 bytes
   * @throws MalformedMessageError naming the first index that is not a canonical ristretto255 encoding. The identity is accepted.
   */
  decode(encodings: Uint8Array): Points
  /** n × 32 bytes, canonical. */
  encode(points: Points): Uint8Array
  concat(parts: readonly Points[]): Points
  slice(points: Points, from: number, to: number): Points
  /** Elementwise sum of two vectors of one length. */
  add(a: Points, b: Points): Points
  /** Index of the first identity element, or −1. */
  indexOfIdentity(points: Points): number
  /**
   * One commitment for each row: out_t = Σ_i rows[t, i] · bases_i. Bases that come again (generators, an adapter's rows) keep
   * their tables, so pass the same `Points` object.
   * @param rows count × bases.length integers
   */
  commitRows(bases: Points, rows: SmallRows, count: number): Points
  /** Σ_i scalars_i · points_i, as a vector of length 1 (the identity for length 0). */
  msm(scalars: Uint8Array, points: Points): Points
  /**
   * low_i + Σ_k c_k · high_(k·n + i), where n is the length of `low`: cheaper than one after the other, since all terms share their
   * doublings.
   * @param high one vector as long as `low` for each scalar of `c`
   */
  foldPoints(low: Points, high: Points, c: Uint8Array): Points
  /** scalars_i · points_i. */
  scale(scalars: Uint8Array, points: Points): Points

  // Scalars (n × 32 bytes each)

  /** @throws MalformedMessageError naming the first index that is not below ℓ. */
  checkScalars(scalars: Uint8Array): void
  /** Reduces n × 64 bytes (little endian) mod ℓ. */
  reduceWide(bytes: Uint8Array): Uint8Array
  addScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  /** Elementwise product; `b` of one scalar multiplies every entry of `a`. */
  mulScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  negateScalars(a: Uint8Array): Uint8Array
  /** Batch inversion. @throws RangeError for a zero entry. */
  invertScalars(a: Uint8Array): Uint8Array
  /** low_i + c · high_i. */
  foldScalars(low: Uint8Array, high: Uint8Array, c: Uint8Array): Uint8Array
  /** 1, x, x², … : `count` scalars. */
  powers(x: Uint8Array, count: number): Uint8Array
  /** Σ_i a_i b_i: one scalar. */
  innerProduct(a: Uint8Array, b: Uint8Array): Uint8Array
  /** Σ_t weights_t · rows[t, ·]: `width` scalars. */
  foldRows(weights: Uint8Array, rows: SmallRows, width: number): Uint8Array
  /** Σ_i rows[t, i] · vector_i for each row t: count scalars, where count = rows.length / (vector.length / 32). */
  rowProducts(rows: SmallRows, vector: Uint8Array): Uint8Array
  /** Small signed integers (at most 53 bits) as scalars. */
  scalarsOf(values: SmallRows): Uint8Array
}
