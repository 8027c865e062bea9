import { checkVectors } from './check.js'
import { BUNDLE } from './bundle.js'

checkVectors('bundle', BUNDLE)
