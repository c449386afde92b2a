/** What `pkcs11` refuses before it speaks to a token, and what is said when package or library are missing. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createPkcs11Key, pkcs11, type Pkcs11Options } from '../../../providers/pkcs11/index.ts';
import { hasGraphene } from '../../servers/graphene.ts';

const key = { token: 't', object: 'k', library: '/nowhere/libnone.so', pin: '1' };

describe('options of pkcs11', () => {
  it.each([
    ['an unknown one', { ...key, pim: '1' }, TypeError],
    ['a URI beside parts', { ...key, uri: 'pkcs11:token=t;object=k' }, TypeError],
    ['a PIN of another type', { ...key, pin: 1234 }, TypeError],
    ['an unknown mechanism', { ...key, mechanism: 'rsa-pkcs1' }, TypeError],
    ['an unknown hash', { ...key, oaepHash: 'md5' }, TypeError],
    ['an empty label', { ...key, object: '' }, TypeError],
    ['half a character', { ...key, object: '\ud800' }, TypeError],
    ['an id that is not hexadecimal', { ...key, id: '0x1' }, TypeError],
    ['a slot that is no number', { ...key, slotId: -1 }, RangeError],
    ['no sessions', { ...key, sessions: 0 }, RangeError],
    ['a deadline of nothing', { ...key, deadlineMs: 0 }, RangeError],
  ])('refuses %s', async (_what, options, type) => {
    await expect(pkcs11(options as unknown as Pkcs11Options)).rejects.toBeInstanceOf(type);
  });

  it.each([
    ['no object', { ...key, object: undefined }, 'ERR_INVALID_KEY_URI'],
    ['no token', { ...key, token: undefined }, 'ERR_INVALID_KEY_URI'],
    ['a slot alone', { ...key, token: undefined, slotId: 0 }, 'ERR_INVALID_KEY_URI'],
    ['a label over the limit of URIs', { ...key, object: 'x'.repeat(600) }, 'ERR_INVALID_KEY_URI'],
    ['no library', { ...key, library: undefined }, 'ERR_CONFIG'],
    ['a PIN file that is not there', { ...key, pin: undefined, pinFile: '/nowhere/pin' }, 'ERR_PROVIDER_CREDENTIALS'],
    ['no PIN', { ...key, pin: undefined }, 'ERR_PROVIDER_CREDENTIALS'],
  ])('refuses %s', async (_what, options, code) => {
    await expect(pkcs11(options)).rejects.toMatchObject({ code });
  });

  it('refuses sizes of keys that are not made', async () => {
    await expect(createPkcs11Key({ ...key, mechanism: 'rsa-oaep', bits: 1024 })).rejects.toBeInstanceOf(RangeError);
    await expect(createPkcs11Key({ ...key, bits: 128 })).rejects.toBeInstanceOf(RangeError);
    await expect(createPkcs11Key({ ...key, id: '01' })).rejects.toBeInstanceOf(TypeError);
  });

  it('does not ask for the PIN when the signal is aborted', async () => {
    let asked = 0;
    const reason = new DOMException('stop', 'AbortError');
    const pin = () => String((asked += 1));
    await expect(pkcs11({ ...key, pin, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(asked).toBe(0);
  });
});

describe.skipIf(!hasGraphene())('what is not installed', () => {
  it('is the library, which is named', async () => {
    await expect(pkcs11(key)).rejects.toMatchObject({
      code: 'ERR_PROVIDER_MISSING',
      message: expect.stringContaining('libnone.so') as string,
      next: expect.stringContaining('module-path') as string,
    });
  });

  it('is the package, which is named with its version', () => {
    const folder = mkdtempSync(join(tmpdir(), 'waxseal-missing-'));
    try {
      const hook = join(folder, 'hook.mjs');
      writeFileSync(
        hook,
        `import { registerHooks } from 'node:module';
        registerHooks({ resolve(name, context, next) {
          if (name !== 'graphene-pk11') return next(name, context);
          throw Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
        } });`,
      );
      const provider = join(import.meta.dirname, '../../../providers/pkcs11/index.ts');
      const script = `import { pkcs11 } from ${JSON.stringify(provider)};
        await pkcs11(${JSON.stringify(key)}).catch(({ code, next }) => console.log(JSON.stringify({ code, next })));`;
      const file = join(folder, 'script.mjs');
      writeFileSync(file, script);
      const out = execFileSync(process.execPath, ['--import', hook, file], { encoding: 'utf8' });
      expect(JSON.parse(out)).toEqual({
        code: 'ERR_PROVIDER_MISSING',
        next: expect.stringContaining('npm install graphene-pk11@^2.3.6') as string,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
