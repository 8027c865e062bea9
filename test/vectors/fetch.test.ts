import { checkVectors } from './check.js'
import { FETCH } from './fetch.js'

checkVectors('fetch', FETCH)
