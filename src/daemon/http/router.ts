/** Which handler a request goes to, by path and method; everything else is answered here. */

/** What a handler sees of a request: it never touches the socket. */
export interface HttpRequest {
  readonly method: string
  /** Decoded by nobody: routes are plain paths. */
  readonly path: string
  readonly query: URLSearchParams
  /** Aborts when the client is gone, or the server has waited for long enough at its stop. */
  readonly signal: AbortSignal
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
  readonly type?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

export interface Route {
  /** HEAD goes with GET. */
  readonly method: 'GET'
  readonly path: string
  /** True: also without the token. Only for what says nothing about anybody. */
  readonly open?: boolean | undefined
  readonly handle: (request: HttpRequest) => Promise<HttpAnswer> | HttpAnswer
}

const TEXT = 'text/plain; charset=utf-8'

export const text = (status: number, body: string, headers?: HttpAnswer['headers']): HttpAnswer => ({
  status,
  body: `${body}\n`,
  type: TEXT,
  headers
})

export class Router {
  private readonly routes = new Map<string, Map<string, Route>>()

  constructor(routes: readonly Route[]) {
    for (const route of routes) {
      const methods = this.routes.get(route.path) ?? new Map<string, Route>()
      methods.set(route.method, route)
      if (route.method === 'GET') methods.set('HEAD', route)
      this.routes.set(route.path, methods)
    }
  }

  /** The route of a request, or the answer that there is none. */
  find(method: string, path: string): Route | HttpAnswer {
    const methods = this.routes.get(path)
    if (methods === undefined) return text(404, `there is nothing here; there is ${[...this.routes.keys()].join(', ')}`)
    const route = methods.get(method)
    const allowed = [...methods.keys()].join(', ')
    return route ?? text(405, `this takes ${allowed}`, { allow: allowed })
  }
}
