import { checkVectors } from './check.js'
import { EVIDENCE } from './evidence.js'

checkVectors('evidence', EVIDENCE)
