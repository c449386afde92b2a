import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { occurrences } from '../support/process-memory.ts';

describe.runIf(process.platform === 'linux')('process memory', () => {
  it('attack 26: after close, the data key is not to be found in the process memory (local key)', async (context) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'process-memory.child.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const key = Uint8Array.from(Buffer.from(String((await lines.next()).value), 'hex'), (byte) => byte ^ 0xa5);
      expect(key.length).toBe(32);
      const during = occurrences(child, key);
      if (during === undefined) return context.skip('the kernel does not let a process read the memory of its child');
      // Control: while it is in use, the search finds it.
      expect(during).toBeGreaterThan(0);
      child.stdin.write('go on\n');
      expect((await lines.next()).value).toBe('closed');
      expect(occurrences(child, key)).toBe(0);
    } finally {
      child.kill();
    }
  });
});
