import { checkVectors } from './check.js'
import { ADAPTER } from './adapter.js'

checkVectors('adapter', ADAPTER)
