/** A key whose unwrap template lets nobody read a secret: the provider rewraps in the token, and the secret stays there. */
import { execFileSync } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, open, rewrap, seal } from '../../../src/envelope/index.ts';
import { WaxsealError } from '../../../src/errors/index.ts';
import { pkcs11, type Pkcs11Key } from '../../../providers/pkcs11/index.ts';
import { hasSoftHsm, makeSoftHsm, type SoftHsm } from '../../servers/softhsm.ts';
import { Direct, knownAes } from './direct.ts';

const SCRIPT = join(import.meta.dirname, '../../servers/pkcs11/make_blind_key.py');
const hasPython = (() => {
  try {
    execFileSync('python3', ['-c', 'import ctypes'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
})();

describe.skipIf(!hasSoftHsm() || !hasPython)('a blind rewrap in SoftHSM', () => {
  let hsm: SoftHsm;
  let key: Pkcs11Key;
  const make = (id: string): void => {
    const env = { ...process.env, PIN: hsm.pin };
    execFileSync('python3', [SCRIPT, hsm.library, hsm.token, 'blind', id], { env, stdio: 'pipe' });
  };
  beforeAll(async () => {
    hsm = makeSoftHsm();
    make('01');
    const { library, token, pin } = hsm;
    key = await pkcs11({ library, token, pin, object: 'blind', mechanism: 'aes-kwp' });
  });
  afterAll(() => {
    key.close();
    hsm.remove();
  });

  it('brings a wrap to a newer version, while nobody can read what is in it', async () => {
    const binding = new Uint8Array(32);
    const old = await key.wrap(randomFillSync(new Uint8Array(32)), binding);
    make('02');
    await expect(key.unwrap(old, binding)).rejects.toMatchObject({
      code: 'ERR_KEY_DENIED',
      next: expect.stringContaining('CKA_UNWRAP_TEMPLATE') as string,
    });
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const { wrapped, from } = await key.rewrap!(old, binding);
    expect({ from, version: wrapped.version }).toEqual({ from: '01', version: '02' });
    const wrap = wrapped.wrap.slice();
    wrap[3] = (wrap[3] ?? 0) ^ 1;
    await expect(key.rewrap!({ ...wrapped, wrap }, binding)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });

  it('of a whole object: sealed by one key, rewrapped by the token', async () => {
    new Direct(hsm).create(knownAes('whole', '01', randomFillSync(new Uint8Array(32))));
    const { library, token, pin } = hsm;
    const whole = await pkcs11({ library, token, pin, object: 'whole', mechanism: 'aes-kwp' });
    const [plaintext, rewrapped] = [randomFillSync(new Uint8Array(1_000)), whole.rewrap!.bind(whole)];
    const sealed = await seal(plaintext, whole);
    const { currentVersion } = await whole.rotate!();
    const { uri, algorithms, bindsContext, symmetric } = whole;
    const denied = () => Promise.reject(new WaxsealError('ERR_KEY_DENIED', 'not for the rewrapper'));
    const rewrapper = { uri, algorithms, bindsContext, symmetric, wrap: denied, unwrap: denied, rewrap: rewrapped };
    const after = await rewrap(sealed, rewrapper, { blind: true });
    expect((await inspect(after)).recipients.map(({ version }) => version)).toEqual(['01', currentVersion]);
    await whole.disableVersion('01');
    expect(await open(after, whole)).toEqual(plaintext);
    whole.close();
  });

  it('cannot be sealed to: no wrap of it can be proven', async () => {
    await expect(seal(new Uint8Array(10), key)).rejects.toMatchObject({ code: 'ERR_KEY_DENIED' });
  });
});
