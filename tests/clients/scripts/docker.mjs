// The Dockerfile and the compose file as tools read them: what a linter finds, the instructions, the services.
import { readFileSync } from 'node:fs'
import { DockerfileParser } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'
import { parseDocument } from 'yaml'

const request = JSON.parse(readFileSync(0, 'utf8'))
const dockerfile = readFileSync(request.dockerfile, 'utf8')
const compose = parseDocument(readFileSync(request.compose, 'utf8'), { merge: true, uniqueKeys: true })
process.stdout.write(
  JSON.stringify({
    problems: validate(dockerfile).map(({ message, range }) => `line ${range.start.line + 1}: ${message}`),
    instructions: DockerfileParser.parse(dockerfile)
      .getInstructions()
      .map((instruction) => [instruction.getKeyword(), instruction.getArguments().map(String)]),
    errors: [...compose.errors, ...compose.warnings].map(String),
    compose: compose.toJS(),
  }),
)
