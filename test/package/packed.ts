/** The package as npm would publish it, unpacked into a folder outside the repository beside the dependencies of this one. */
import type { ExecutionContext } from 'ava'
import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
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
  const folder = await temporaryFolder(t)
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder])
  const [{ filename, size, files }] = JSON.parse(stdout)
  const modules = join(folder, 'node_modules')
  const installed = join(modules, 'zklora')
  await mkdir(installed, { recursive: true })
  await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components', '1'])
  await linkDependencies(installed, modules)
  return { folder, installed, files, tarballBytes: size }
}

/** What `npm install` of the package brings: its dependencies, here as links to those of the repository, and no development package. */
async function linkDependencies(installed: string, modules: string): Promise<void> {
  const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8')) as { devDependencies: Record<string, string> }
  for (const name of await readdir('node_modules')) {
    if (name.startsWith('.') || name === 'zklora' || name in devDependencies) continue
    await symlink(resolve('node_modules', name), join(modules, name))
  }
  await mkdir(join(modules, '.bin'))
  await symlink(join(installed, 'dist/src/cli/main.js'), join(modules, '.bin', 'zklora'))
}
