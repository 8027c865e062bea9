/**
 * Node 20 (V8 11.3) has no `Promise.withResolvers` (ES2024); libp2p 3 and its queues call it unguarded. Imported before any of
 * them. It changes nothing where the platform has it.
 */
interface Resolvers<T> {
  promise: Promise<T>
  resolve: (value: T | PromiseLike<T>) => void
  reject: (reason?: unknown) => void
}

/** What the standard's method does, for a constructor given as `this`. */
export function withResolvers<T>(this: PromiseConstructor): Resolvers<T> {
  let resolve!: Resolvers<T>['resolve']
  let reject!: Resolvers<T>['reject']
  const promise = new this<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

const target = Promise as unknown as { withResolvers?: unknown }
target.withResolvers ??= withResolvers
