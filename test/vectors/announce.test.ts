import { checkVectors } from './check.js'
import { ANNOUNCE } from './announce.js'

checkVectors('announce', ANNOUNCE)
