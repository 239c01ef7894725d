import { describe, expect, it } from 'vitest'
import { ResponseReader } from '../../bench/load/response-reader.ts'

const counted = 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"a":"0"}\r\n'
const chunked =
  'HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n3\r\n10}\r\n0\r\n\r\n'
const empty = 'HTTP/1.1 204 No Content\r\netag: "1"\r\n\r\n'

/** Whether the reader says that the response is whole, after each of the pieces. */
function read(reader: ResponseReader, pieces: string[]): boolean[] {
  return pieces.map((piece) => reader.push(Buffer.from(piece)))
}

describe('ResponseReader', () => {
  it.each([
    ['counted', counted, 200],
    ['chunked', chunked, 404],
    ['empty', empty, 204],
  ])('finds the end of a %s response, wherever it is cut in two', (_kind, response, status) => {
    const reader = new ResponseReader()
    expect(read(reader, [response])).toEqual([true])
    for (let cut = 1; cut < response.length; cut += 1) {
      expect(read(reader, [response.slice(0, cut), response.slice(cut)]), `cut at ${cut}`).toEqual([
        false,
        true,
      ])
      expect(reader.status).toBe(status)
    }
  })

  it.each([counted, chunked, empty])(
    'takes a response byte by byte, and the next one after it',
    (response) => {
      const reader = new ResponseReader()
      const expected = Array.from(response, (_, index) => index === response.length - 1)
      expect(read(reader, Array.from(response))).toEqual(expected)
      expect(read(reader, Array.from(counted)).lastIndexOf(true)).toBe(counted.length - 1)
      expect(reader.status).toBe(200)
    },
  )

  it('does not keep what is in memory that is used again', () => {
    const memory = Buffer.alloc(64)
    const reader = new ResponseReader()
    const ends = [counted.slice(0, 20), counted.slice(20, 42), counted.slice(42)].map((piece) =>
      reader.push(memory.subarray(0, memory.write(piece, 0, 'latin1'))),
    )
    expect(ends).toEqual([false, false, true])
  })
})
