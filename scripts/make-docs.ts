/** Writes docs/commands.md and docs/settings.md anew from the program. */
import { writeFile } from 'node:fs/promises'
import { commandsFile } from './docs/commands.js'
import { settingsFile } from './docs/settings.js'

for (const [file, text] of [
  ['docs/commands.md', await commandsFile()],
  ['docs/settings.md', await settingsFile()]
] as const) {
  await writeFile(file, text)
  console.log(file)
}
