/** A worker thread of the benchmark: one operation, as often as it is told. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Operation, prepare } from './operations.js'
import { kernel } from '../product.js'
import { sample } from '../sample.js'

const run = prepare(kernel, workerData as Operation)
await sample(run, { seconds: 0, least: 1 })
parentPort!.on('message', (repeats: number) => {
  for (let i = 0; i < repeats; i++) run()
  parentPort!.postMessage('done')
})
parentPort!.postMessage('ready')
