import { checkVectors } from './check.js'
import { SESSION } from './session.js'

checkVectors('session', SESSION)
