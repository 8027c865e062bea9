/** What bounds each figure: a paragraph for each benchmark, for docs/benchmarks.md. */
export const PARAGRAPHS: Readonly<Record<string, string>> = {
  kernel: [
    'F is one multiplication in the field; everything over points is a number of them, so that machines can be compared by their F.',
    'A row commitment costs an addition for each signed 8-bit digit that is not zero (7 multiplications, and what reading the table takes),',
    'so 16-bit entries cost twice the 8-bit ones, whatever the width once the tables are made. A multi-scalar multiplication sorts digits into',
    'buckets: with more points the windows get wider and a point gets cheaper. Decoding and encoding are bound by one power of the field',
    '(some 254 squarings). Folds and inner products are bound by plain integer multiplication, the hash by its compression function.',
    'The noble kernel does the same work in BigInt, smaller where it would take long. Against it row commitments and large multiplications are some 16 and 14 times faster, where 20 and 18',
    'were aimed at when noble was three times slower; what is left to gain here is little: of the F of an entry of 16 bits 14 are the multiplications of its two additions, and of a point',
    'among 4,096 some 260 are those of 24 windows and of joining their buckets.'
  ].join('\n'),
  adapter: [
    'Registration on two worker threads, as `adapter add` does it, once for each adapter: `make` is all of it but reading and quantising. Each weight costs one point of a',
    'multi-scalar multiplication by a full scalar (the commitments to 1/(χ + w)), each entry of the widths and of the table of 2^12 values some twenty points more,',
    'most of them single multiplications that fold generators. Commitments alone are those to the weights, short integers. `check` is on one thread: decoding the points',
    'of all certificates, one multiplication over them and the shared generators, and some ten products of scalars for each entry of widths and table.',
    '`bytes` are those of a certificate, `peakMemory` the highest RSS of a process that makes them, Node and threads counted in.'
  ].join('\n'),
  session: [
    "One prefill, job by job as the product does it, beside the deltas alone in floats (in JavaScript). The user's commitments are bound by row",
    'commitments, one entry for each activation: they grow with tokens × widths and dominate for wide models. The contributor commits to the',
    'hidden rows only, a rank wide. The hash is BLAKE3 over every message of both directions: bound by bytes, most of them deltas.',
    'The proof folds every activation once (cheap), then works on single rows of the widest group: its multiplications grow with tokens and',
    'with the width, not with their product: half of it or more are sums over generators, which are folded eight to one, and the folding. Verification decodes one point for each row and multiplies them once; the two signatures of the',
    "tails are a fixed part. The bundle is 32 bytes for each row and a few KiB for the proof. Peak memory is the highest RSS of a process of its own that does the contributor's part alone",
    '(restores the adapter, answers, commits, proves), less the bytes of its quantised weights: Node, tables and activations are counted in.'
  ].join('\n'),
  verify: [
    'On one thread. A batch shares the generators, whose coefficients add up, and makes one large multiplication of many small ones; what is left for each bundle is decoding its',
    'points, hashing its transcript and two Ed25519 signatures, and these bound the rate.'
  ].join('\n'),
  rpc: [
    'Two processes on one machine over tcp, noise and yamux, with a session open and earlier commitments done. `exchange` is from the request',
    'to the checked integers: packing, the running hashes of both sides, the way there and back, and computing the delta (`deltaWithin`, as a',
    'job by itself). The echo sends as many bytes both ways over a bare stream of the same connection: encryption in JavaScript and the',
    'copies of the stream bound it. What an exchange takes beyond echo and delta is hashing and packing. A row is bound by computing, not by the way: of 0.65 ms beside an echo of 0.2 ms',
    '(the fastest of 2,000) each side spends 0.3 ms: quantising or computing the delta (0.05 ms), packing, hashing, encrypting and one write on the way out; decrypting, checking, hashing and unpacking on the',
    'way in. An exchange within 1.25 echoes would have to do all of that in 0.05 ms. A prefill is asked and answered in frames of 256 KiB, so that computing, sending and unpacking overlap: its slowest part is the thread of the user,',
    'which handles 4.4 MiB some ten times (socket, decryption, frame, canonical check, hash, integers, floats). A third of that is garbage collection: each copy is an array buffer, and V8 collects after some 25 MB of them, twice an exchange, 10 to 30 ms',
    'each on two cores that also run the other process. The yardstick, which keeps nothing, pays it once in several echoes.'
  ].join('\n'),
  serve: [
    `The demo's model, so small that a token takes about a millisecond: the session is nearly everything here, and with a real model it is the`,
    'smaller part. Each layer waits for one exchange a token. `tokensPerSecond` is the whole call: opening the session, the text, the closing',
    'commitments, the proof, fetching and verifying the bundle, the receipt. The end is a chain in which each step needs the one before: the last batch of both sides, the closing signatures,',
    'the proof (the greatest part), the bundle to the disk, its way, its verification, to the disk again, the receipt and the announcement, which itself is signed and checked; some fourteen Ed25519',
    'signatures and checks are among them. On two cores the commitments beside the text compete with both nodes and the model. Beside it a user that never commits, and the same integers computed in the process of the model.'
  ].join('\n'),
  growth: 'Both axes are logarithmic: a straight line that rises as fast as it goes to the right is linear growth.'
}
