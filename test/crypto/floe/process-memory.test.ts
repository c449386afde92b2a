import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { occurrences } from '../../support/process-memory.ts';

const CHILD = fileURLToPath(new URL('process-memory.child.ts', import.meta.url));
describe.runIf(process.platform === 'linux')('process memory (ATTACKS 26)', () => {
  it('after the caller zeroed its data key, no copy of it is left', { timeout: 60_000 }, async (context) => {
    const child = spawn(process.execPath, [CHILD], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const key = Uint8Array.from(Buffer.from(String((await lines.next()).value), 'hex'), (byte) => byte ^ 0xa5);
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
