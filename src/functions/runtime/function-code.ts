/** What an isolate is made of, as it is pushed into a process. */
export interface FunctionCode {
  /** By name: JavaScript, or WebAssembly in base64. */
  modules: Record<string, string | { wasm: string }>
  /** What the function reads as `ctx.env` and `process.env`. */
  env: Record<string, string>
}
