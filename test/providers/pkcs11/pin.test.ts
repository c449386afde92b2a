/** The PIN: where it comes from, and that a wrong one is tried once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createPkcs11Key, pkcs11, type Pkcs11Key } from '../../../providers/pkcs11/index.ts';
import { hasSoftHsm, makeSoftHsm, type SoftHsm } from '../../servers/softhsm.ts';

describe.skipIf(!hasSoftHsm())('the PIN of a token', () => {
  let hsm: SoftHsm;
  let folder: string;
  let key: Pkcs11Key | undefined;
  const object = 'k';
  beforeAll(async () => {
    hsm = makeSoftHsm();
    folder = mkdtempSync(join(tmpdir(), 'waxseal-pin-'));
    writeFileSync(join(folder, 'pin'), `${hsm.pin}\r\nnot this line\n`);
    const { library, token, pin } = hsm;
    (await createPkcs11Key({ library, token, object, pin })).close();
  });
  afterEach(() => {
    key?.close();
    key = undefined;
  });
  afterAll(() => {
    hsm.remove();
    rmSync(folder, { recursive: true });
  });
  const where = () => ({ library: hsm.library, token: hsm.token, object });

  it('that is wrong is tried once, by all keys of the process, and not told', async () => {
    let asked = 0;
    const pin = () => {
      asked += 1;
      return 'wrong-9876';
    };
    const first = await pkcs11({ ...where(), pin }).catch((error: unknown) => error as Error & { next: string });
    expect(first).toMatchObject({
      code: 'ERR_PROVIDER_CREDENTIALS',
      message: expect.stringContaining('CKR_PIN_INCORRECT') as string,
    });
    expect(asked).toBe(1);
    await expect(pkcs11({ ...where(), pin })).rejects.toMatchObject({
      code: 'ERR_PROVIDER_CREDENTIALS',
      message: expect.stringContaining('was refused before') as string,
    });
    expect(JSON.stringify(first) + (first as Error).message + String((first as Error).stack)).not.toContain('9876');
    key = await pkcs11({ ...where(), pin: hsm.pin });
  });

  it('that is wrong is not taken because another key is logged in', async () => {
    key = await pkcs11({ ...where(), pin: hsm.pin });
    await expect(pkcs11({ ...where(), pin: 'wrong-1111' })).rejects.toMatchObject({ code: 'ERR_PROVIDER_CREDENTIALS' });
    await expect(pkcs11({ ...where(), pin: '' })).rejects.toMatchObject({ code: 'ERR_PROVIDER_CREDENTIALS' });
  });

  it.each([
    ['a function', () => ({ ...where(), pin: () => Promise.resolve(hsm.pin) })],
    ['the first line of a file', () => ({ ...where(), pinFile: join(folder, 'pin') })],
    [
      'the URI, as a file',
      () => {
        const token = encodeURIComponent(hsm.token);
        const query = `module-path=${hsm.library}&pin-source=file:${join(folder, 'pin')}`;
        return { uri: `pkcs11:token=${token};object=${object}?${query}` };
      },
    ],
  ])('comes from %s', async (_what, options) => {
    key = await pkcs11(options());
    expect(key.uri).toBe(`pkcs11:token=${hsm.token};object=${object}`);
    expect((await key.describe()).versions).toHaveLength(1);
  });

  it('comes from the environment', async () => {
    process.env['WAXSEAL_PKCS11_PIN'] = hsm.pin;
    try {
      key = await pkcs11(where());
    } finally {
      delete process.env['WAXSEAL_PKCS11_PIN'];
    }
  });
});
