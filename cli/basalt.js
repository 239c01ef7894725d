#!/usr/bin/env node
// Written for old versions of Node: it must come as far as handing over to the runtime that came as a dependency.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const oldestMajor = 26

// Young objects of a request die with it, and old garbage is collected before it doubles the heap: under load the
// server holds some 80 MB less, at the same speed.
const nodeFlags = ['--max-semi-space-size=8', '--heap-growing-percent=30']

const usage = `Usage: basalt <command>

  start        run the server; configured by environment variables (see the README)
  --version    print the version
  --help       print this
`

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const [command = '--help', ...rest] = process.argv.slice(2)

if (command === 'start' && rest.length === 0) {
  start()
} else if (command === '--version') {
  console.log(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version)
} else if (command === '--help') {
  process.stdout.write(usage)
} else {
  process.stderr.write(usage)
  process.exitCode = 2
}

function start() {
  const main = findMain()
  if (Number(process.versions.node.split('.')[0]) >= oldestMajor) {
    void import(pathToFileURL(main).href)
    return
  }
  const node = findNode()
  if (node === undefined) {
    console.error(
      `Basalt needs Node ${oldestMajor}, this is ${process.version}, and the npm package "node" that brings it is not complete. Install with install scripts allowed, or run Basalt with a newer Node.`,
    )
    process.exitCode = 1
    return
  }
  handOver(node, main)
}

/** In a checkout the sources, which Node runs as they are; it doesn't below `node_modules`, so the package is compiled. */
function findMain() {
  const source = join(root, 'src/main.ts')
  return existsSync(source) ? source : join(root, 'dist/main.js')
}

function findNode() {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('node/package.json'))
    const file = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

/** The child's output and end become ours; signals that reach only this process are passed on. */
function handOver(node, main) {
  const child = spawn(node, [...nodeFlags, main], { stdio: 'inherit' })
  // Ctrl-C reaches both at once; a second one would tell the server to hurry.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  process.on('SIGHUP', () => child.kill('SIGHUP'))
  child.on('error', (error) => {
    console.error(error.message)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(name)
    process.kill(process.pid, signal)
  })
}
