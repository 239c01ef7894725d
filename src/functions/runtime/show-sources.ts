import type { Bundle } from '../deployments/bundle-functions.ts'
import type { FunctionCode } from './function-code.ts'

/**
 * The modules with their source maps, and what was uploaded inside of these: a debugger shows TypeScript, and sets its
 * breakpoints there. @param uploaded as `readSources` gives it
 */
export function showSources(
  modules: FunctionCode['modules'],
  { maps }: Bundle,
  uploaded: Buffer,
): FunctionCode['modules'] {
  const { files }: { files: Record<string, unknown> } = JSON.parse(uploaded.toString())
  const shown = Object.entries(modules).map(([path, code]) => {
    const map = maps[path]
    if (map === undefined || typeof code !== 'string') return [path, code]
    const parsed: { sources: string[] } = JSON.parse(map)
    const paths = parsed.sources.map((source) => /upload:\/?(.*)$/.exec(source)?.[1])
    const full = {
      ...parsed,
      sources: parsed.sources.map(
        (source, at) => `basalt:///${paths[at] ?? source.replace(/^(\.\.\/)+/, '')}`,
      ),
      sourcesContent: paths.map((file) =>
        file !== undefined && typeof files[file] === 'string' ? files[file] : null,
      ),
    }
    const data = Buffer.from(JSON.stringify(full)).toString('base64')
    return [path, `${code}\n//# sourceMappingURL=data:application/json;base64,${data}\n`]
  })
  return Object.fromEntries(shown)
}
