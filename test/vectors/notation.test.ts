import { checkVectors } from './check.js'
import { NOTATION } from './notation.js'

checkVectors('notation', NOTATION)
