/** Writes docs/commands.md anew from the program. */
import { writeFile } from 'node:fs/promises'
import { commandsFile } from './docs/commands.js'

const FILE = 'docs/commands.md'
await writeFile(FILE, await commandsFile())
console.log(FILE)
