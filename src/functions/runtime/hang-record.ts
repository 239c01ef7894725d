/** Functions that were under way when their process had to be ended; who is seen there too often has to wait. */
export interface HangRecord {
  /** Notes who was running. One alone is guilty; of several, each a little. */
  note(functions: readonly string[]): void
  /** Milliseconds until the function may be called again; 0 when it may now. */
  quarantinedFor(name: string): number
  forget(): void
}

const threshold = 3
const windowMs = 120_000
const firstQuarantineMs = 30_000
const maxQuarantineMs = 600_000

export function createHangRecord(): HangRecord {
  const entries = new Map<string, { guilt: number; at: number; until: number; times: number }>()
  return {
    note(functions) {
      const now = Date.now()
      for (const name of new Set(functions)) {
        const known = entries.get(name)
        const entry = known ?? { guilt: 0, at: now, until: 0, times: 0 }
        if (now - entry.at > windowMs) entry.guilt = 0
        entry.guilt += 1 / new Set(functions).size
        entry.at = now
        if (entry.guilt >= threshold) {
          entry.until = now + Math.min(firstQuarantineMs * 2 ** entry.times, maxQuarantineMs)
          entry.times += 1
          entry.guilt = 0
        }
        entries.set(name, entry)
      }
    },
    quarantinedFor: (name) => Math.max(0, (entries.get(name)?.until ?? 0) - Date.now()),
    forget: () => entries.clear(),
  }
}
