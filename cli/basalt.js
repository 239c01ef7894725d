#!/usr/bin/env node
// Written for old versions of Node: it must come as far as handing over to the runtime that came as a dependency.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const oldestMajor = 26

// Young objects of a request die with it, and old garbage is collected before it doubles the heap: under load the
// server holds some 80 MB less, at the same speed. And as many threads help the collector as there are processors beside
// the main thread's: V8's four would take two processors from it for 50 ms.
const nodeFlags = ['--max-semi-space-size=8', '--heap-growing-percent=30', '--v8-pool-size=0']

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const args = process.argv.slice(2)

// What is the command line's own: the server refuses a BASALT_ variable that it doesn't know.
const cliVariables = ['BASALT_TOKEN', 'BASALT_URL', 'BASALT_PROJECT', 'BASALT_KEY']

if (args[0] === 'start' && args.length === 1) {
  for (const name of cliVariables) delete process.env[name]
  run(inPackage('src/main', 'main'), nodeFlags, [])
} else {
  run(inPackage('cli/main', 'cli/main'), [], args)
}

function run(file, flags, rest) {
  const isNewEnough = Number(process.versions.node.split('.')[0]) >= oldestMajor
  if (isNewEnough && flags.every((flag) => process.execArgv.includes(flag))) {
    process.argv.splice(1, Infinity, file, ...rest)
    void import(pathToFileURL(file).href)
    return
  }
  const node = isNewEnough ? process.execPath : findNode()
  if (node === undefined) {
    console.error(
      `Basalt needs Node ${oldestMajor}, this is ${process.version}, and the npm package "node" that brings it is not complete. Install with install scripts allowed, or run Basalt with a newer Node.`,
    )
    process.exitCode = 1
    return
  }
  handOver(node, [...flags, file, ...rest])
}

/** In a checkout the sources, which Node runs as they are; it doesn't below `node_modules`, so the package is compiled. */
function inPackage(source, compiled) {
  const file = join(root, `${source}.ts`)
  return existsSync(file) ? file : join(root, 'dist', `${compiled}.js`)
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
function handOver(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  // Ctrl-C reaches both at once; a second one would tell the child to hurry.
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
