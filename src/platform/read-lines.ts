import { StringDecoder } from 'node:string_decoder'

/** A line that isn't empty, counted from 1; without a text when it was longer than allowed. */
interface Line {
  line: number
  text: string | undefined
}

/**
 * The lines of a stream. Of a line that is longer than allowed nothing is kept: a stream without line ends would
 * fill the memory.
 */
export async function* readLines(stream: AsyncIterable<Buffer>, maxCharacters: number): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let isTooLong = false
  let line = 1
  const lineOf = (text: string): Line[] => {
    if (isTooLong || text.length > maxCharacters) return [{ line, text: undefined }]
    return text.trim() === '' ? [] : [{ line, text }]
  }
  for await (const chunk of stream) {
    const parts = decoder.write(chunk).split('\n')
    const last = parts.pop() ?? ''
    for (const part of parts) {
      yield* lineOf(rest + part)
      rest = ''
      isTooLong = false
      line += 1
    }
    if (rest.length + last.length > maxCharacters) isTooLong = true
    rest = isTooLong ? '' : rest + last
  }
  yield* lineOf(rest + decoder.end())
}
