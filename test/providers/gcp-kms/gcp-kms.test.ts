import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { gcpKms, type GcpKmsKey, type GcpKmsOptions, NOT_PRIMARY } from '../../../providers/gcp-kms/index.ts';
import { inspect, open, rewrap, seal, sealFile } from '../../../src/envelope/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { containing } from '../../support/matching.ts';
import { memoryKey } from '../../support/memory-key.ts';
import {
  changesDecrypt,
  changesEncrypt,
  decodeEncrypt,
  type GcpFault,
  refuses,
  STATUS,
} from '../../servers/gcp-kms-front.ts';
import { type GcpKms, hasGcpKms, startGcpKms } from '../../servers/gcp-kms.ts';

const plaintext = pattern(2_000);
const ATTEMPTS = 3;
const LIMITS = { maxAttempts: ATTEMPTS, attemptTimeoutMs: 600, deadlineMs: 6_000, breakerFailures: 1000 };

describe.skipIf(!hasGcpKms())('Google Cloud KMS', () => {
  let server: GcpKms;
  const opened: GcpKmsKey[] = [];
  const freshKey = async (options: Partial<GcpKmsOptions> = {}): Promise<GcpKmsKey> => {
    const key = await gcpKms({ key: await server.createKey(), endpoint: server.endpoint, ...LIMITS, ...options });
    opened.push(key);
    return key;
  };
  const nameOf = (key: GcpKmsKey): string => key.uri.slice('gcpkms://'.length);
  const versionIn = async (sealed: Uint8Array) => (await inspect(sealed)).recipients[0]?.version;
  beforeAll(async () => {
    server = await startGcpKms();
  });
  afterAll(async () => {
    for (const key of opened) key.close();
    await server.stop();
  });
  beforeEach(() => {
    server.front.fault = undefined;
    server.front.calls.length = 0;
  });
  /** The fault, for the first `times` calls of that name. */
  const first = (times: number, name: string, fault: GcpFault): GcpFault => {
    let left = times;
    return (call, pass) => (call === name && left-- > 0 ? fault(call, pass) : undefined);
  };
  const always = (name: string, fault: GcpFault): GcpFault => first(Infinity, name, fault);

  it('seals with one Encrypt and one Decrypt, and opens with one Decrypt', async () => {
    const key = await freshKey();
    const sealed = await seal(plaintext, key);
    expect(server.front.calls).toEqual(['Encrypt', 'Decrypt']);
    expect(await open(sealed, key)).toEqual(plaintext);
    expect(server.front.calls).toEqual(['Encrypt', 'Decrypt', 'Decrypt']);
    expect((await inspect(sealed)).recipients).toMatchObject([{ uri: key.uri, version: '1', algorithm: 8 }]);
  });

  it('notices a new primary version, made here or by others', async () => {
    const key = await freshKey();
    const sealed = await seal(plaintext, key);
    expect(await key.rotate()).toMatchObject({
      currentVersion: '2',
      region: 'europe-west3',
      protectionLevel: 'software',
    });
    const second = await rewrap(sealed, key);
    expect(await versionIn(second)).toBe('2');
    const [made] = await server.admin.createCryptoKeyVersion({ parent: nameOf(key), cryptoKeyVersion: {} });
    const cryptoKeyVersionId = made.name?.split('/').at(-1) ?? '';
    await server.admin.updateCryptoKeyPrimaryVersion({ name: nameOf(key), cryptoKeyVersionId });
    expect((await key.describe()).currentVersion).toBe('3');
    const third = await rewrap(second, key);
    expect(await versionIn(third)).toBe('3');
    expect(await open(third, key)).toEqual(plaintext);
    expect(await open(sealed, key)).toEqual(plaintext);
  });

  it('does not believe a version that is claimed: only Cloud KMS knows whether it used the primary one', async () => {
    const key = await freshKey();
    const [secret, binding] = [pattern(32), pattern(32)];
    const old = await key.wrap(secret, binding);
    await key.rotate();
    const fresh = await key.wrap(secret, binding);
    const versionOf = async (wrap: typeof old, version: string) =>
      (await key.unwrap({ ...wrap, version }, binding)).version;
    expect(await versionOf(old, '1')).toBe('1');
    expect(await versionOf(old, '2')).toBe(NOT_PRIMARY);
    expect(await versionOf(old, 'junk')).toBe(NOT_PRIMARY);
    expect(await versionOf(fresh, '1')).toBe('2');
    expect(await versionOf(fresh, '2')).toBe('2');
  });

  it('with a version that is disabled or destroyed: the right code, and the command that helps', async () => {
    const key = await freshKey();
    const sealed = await seal(plaintext, key);
    await key.rotate();
    const name = `${nameOf(key)}/cryptoKeyVersions/1`;
    await key.disableVersion('1');
    await expect(open(sealed, key)).rejects.toMatchObject({
      code: 'ERR_KEY_DISABLED',
      next: containing('gcloud kms keys versions enable VERSION --key'),
    });
    await server.admin.destroyCryptoKeyVersion({ name });
    await expect(open(sealed, key)).rejects.toMatchObject({ code: 'ERR_KEY_DISABLED', next: containing('restore') });
    const { versions } = await key.describe();
    expect(versions.map(({ version, state }) => [version, state])).toEqual([
      ['1', 'suspended'],
      ['2', 'active'],
    ]);
    await key.disableVersion('2');
    await expect(seal(plaintext, key)).rejects.toMatchObject({ code: 'ERR_KEY_DISABLED' });
    expect((await key.describe()).currentVersion).toBeUndefined();
    await expect(key.disableVersion('1/../2')).rejects.toMatchObject({ code: 'ERR_KEY_NOT_FOUND' });
  });

  describe('what is wrong with an answer is refused, and nothing is written', () => {
    const wrong: readonly (readonly [string, string, number, (answer: Buffer) => Buffer])[] = [
      [
        'a CRC32C that does not match (Encrypt)',
        'Encrypt',
        ATTEMPTS,
        (a) => changesEncrypt(a, { ciphertextCrc32c: { value: 1 } }),
      ],
      ['no CRC32C (Encrypt)', 'Encrypt', ATTEMPTS, (a) => changesEncrypt(a, { ciphertextCrc32c: null })],
      [
        'a request whose CRC32C was not verified',
        'Encrypt',
        ATTEMPTS,
        (a) => changesEncrypt(a, { verifiedPlaintextCrc32c: false }),
      ],
      [
        'a binding whose CRC32C was not verified',
        'Encrypt',
        ATTEMPTS,
        (a) => changesEncrypt(a, { verifiedAdditionalAuthenticatedDataCrc32c: false }),
      ],
      [
        'a truncated ciphertext',
        'Encrypt',
        ATTEMPTS,
        (a) => changesEncrypt(a, { ciphertext: (decodeEncrypt(a).ciphertext as Uint8Array).slice(0, 20) }),
      ],
      ['no ciphertext', 'Encrypt', 1, (a) => changesEncrypt(a, { ciphertext: new Uint8Array(0) })],
      [
        'the name of another key',
        'Encrypt',
        1,
        (a) => changesEncrypt(a, { name: decodeEncrypt(a).name.replace('/ring/', '/other/') }),
      ],
      [
        'the name of no version',
        'Encrypt',
        1,
        (a) => changesEncrypt(a, { name: decodeEncrypt(a).name.replace(/[0-9]+$/, 'x') }),
      ],
      [
        'a CRC32C that does not match (Decrypt)',
        'Decrypt',
        ATTEMPTS,
        (a) => changesDecrypt(a, { plaintextCrc32c: { value: 1 } }),
      ],
      ['no plaintext', 'Decrypt', 1, (a) => changesDecrypt(a, { plaintext: new Uint8Array(0) })],
    ];
    it.each(wrong)('%s', async (_name, call, attempts, change) => {
      const folder = await temporaryFolder();
      const [path, sealed] = [join(folder, 'x'), join(folder, 'x.wax')];
      await writeFile(path, plaintext);
      const key = await freshKey();
      server.front.fault = always(call, async (_call, pass) => change(await pass()));
      await expect(sealFile(path, sealed, key)).rejects.toMatchObject({ code: 'ERR_PROVIDER_RESPONSE' });
      expect(server.front.count(call)).toBe(attempts);
      await expect(readFile(sealed)).rejects.toMatchObject({ code: 'ENOENT' });
      const owner = memoryKey();
      server.front.fault = undefined;
      await sealFile(path, sealed, owner);
      const before = await readFile(sealed);
      server.front.fault = always(call, async (_call, pass) => change(await pass()));
      await expect(rewrap(sealed, owner, { from: owner.uri, to: key })).rejects.toMatchObject({
        code: 'ERR_PROVIDER_RESPONSE',
      });
      expect(await readFile(sealed)).toEqual(before);
      // Damaged once, it is asked for again, and nobody notices.
      server.front.fault = first(1, call, async (_call, pass) => change(await pass()));
      if (attempts > 1) expect(await open(await seal(plaintext, key), key)).toEqual(plaintext);
    });

    it('a ciphertext that was truncated with its CRC32C made anew: the verifying unwrap refuses it', async () => {
      const key = await freshKey();
      const { crc32c } = await import('../../../providers/gcp-kms/crc32c.ts');
      server.front.fault = always('Encrypt', async (_call, pass) => {
        const answer = await pass();
        const ciphertext = (decodeEncrypt(answer).ciphertext as Uint8Array).slice(0, -1);
        return changesEncrypt(answer, { ciphertext, ciphertextCrc32c: { value: crc32c(ciphertext) } });
      });
      await expect(seal(plaintext, key)).rejects.toMatchObject({ code: 'ERR_UNVERIFIED_WRAP' });
    });

    it('another plaintext, with its CRC32C: found out by comparing', async () => {
      const key = await freshKey();
      const { crc32c } = await import('../../../providers/gcp-kms/crc32c.ts');
      const other = pattern(32);
      server.front.fault = always('Decrypt', async (_call, pass) =>
        changesDecrypt(await pass(), { plaintext: other, plaintextCrc32c: { value: crc32c(other) } }),
      );
      await expect(seal(plaintext, key)).rejects.toMatchObject({ code: 'ERR_UNVERIFIED_WRAP' });
    });
  });

  describe('faults between client and server', () => {
    const fails =
      (code: number, details = 'fault'): GcpFault =>
      () =>
        refuses(code, details);
    const hangs: GcpFault = () => new Promise(() => undefined);
    const losesAnswer: GcpFault = async (_call, pass) => {
      await pass();
      return refuses(STATUS.UNAVAILABLE, 'connection dropped');
    };
    const passing: readonly (readonly [string, GcpFault])[] = [
      ['throttling', fails(STATUS.RESOURCE_EXHAUSTED)],
      ['an internal error', fails(STATUS.INTERNAL)],
      ['a connection that breaks off', fails(STATUS.UNAVAILABLE, 'Connection dropped')],
      ['a server that hangs', hangs],
      ['an answer that is lost', losesAnswer],
    ];
    it.each(passing)('%s once: sealed all the same, and opens', async (_name, fault) => {
      const key = await freshKey();
      server.front.fault = first(1, 'Encrypt', fault);
      const sealed = await seal(plaintext, key);
      server.front.fault = first(1, 'Decrypt', fault);
      expect(await open(sealed, key)).toEqual(plaintext);
      expect(server.front.count('Encrypt')).toBe(2);
    });

    const lasting: readonly (readonly [string, GcpFault, string, number])[] = [
      ['throttling', fails(STATUS.RESOURCE_EXHAUSTED), 'ERR_PROVIDER_THROTTLED', ATTEMPTS],
      ['an internal error', fails(STATUS.INTERNAL), 'ERR_PROVIDER_UNAVAILABLE', ATTEMPTS],
      ['a server that hangs', hangs, 'ERR_PROVIDER_UNAVAILABLE', ATTEMPTS],
      ['a denial', fails(STATUS.PERMISSION_DENIED), 'ERR_KEY_DENIED', 1],
      ['credentials that expired', fails(STATUS.UNAUTHENTICATED), 'ERR_PROVIDER_CREDENTIALS', 1],
      ['a key that is gone', fails(STATUS.NOT_FOUND), 'ERR_KEY_NOT_FOUND', 1],
      ['a version that is not enabled', fails(STATUS.FAILED_PRECONDITION), 'ERR_KEY_DISABLED', 1],
    ];
    it.each(lasting)(
      '%s that lasts: %#, attempts bounded, the object as it was',
      async (_name, fault, code, attempts) => {
        const key = await freshKey();
        const sealed = await seal(plaintext, key);
        server.front.calls.length = 0;
        server.front.fault = always('Decrypt', fault);
        const started = performance.now();
        await expect(open(sealed, key)).rejects.toMatchObject({ code });
        expect(server.front.count('Decrypt')).toBe(attempts);
        expect(performance.now() - started).toBeLessThan(LIMITS.deadlineMs + 500);
        await expect(rewrap(sealed, key)).rejects.toMatchObject({ code });
        server.front.fault = undefined;
        expect(await open(sealed, key)).toEqual(plaintext);
      },
    );

    it('a denial names the permission', async () => {
      const key = await freshKey();
      server.front.fault = always('Encrypt', fails(STATUS.PERMISSION_DENIED));
      await expect(seal(plaintext, key)).rejects.toMatchObject({
        message: containing('cloudkms.cryptoKeyVersions.useToEncrypt'),
      });
    });

    it('who may only decrypt opens, without a word on versions', async () => {
      const key = await freshKey();
      const sealed = await seal(plaintext, key);
      await key.rotate();
      const reader = await gcpKms({ key: nameOf(key), endpoint: server.endpoint, ...LIMITS });
      opened.push(reader);
      server.front.fault = always('GetCryptoKey', fails(STATUS.PERMISSION_DENIED));
      expect(await open(sealed, reader)).toEqual(plaintext);
    });

    it('a rotation whose answer was lost is not repeated', async () => {
      const key = await freshKey();
      server.front.fault = first(1, 'CreateCryptoKeyVersion', losesAnswer);
      await expect(key.rotate()).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
      expect(server.front.count('CreateCryptoKeyVersion')).toBe(1);
    });

    it('a rotation that stopped half-way says which version was made, and what to do', async () => {
      const key = await freshKey();
      server.front.fault = always('UpdateCryptoKeyPrimaryVersion', fails(STATUS.PERMISSION_DENIED));
      await expect(key.rotate()).rejects.toMatchObject({
        code: 'ERR_KEY_DENIED',
        message: containing('version 2 of'),
        next: containing('do not rotate again: gcloud kms keys set-primary-version'),
      });
      expect(await key.describe()).toMatchObject({ currentVersion: '1' });
    });

    it('an endpoint where nobody listens, and a signal that is aborted in mid-call', async () => {
      const key = await freshKey({ endpoint: 'http://127.0.0.1:9', deadlineMs: 2_000 });
      await expect(seal(plaintext, key)).rejects.toMatchObject({ code: 'ERR_PROVIDER_UNAVAILABLE' });
      const hanging = await freshKey({ attemptTimeoutMs: 60_000, deadlineMs: 60_000 });
      server.front.fault = always('Encrypt', hangs);
      const stop = new AbortController();
      const reason = new Error('enough');
      setTimeout(() => {
        stop.abort(reason);
      }, 100);
      await expect(seal(plaintext, hanging, { signal: stop.signal })).rejects.toBe(reason);
    });
  });

  it('asks for the primary version once for many, and not for every unwrap', async () => {
    const key = await freshKey();
    const sealed = await seal(plaintext, key);
    const reader = await gcpKms({ key: nameOf(key), endpoint: server.endpoint, ...LIMITS });
    opened.push(reader);
    server.front.calls.length = 0;
    await Promise.all(Array.from({ length: 50 }, () => open(sealed, reader)));
    expect(server.front.count('Decrypt')).toBe(50);
    expect(server.front.count('GetCryptoKey')).toBeLessThanOrEqual(1);
  });

  it('prints custom roles with the least permissions, and none for blind rewraps', async () => {
    const key = await freshKey();
    expect(key.policy('opener')).toContain('- cloudkms.cryptoKeyVersions.useToDecrypt');
    expect(key.policy('opener')).not.toContain('useToEncrypt');
    expect(key.policy('sealer')).toContain('gcloud kms keys add-iam-policy-binding');
    expect(() => key.policy('blind-rewrapper')).toThrow('Cloud KMS cannot rewrap inside');
  });
});

describe('options of gcpKms', () => {
  const key = 'projects/p/locations/global/keyRings/r/cryptoKeys/k';

  it.each([
    ['unknown', { key, projectID: 'p' }, TypeError],
    ['a client with an endpoint', { key, client: {}, endpoint: 'https://kms.example' }, TypeError],
    ['two credentials', { key, keyFile: 'x', credentials: { client_email: 'x', private_key: 'y' } }, TypeError],
    ['a wrong time', { key, rotationTimeoutMs: -1 }, RangeError],
    ['no key', {}, TypeError],
  ])('refuses %s', async (_name, options, type) => {
    await expect(gcpKms(options as never)).rejects.toBeInstanceOf(type);
  });

  it.each([
    ['plain http to another machine', { key, endpoint: 'http://192.0.2.1:80' }, 'ERR_CONFIG'],
    ['the name of a version', { key: `${key}/cryptoKeyVersions/1` }, 'ERR_INVALID_KEY_URI'],
    ['a name with a path in it', { key: `${key}/../x` }, 'ERR_INVALID_KEY_URI'],
  ])('refuses %s', async (_name, options, code) => {
    await expect(gcpKms(options)).rejects.toMatchObject({ code });
  });

  it('refuses to work while the SDK would log data keys', async () => {
    process.env['GOOGLE_SDK_NODE_LOGGING'] = 'kms';
    try {
      await expect(gcpKms({ key })).rejects.toMatchObject({ code: 'ERR_CONFIG', message: containing('data keys') });
    } finally {
      delete process.env['GOOGLE_SDK_NODE_LOGGING'];
    }
  });
});
