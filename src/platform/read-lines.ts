import { StringDecoder } from 'node:string_decoder'
import { payloadTooLarge } from './errors.ts'

/**
 * The lines of a stream that aren't empty, numbered from 1. Throws 413 at a line that is longer than allowed:
 * a stream without line ends would otherwise fill the memory.
 */
export async function* readLines(
  stream: AsyncIterable<Buffer>,
  maxCharacters: number,
): AsyncGenerator<{ line: number; text: string }> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let line = 0
  for await (const chunk of stream) {
    const parts = (rest + decoder.write(chunk)).split('\n')
    rest = parts.pop() ?? ''
    if (rest.length > maxCharacters)
      throw payloadTooLarge(`Line ${line + parts.length + 1} is longer than allowed.`)
    for (const text of parts) {
      line += 1
      if (text.trim() !== '') yield { line, text }
    }
  }
  const last = rest + decoder.end()
  if (last.trim() !== '') yield { line: line + 1, text: last }
}
