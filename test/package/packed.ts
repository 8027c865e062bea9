/** The package as npm would publish it, unpacked into a folder outside the repository beside the dependencies of this one. */
import type { ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { mkdir, readFile, realpath, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { temporaryFolder } from '../daemon/folders.js'

export const run = promisify(execFile)

export interface Packed {
  /** A project that has the package installed. */
  readonly folder: string
  /** The installed package. */
  readonly installed: string
  /** Paths in the tarball, and their bytes. */
  readonly files: readonly { path: string; size: number }[]
  readonly tarballBytes: number
}

export async function packed(t: ExecutionContext): Promise<Packed> {
  const folder = await realpath(await temporaryFolder(t))
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder])
  const [{ filename, size, files }] = JSON.parse(stdout)
  const modules = join(folder, 'node_modules')
  const installed = join(modules, 'zklora')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components', '1'])
  await linkDependencies(installed, modules)
  return { folder, installed, files, tarballBytes: size }
}

/** What `npm install` of the package brings, as links to this repository's copies: what it does not name as a dependency is not there. */
async function linkDependencies(installed: string, modules: string): Promise<void> {
  const { dependencies, bin } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string>
  >
  for (const name of Object.keys(dependencies!)) {
    await mkdir(dirname(join(modules, name)), { recursive: true })
    await symlink(await realpath(join('node_modules', name)), join(modules, name))
  }
  await mkdir(join(modules, '.bin'))
  await symlink(join(installed, bin!['zklora']!), join(modules, '.bin', 'zklora'))
}
