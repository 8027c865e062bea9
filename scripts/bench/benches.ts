/** All benchmarks by name. */
import { adapterBench } from './adapter.js'
import { kernelBench } from './kernel/kernel.js'
import { serveBench } from './network/serve.js'
import { growthBench, sessionBench } from './session/session.js'
import { verifyBench } from './verify.js'
import { rpcBench } from './network/rpc.js'
import type { Bench } from './types.js'

/** What can be asked for. */
export const BENCHES: Readonly<Record<string, Bench>> = {
  kernel: kernelBench,
  adapter: adapterBench,
  session: sessionBench,
  verify: verifyBench,
  rpc: rpcBench,
  serve: serveBench
}

/** With those that only the chart needs. */
export const ALL_BENCHES: Readonly<Record<string, Bench>> = { ...BENCHES, growth: growthBench }
