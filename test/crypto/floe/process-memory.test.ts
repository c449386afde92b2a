import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const CHILD = fileURLToPath(new URL('process-memory.child.ts', import.meta.url));
const WINDOW = 16 * 2 ** 20;

/** How often `needle` stands in the writable memory of a child process; undefined where the kernel forbids to look. */
function occurrences(child: ChildProcess, needle: Uint8Array): number | undefined {
  let memory: number;
  try {
    memory = openSync(`/proc/${child.pid}/mem`, 'r');
  } catch {
    return undefined;
  }
  const window = Buffer.alloc(WINDOW + needle.length - 1);
  let found = 0;
  try {
    for (const line of readFileSync(`/proc/${child.pid}/maps`, 'latin1').split('\n')) {
      const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
      if (from === undefined || to === undefined) continue;
      const end = BigInt(`0x${to}`);
      for (let at = BigInt(`0x${from}`); at < end; at += BigInt(WINDOW)) {
        const length = Math.min(window.length, Number(end - at));
        let read = 0;
        try {
          read = readSync(memory, window, 0, length, at);
        } catch {
          continue; // a page that cannot be read, such as a guard page
        }
        const seen = window.subarray(0, read);
        for (let i = seen.indexOf(needle); i >= 0; i = seen.indexOf(needle, i + 1)) found++;
      }
    }
  } finally {
    closeSync(memory);
  }
  return found;
}

describe.runIf(process.platform === 'linux')('process memory (ATTACKS 26)', () => {
  it('after the caller zeroed its data key, no copy of it is left', { timeout: 60_000 }, async (context) => {
    const child = spawn(process.execPath, [CHILD], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const key = Uint8Array.from(Buffer.from((await lines.next()).value ?? '', 'hex'), (byte) => byte ^ 0xa5);
      expect(key.length).toBe(32);
      const before = occurrences(child, key);
      if (before === undefined) return context.skip('the kernel does not let a process read its child’s memory');
      // Control: the search finds the caller’s own copy.
      expect(before).toBeGreaterThan(0);
      child.stdin.write('zero\n');
      expect((await lines.next()).value).toBe('closed');
      expect(occurrences(child, key)).toBe(0);
    } finally {
      child.kill();
    }
  });
});
