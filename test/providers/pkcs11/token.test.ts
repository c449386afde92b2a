/** What PKCS#11 does beyond the promises of the port: against an independent implementation, and with a hostile token. */
import { createCipheriv, createDecipheriv, generateKeyPairSync, randomFillSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPkcs11Key, pkcs11, type Pkcs11Key, type Pkcs11Options } from '../../../providers/pkcs11/index.ts';
import { hasSoftHsm, makeSoftHsm, type SoftHsm } from '../../servers/softhsm.ts';
import { AES, Direct, knownAes, PRIVATE_KEY, PUBLIC_KEY, RSA, SECRET_KEY } from './direct.ts';

const random = (length: number) => randomFillSync(new Uint8Array(length));

describe.skipIf(!hasSoftHsm())('PKCS#11 on SoftHSM', () => {
  let hsm: SoftHsm;
  let direct: Direct;
  const open: Pkcs11Key[] = [];
  let counter = 0;
  beforeAll(() => {
    hsm = makeSoftHsm();
    direct = new Direct(hsm);
  });
  afterAll(() => {
    for (const key of open) key.close();
    hsm.remove();
  });

  const common = () => ({ library: hsm.library, token: hsm.token, pin: hsm.pin });
  const label = () => `token test ${String(++counter)}`;
  const opened = async (options: Partial<Pkcs11Options>) => {
    const key = await pkcs11({ ...common(), ...options });
    open.push(key);
    return key;
  };
  const created = async (options: Parameters<typeof createPkcs11Key>[0]) => {
    const key = await createPkcs11Key({ ...common(), ...options });
    open.push(key);
    return key;
  };

  describe('an independent implementation', () => {
    it('opens and makes AES-GCM wraps: iv(12) ‖ ciphertext ‖ tag(16), AAD = binding', async () => {
      const [value, object, secret, binding] = [random(32), label(), random(32), random(32)];
      direct.create(knownAes(object, '01', value));
      const key = await opened({ object });
      const { wrap, version, algorithm } = await key.wrap(secret, binding);
      expect({ version, algorithm, length: wrap.length }).toEqual({
        version: '01',
        algorithm: 5,
        length: 12 + 32 + 16,
      });
      const decipher = createDecipheriv('aes-256-gcm', value, wrap.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(binding).setAuthTag(wrap.subarray(-16));
      expect(Buffer.concat([decipher.update(wrap.subarray(12, -16)), decipher.final()])).toEqual(Buffer.from(secret));

      const cipher = createCipheriv('aes-256-gcm', value, random(12), { authTagLength: 16 });
      const iv = random(12);
      const other = createCipheriv('aes-256-gcm', value, iv, { authTagLength: 16 }).setAAD(binding);
      cipher.final();
      const made = Buffer.concat([iv, other.update(secret), other.final(), other.getAuthTag()]);
      const wrapped = { uri: key.uri, version: '01', algorithm: 5, wrap: new Uint8Array(made) };
      expect((await key.unwrap(wrapped, binding)).secret).toEqual(secret);
    });

    it.each([16, 17, 31, 32, 63, 64])('opens AES-KWP wraps of %i bytes: RFC 5649 of n ‖ secret ‖ zeros', async (n) => {
      const [value, object, secret] = [random(32), label(), random(n)];
      direct.create(knownAes(object, '01', value));
      const key = await opened({ object, mechanism: 'aes-kwp' });
      const { wrap } = await key.wrap(secret, new Uint8Array(32));
      const decipher = createDecipheriv('id-aes256-wrap-pad', value, Buffer.from('a65959a6', 'hex'));
      const content = Buffer.concat([decipher.update(wrap), decipher.final()]);
      expect(content).toEqual(Buffer.concat([Buffer.of(n), secret, Buffer.alloc((8 - ((n + 1) % 8)) % 8)]));
      expect(wrap.length).toBe(content.length + 8);
    });

    it('holds the private half of RSA-OAEP', async () => {
      const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
      const jwk = privateKey.export({ format: 'jwk' });
      const part = (name: 'n' | 'e' | 'd' | 'p' | 'q' | 'dp' | 'dq' | 'qi') => Buffer.from(jwk[name]!, 'base64url');
      const object = label();
      const both = { keyType: RSA, label: object, id: Buffer.of(7), modulus: part('n'), publicExponent: part('e') };
      direct.create({ ...both, class: PUBLIC_KEY, encrypt: true, wrap: true });
      direct.create({
        ...both,
        class: PRIVATE_KEY,
        private: true,
        sensitive: true,
        extractable: false,
        decrypt: true,
        unwrap: true,
        privateExponent: part('d'),
        prime1: part('p'),
        prime2: part('q'),
        exp1: part('dp'),
        exp2: part('dq'),
        coefficient: part('qi'),
      });
      const key = await opened({ object, oaepHash: 'sha1' });
      const secret = random(64);
      const wrapped = await key.wrap(secret, new Uint8Array(32));
      expect(wrapped).toMatchObject({ version: '07', algorithm: 10 });
      const { privateDecrypt, constants } = await import('node:crypto');
      const padding = constants.RSA_PKCS1_OAEP_PADDING;
      expect(privateDecrypt({ key: privateKey, oaepHash: 'sha1', padding }, wrapped.wrap)).toEqual(Buffer.from(secret));
      const again = await key.rewrap!(wrapped, new Uint8Array(32));
      const inside = privateDecrypt({ key: privateKey, oaepHash: 'sha1', padding }, again.wrapped.wrap);
      expect(inside).toEqual(Buffer.from(secret));
    });
  });

  it('refuses RSA-OAEP with SHA-256, which SoftHSM does not know, and names the way out', async () => {
    const object = label();
    await created({ object, mechanism: 'rsa-oaep', oaepHash: 'sha1', bits: 2048 });
    await expect(opened({ object })).rejects.toMatchObject({
      code: 'ERR_PROVIDER_UNSUPPORTED',
      next: expect.stringContaining("oaepHash: 'sha1'") as string,
    });
  });

  describe('keys that others put beside ours', () => {
    it('count only when they are private: the rest can be put there without the PIN', async () => {
      const object = label();
      const key = await created({ object });
      const { currentVersion } = await key.describe();
      direct.create(knownAes(object, 'ffff', random(32), { private: false, sensitive: false }));
      const { versions } = await key.describe();
      expect(versions.map(({ version }) => version)).toEqual([currentVersion]);
      expect((await key.wrap(random(32), random(32))).version).toBe(currentVersion);
    });

    it('are refused where no other is private', async () => {
      const object = label();
      direct.create(knownAes(object, '01', random(32), { private: false }));
      await expect(opened({ object })).rejects.toMatchObject({
        code: 'ERR_PROVIDER_UNSUPPORTED',
        next: expect.stringContaining('--private') as string,
      });
    });

    it.each(['aes-kwp', 'rsa-oaep'] as const)('take no new wraps from %s rewraps', async (mechanism) => {
      const object = label();
      const rsa = mechanism === 'rsa-oaep';
      const key = await created({ object, mechanism, ...(rsa ? { oaepHash: 'sha1', bits: 2048 } : {}) });
      const [secret, binding] = [random(32), new Uint8Array(32)];
      const wrapped = await key.wrap(secret, binding);
      if (rsa) {
        const jwk = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' });
        const [modulus, publicExponent] = [Buffer.from(jwk.n!, 'base64url'), Buffer.from(jwk.e!, 'base64url')];
        const id = Buffer.from(wrapped.version, 'hex');
        const kind = { class: PUBLIC_KEY, keyType: RSA, label: object, id, encrypt: true, wrap: true };
        direct.destroy({ class: PUBLIC_KEY, label: object });
        direct.create({ ...kind, modulus, publicExponent });
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        await expect(key.rewrap!(wrapped, binding)).rejects.toMatchObject({ code: 'ERR_KEY_DISABLED' });
      } else {
        direct.create(knownAes(object, 'ffff', random(32), { private: false, sensitive: false }));
        await new Promise((resolve) => setTimeout(resolve, 1_100));
        const { wrapped: again } = await key.rewrap!(wrapped, binding);
        expect(again.version).toBe(wrapped.version);
      }
      expect((await key.unwrap(wrapped, binding)).secret).toEqual(secret);
    });

    it('make the key unusable when they share a CKA_ID with it, and are named', async () => {
      const object = label();
      direct.create(knownAes(object, '01', random(32)));
      direct.create(knownAes(object, '01', random(32)));
      await expect(opened({ object })).rejects.toMatchObject({
        code: 'ERR_PROVIDER_RESPONSE',
        message: expect.stringContaining('CKA_ID 01') as string,
      });
    });

    it('need a CKA_ID', async () => {
      const object = label();
      direct.create(knownAes(object, '', random(32)));
      await expect(opened({ object })).rejects.toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' });
    });

    it('are versions in the order of their numbers', async () => {
      const object = label();
      for (const id of ['0a', '0009', 'ff00ff00ff']) direct.create(knownAes(object, id, random(32)));
      const key = await opened({ object });
      const { versions, currentVersion } = await key.describe();
      expect(versions.map(({ version, label: name, state }) => [version, name, state])).toEqual([
        ['ff00ff00ff', '0', 'deactivated'],
        ['0009', '9', 'deactivated'],
        ['0a', '10', 'active'],
      ]);
      expect(currentVersion).toBe('0a');
      const rotated = await key.rotate!();
      expect(rotated.versions.at(-1)).toMatchObject({ label: '11', state: 'active' });
      expect(rotated.currentVersion).toHaveLength(36);
      expect(Date.now() - rotated.lastRotated!.getTime()).toBeLessThan(60_000);
    });
  });

  it('makes versions that are never extractable, and never of one id', async () => {
    const object = label();
    const key = await created({ object });
    await Promise.all([key.rotate!(), key.rotate!(), key.rotate!()]);
    const { versions } = await key.describe();
    expect(new Set(versions.map(({ version }) => version)).size).toBe(4);
    const guarded = { class: SECRET_KEY, keyType: AES, label: object, sensitive: true, extractable: false };
    expect(direct.destroy({ ...guarded, private: true })).toBe(4);
    await expect(key.describe()).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
  });

  it('uses one version alone when it is named by its id', async () => {
    const object = label();
    for (const id of ['01', '02']) direct.create(knownAes(object, id, random(32)));
    const key = await opened({ object, id: '01' });
    expect(key.uri).toMatch(/;id=%01$/);
    expect(key.rotate).toBeUndefined();
    expect((await key.wrap(random(32), random(32))).version).toBe('01');
    await expect(key.disableVersion('02')).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
  });

  it('says which flag cannot be changed', async () => {
    const object = label();
    direct.create(knownAes(object, '01', random(32), { modifiable: false }));
    const key = await opened({ object });
    await expect(key.disableVersion('01')).rejects.toMatchObject({
      code: 'ERR_PROVIDER_UNSUPPORTED',
      message: expect.stringContaining('CKA_ENCRYPT') as string,
    });
  });

  it.each(['aes-gcm', 'aes-kwp', 'rsa-oaep'] as const)(
    '%s: goes on after all sessions were lost',
    async (mechanism) => {
      const object = label();
      const rsa = mechanism === 'rsa-oaep' ? { oaepHash: 'sha1' as const, bits: 2048 } : {};
      const key = await created({ object, mechanism, ...rsa });
      const binding = random(32);
      const secrets = Array.from({ length: 8 }, () => random(32));
      for (let round = 0; round < 3; round += 1) {
        direct.closeAll();
        const wraps = await Promise.all(secrets.map((secret) => key.wrap(secret, binding)));
        direct.closeAll();
        const back = await Promise.all(wraps.map((wrapped) => key.unwrap(wrapped, binding)));
        expect(back.map(({ secret }) => secret)).toEqual(secrets);
      }
      direct.closeAll();
      expect((await key.rotate!()).versions).toHaveLength(2);
    },
  );

  it('does not hold up the main thread, nor the process at its end', async () => {
    const key = await created({ object: label(), mechanism: 'rsa-oaep', oaepHash: 'sha1', bits: 2048 });
    const binding = random(32);
    const wrapped = await key.wrap(random(32), binding);
    let longest = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longest = Math.max(longest, now - last);
      last = now;
    }, 2);
    await Promise.all(Array.from({ length: 64 }, () => key.unwrap(wrapped, binding)));
    const generated = key.rotate!();
    await generated;
    clearInterval(timer);
    expect(longest).toBeLessThan(100);
  });

  it('refuses bad wraps as such however many there are, and keeps opening good ones', async () => {
    const key = await created({ object: label() });
    const [secret, binding] = [random(32), random(32)];
    const wrapped = await key.wrap(secret, binding);
    const wrap = wrapped.wrap.slice();
    wrap[20] = (wrap[20] ?? 0) ^ 1;
    const before = performance.now();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 40 }, () => key.unwrap({ ...wrapped, wrap }, binding)),
    );
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'ERR_AUTHENTICATION' } });
    }
    expect(performance.now() - before).toBeLessThan(5_000);
    expect((await key.unwrap(wrapped, binding)).secret).toEqual(secret);
  });

  it('is closed for good', async () => {
    const key = await created({ object: label() });
    const other = await opened({ object: label() }).catch((error: unknown) => error);
    expect(other).toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      next: expect.stringContaining('--private --sensitive') as string,
    });
    key.close();
    key.close();
    await expect(key.wrap(random(32), random(32))).rejects.toBeInstanceOf(TypeError);
    await (await created({ object: label() })).wrap(random(32), random(32));
  });

  it('names the tokens that are there when one is not', async () => {
    await expect(opened({ token: 'elsewhere', object: 'k' })).rejects.toMatchObject({
      code: 'ERR_KEY_NOT_FOUND',
      message: expect.stringContaining(hsm.token) as string,
    });
  });
});
