/** A library whose call does not return: another program holds the lock of the token that SoftHSM waits for. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPkcs11Key } from '../../../providers/pkcs11/index.ts';
import { hasSoftHsm, makeSoftHsm } from '../../servers/softhsm.ts';

const HOLD = `
import fcntl, sys
files = [open(name, 'r+') for name in sys.argv[1:]]
for file in files: fcntl.lockf(file, fcntl.LOCK_EX)
print('held', flush=True)
sys.stdin.read()
`;

describe.skipIf(!hasSoftHsm())('a token that hangs', () => {
  it('holds up neither the deadline nor other work; it is refused until it answers, and used again then', async () => {
    const hsm = makeSoftHsm();
    const { library, token, pin } = hsm;
    const limits = { attemptTimeoutMs: 500, deadlineMs: 2_000, maxAttempts: 1, breakerFailures: 1_000 };
    const key = await createPkcs11Key({ library, token, pin, object: 'k', ...limits });
    const tokens = join(dirname(hsm.env['SOFTHSM2_CONF'] ?? ''), 'tokens');
    const files = readdirSync(tokens, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
    const binding = new Uint8Array(32);
    const secret = new Uint8Array(32).fill(9);
    const wrapped = await key.wrap(secret, binding);
    const holder = spawn('python3', ['-c', HOLD, ...files], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      const began = performance.now();
      await expect(key.rotate!()).rejects.toMatchObject({
        code: 'ERR_PROVIDER_UNAVAILABLE',
        message: expect.stringContaining('did not answer within 0.5 s') as string,
      });
      expect(performance.now() - began).toBeLessThan(1_500);
      await new Promise((resolve) => setTimeout(resolve, 5_500));
      await expect(key.wrap(secret, binding)).rejects.toMatchObject({
        code: 'ERR_PROVIDER_UNAVAILABLE',
        message: expect.stringContaining('hangs') as string,
      });
      await expect(createPkcs11Key({ library, token, pin, object: 'other', ...limits })).rejects.toMatchObject({
        code: 'ERR_PROVIDER_UNAVAILABLE',
      });
    } finally {
      holder.stdin.end();
      await once(holder, 'exit');
    }
    await expect
      .poll(() => key.unwrap(wrapped, binding).then((opened) => opened.secret), { timeout: 10_000, interval: 200 })
      .toEqual(secret);
    key.close();
    hsm.remove();
  });
});
