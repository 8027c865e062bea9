/** `/healthz`: the process answers. `/readyz`: it does what it was started for. Neither says anything about anybody. */
import { type Route, text } from './router.js'

export interface Health {
  /** What readiness waits for, in words; empty: ready. */
  readonly waitingFor: () => readonly string[]
}

export function healthRoutes({ waitingFor }: Health): Route[] {
  return [
    { method: 'GET', path: '/healthz', open: true, handle: () => text(200, 'ok') },
    {
      method: 'GET',
      path: '/readyz',
      open: true,
      handle: () => {
        const waiting = waitingFor()
        return waiting.length === 0 ? text(200, 'ready') : text(503, `not ready: ${waiting.join(', ')}`, { 'retry-after': '1' })
      }
    }
  ]
}
