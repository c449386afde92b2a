import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';

const WINDOW = 16 * 2 ** 20;

/** How often `needle` stands in the writable memory of a child process; undefined where the kernel forbids to look. */
export function occurrences(child: ChildProcess, needle: Uint8Array): number | undefined {
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
