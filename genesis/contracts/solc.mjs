// Standard JSON in on stdin, standard JSON out on stdout. Imports of packages come from tests/clients.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const packages = new URL('../../tests/clients/node_modules/', import.meta.url)
const solc = createRequire(packages)('solc')
const findPackageFile = (path) => {
  try {
    return { contents: readFileSync(new URL(path, packages), 'utf8') }
  } catch (problem) {
    return { error: problem.message }
  }
}
const input = readFileSync(0, 'utf8')
process.stdout.write(JSON.stringify({
  version: solc.version(),
  output: JSON.parse(solc.compile(input, { import: findPackageFile })),
}))
