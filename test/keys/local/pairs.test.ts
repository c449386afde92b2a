import { generateKeyPairSync } from 'node:crypto';
import { chmod, readdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLocalKeyring, readKeyringInfo, restoreLocalKeyring } from '../../../src/keys/local/index.ts';
import { makePair, type PairRecord, readPair, withPrivateKey } from '../../../src/keys/local/pair-records.ts';
import { RingSecrets } from '../../../src/keys/local/ring-secrets.ts';
import type { WaxsealEvent } from '../../../src/keys/observer.ts';
import { x25519KeyPair } from '../../../src/keys/x25519/index.ts';
import { providerConformance } from '../../../src/testing/index.ts';
import { leftovers } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';
import { cheap, random, refusal, snapshot, type TestRing, testRing } from './rings.ts';

const fileOf = ({ folder }: TestRing, name = 'inbox'): string => join(folder, 'x25519', `${name}.json`);

describe('a key pair of a keyring keeps the promises of the port', () => {
  const suite = providerConformance(async () => {
    const { ring } = await testRing({}, []);
    const close = (): void => {
      ring.close();
    };
    return { provider: await ring.createX25519('inbox'), close };
  });
  it.each(suite.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    await run();
  });
});

describe('a key pair', () => {
  it('is made, found again, listed after the local keys, and opens what was wrapped to it', async () => {
    const made = await testRing();
    const pair = await made.ring.createX25519('inbox');
    const [secret, bind] = [random(), random()];
    const wrapped = await pair.wrap(secret, bind);
    const other = await made.reopen();
    expect((await other.keys()).map(({ uri }) => uri)).toEqual(['local:default', pair.uri]);
    expect((await other.list()).map(({ uri }) => uri)).toEqual(['local:default', pair.uri]);
    expect((await other.x25519Keys()).map(({ name, uri }) => [name, uri])).toEqual([['inbox', pair.uri]]);
    expect(await readKeyringInfo(made.folder)).toMatchObject({ names: ['default'], pairs: ['inbox'] });
    const found = await other.x25519Key('inbox');
    expect((await found.unwrap(wrapped, bind)).secret).toEqual(secret);
    const { versions, protectionLevel } = await found.describe();
    expect([versions.length, protectionLevel]).toEqual([1, 'software']);
    expect(Date.now() - (versions[0]?.created?.getTime() ?? 0)).toBeLessThan(60_000);
    expect(await leftovers(made.base)).toEqual([]);
  });

  it('is one private file, which holds no private key in the clear', async () => {
    const made = await testRing();
    const privateKey = random();
    await made.ring.importX25519('inbox', privateKey);
    expect((await stat(fileOf(made))).mode & 0o777).toBe(0o600);
    expect((await stat(join(made.folder, 'x25519'))).mode & 0o777).toBe(0o700);
    for (const [name, bytes] of await snapshot(made.folder)) {
      for (const form of ['base64url', 'base64', 'hex'] as const) {
        expect(bytes.toString().includes(Buffer.from(privateKey).toString(form)), name).toBe(false);
      }
    }
  });

  it('is taken in from 32 bytes and from PEM, once', async () => {
    const made = await testRing();
    const privateKey = random();
    const kept = privateKey.slice();
    const pair = await made.ring.importX25519('raw', privateKey);
    expect(privateKey).toEqual(kept);
    expect(pair.uri).toBe(x25519KeyPair(privateKey).uri);
    const again = await refusal(made.ring.importX25519('twice', privateKey), 'ERR_KEY_EXISTS');
    expect(again.message).toContain('as raw');
    const { privateKey: pem } = generateKeyPairSync('x25519', {
      privateKeyEncoding: { format: 'pem', type: 'pkcs8' },
      publicKeyEncoding: { format: 'pem', type: 'spki' },
    });
    const fromPem = await made.ring.importX25519('pem', new TextEncoder().encode(pem));
    const bind = random();
    await fromPem.unwrap(await fromPem.wrap(random(), bind), bind);
    await refusal(made.ring.importX25519('none', random(33)), 'ERR_USAGE');
    await expect(made.ring.importX25519('none', pem as unknown as Uint8Array)).rejects.toThrow(TypeError);
    expect((await made.ring.x25519Keys()).map(({ name }) => name)).toEqual(['pem', 'raw']);
  });

  it('has the name rules of local keys, and is never replaced', async () => {
    const made = await testRing();
    await made.ring.createX25519('inbox');
    const before = await snapshot(made.folder);
    await refusal(made.ring.createX25519('inbox'), 'ERR_KEY_EXISTS');
    await refusal(made.ring.importX25519('inbox', random()), 'ERR_KEY_EXISTS');
    for (const name of ['', '../x', 'A', 'a/b', '.a', 'a'.repeat(65), 'x25519:a']) {
      await refusal(made.ring.createX25519(name), 'ERR_INVALID_KEY_URI');
      await refusal(made.ring.x25519Key(name), 'ERR_INVALID_KEY_URI');
    }
    expect((await refusal(made.ring.x25519Key('other'), 'ERR_KEY_NOT_FOUND')).next).toContain('--x25519');
    expect(await snapshot(made.folder)).toEqual(before);
    // Beside a local key of the same name: its URI is its public key, so that the two never meet.
    await made.ring.createX25519('default');
  });

  it('is made by one of many processes at once', async () => {
    const made = await testRing();
    const rings = await Promise.all(Array.from({ length: 6 }, () => made.reopen()));
    const results = await Promise.allSettled(rings.map((ring) => ring.createX25519('inbox')));
    const fulfilled = results.filter(({ status }) => status === 'fulfilled');
    expect(fulfilled).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'ERR_KEY_EXISTS' });
    }
  });

  it('tells the observer, who may veto it', async () => {
    const events: WaxsealEvent[] = [];
    const made = await testRing({ observe: (event) => void events.push(event) }, []);
    const pair = await made.ring.createX25519('inbox');
    expect(events.map(({ type, keyUri, keyVersion }) => [type, keyUri, keyVersion])).toEqual([
      ['key.create.intent', pair.uri, undefined],
      ['key.create.done', pair.uri, '1'],
    ]);
    const vetoing = await made.reopen({
      observe: () => {
        throw new Error('no');
      },
    });
    await refusal(vetoing.createX25519('other'), 'ERR_VETOED');
    expect(await readdir(join(made.folder, 'x25519'))).toEqual(['inbox.json']);
  });

  it('does nothing any more once its keyring was closed', async () => {
    const made = await testRing();
    const pair = await made.ring.createX25519('inbox');
    const bind = random();
    const wrapped = await pair.wrap(random(), bind);
    made.ring.close();
    for (const work of [
      () => pair.unwrap(wrapped, bind),
      () => pair.wrap(random(), bind),
      () => pair.describe(),
      () => made.ring.x25519Keys(),
      () => made.ring.x25519Key('inbox'),
      () => made.ring.createX25519('new'),
      () => made.ring.importX25519('new', random()),
    ]) {
      await expect(work()).rejects.toThrow(TypeError);
    }
  });
});

describe('damage of a pair', () => {
  it('in any byte is refused, and the file is named', async () => {
    const made = await testRing();
    const pair = await made.ring.createX25519('inbox');
    const bind = random();
    const wrapped = await pair.wrap(random(), bind);
    const path = fileOf(made);
    const good = await readFile(path);
    for (let at = 0; at < good.length; at += scaled(2, 1, 1)) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(path, bad);
      for (const work of [
        () => made.ring.x25519Key('inbox'),
        () => pair.unwrap(wrapped, bind),
        () => pair.wrap(random(), bind),
      ]) {
        const error: unknown = await work().then(
          () => undefined,
          (reason: unknown) => reason,
        );
        expect(error, `byte ${String(at)}`).toMatchObject({ object: path });
        expect(['ERR_KEYRING_DAMAGED', 'ERR_UNSUPPORTED_VERSION']).toContain((error as { code: string }).code);
      }
    }
    await writeFile(path, good);
    await pair.unwrap(wrapped, bind);
  });

  it('cut, missing, another pair in its place, a link or loose permissions: refused', async () => {
    const made = await testRing();
    const pair = await made.ring.createX25519('inbox');
    await made.ring.createX25519('other');
    const [path, bind] = [fileOf(made), random()];
    const wrapped = await pair.wrap(random(), bind);
    const good = await readFile(path);
    const unwrap = (): Promise<unknown> => pair.unwrap(wrapped, bind);
    await truncate(path, 40);
    await refusal(unwrap(), 'ERR_KEYRING_DAMAGED');
    await rm(path);
    await refusal(unwrap(), 'ERR_KEYRING_DAMAGED');
    await refusal(pair.wrap(random(), bind), 'ERR_KEYRING_DAMAGED');
    await writeFile(path, await readFile(fileOf(made, 'other')), { mode: 0o600 });
    await refusal(unwrap(), 'ERR_KEYRING_DAMAGED');
    await writeFile(path, good);
    await rename(path, `${path}.real`);
    await symlink(`${path}.real`, path);
    await refusal(unwrap(), 'ERR_KEYRING_DAMAGED');
    await rm(path);
    await rename(`${path}.real`, path);
    await chmod(path, 0o640);
    await refusal(unwrap(), 'ERR_KEYRING_PERMISSIONS');
    await chmod(path, 0o600);
    await chmod(join(made.folder, 'x25519'), 0o755);
    await refusal(unwrap(), 'ERR_KEYRING_PERMISSIONS');
    await refusal(made.reopen(), 'ERR_KEYRING_PERMISSIONS');
    await chmod(join(made.folder, 'x25519'), 0o700);
    await unwrap();
    // A pair of another keyring does not get in, nor a keyring without its head but with pairs.
    const foreign = await testRing();
    await foreign.ring.createX25519('inbox');
    await writeFile(path, await readFile(fileOf(foreign)));
    await refusal(unwrap(), 'ERR_KEYRING_DAMAGED');
    await rm(join(made.folder, 'keyring.json'));
    await rm(join(made.folder, 'keys'), { recursive: true });
    await refusal(made.reopen(), 'ERR_KEYRING_DAMAGED');
  });
});

describe('a pair that is not the one it was', () => {
  it('is refused when another one of this keyring took its name', async () => {
    const made = await testRing();
    const pair = await made.ring.createX25519('inbox');
    const bind = random();
    const wrapped = await pair.wrap(random(), bind);
    await rm(fileOf(made));
    await made.ring.createX25519('inbox');
    const error = await refusal(pair.unwrap(wrapped, bind), 'ERR_KEYRING_DAMAGED');
    expect(error.message).toMatch(/no longer holds the pair/);
    await refusal(pair.wrap(random(), bind), 'ERR_KEYRING_DAMAGED');
  });

  it('is refused when its two halves do not belong together, also if the keyring itself wrote that', () => {
    const secrets = new RingSecrets(random(16), new Uint8Array(new ArrayBuffer(32)));
    const pair = readPair(makePair('inbox', random(), new Date(), secrets), secrets, 'path');
    const use = (record: PairRecord): unknown => withPrivateKey(record, secrets, 'path', () => 'used');
    expect(use(pair)).toBe('used');
    const sealedPrivateKey = secrets.sealPrivateKey(random(), pair.publicKey);
    expect(() => use({ ...pair, sealedPrivateKey })).toThrow(/two halves/);
    expect(() => use({ ...pair, publicKey: random() })).toThrow(/does not open/);
  });
});

describe('a backup', () => {
  const PASSPHRASE = 'backup passphrase';

  async function backedUp() {
    const made = await testRing();
    const pair = await made.ring.createX25519('inbox');
    const [secret, bind] = [random(), random()];
    const wrapped = await pair.wrap(secret, bind);
    const backup = join(made.base, 'backup.json');
    const report = await made.ring.backup(backup, PASSPHRASE);
    const opens = async (folder: string, unlock: { passphrase: string } | { keyFile: string }): Promise<void> => {
      const ring = await openLocalKeyring(folder, unlock);
      const found = await ring.x25519Key('inbox');
      expect((await found.unwrap(wrapped, bind)).secret).toEqual(secret);
      ring.close();
    };
    return { ...made, pair, backup, report, opens };
  }

  it('holds the pairs, and is complete until another one is made', async () => {
    const { ring, report, pair, base } = await backedUp();
    expect(report.keys).toBe(2);
    expect(report.versions).toContain(`${pair.uri}/1`);
    expect(await ring.lastBackup()).toMatchObject({ complete: true });
    await ring.createX25519('another');
    expect(await ring.lastBackup()).toMatchObject({ complete: false });
    await ring.backup(join(base, 'again.json'), PASSPHRASE);
    expect(await ring.lastBackup()).toMatchObject({ complete: true });
  });

  it('brings the pairs back into a new home, and says that it is their backup', async () => {
    const { backup, base, opens } = await backedUp();
    const folder = join(base, 'new');
    const { added } = await restoreLocalKeyring(backup, folder, PASSPHRASE, { passphrase: 'new' }, cheap);
    expect(added).toEqual(['keys/default/00000001.json', 'x25519/inbox.json', 'keyring.json']);
    await opens(folder, { passphrase: 'new' });
    expect((await stat(join(folder, 'x25519'))).mode & 0o777).toBe(0o700);
    const restored = await openLocalKeyring(folder, { passphrase: 'new' });
    expect(await restored.lastBackup()).toMatchObject({ complete: true });
  });

  it('mends a missing and a damaged pair, and leaves everything else alone', async () => {
    const { backup, folder, unlock, opens } = await backedUp();
    const good = await snapshot(folder);
    const path = join(folder, 'x25519/inbox.json');
    for (const spoil of [
      () => rm(path),
      () => rm(join(folder, 'x25519'), { recursive: true }),
      () => truncate(path, 30),
      () => writeFile(path, '{}\n'),
    ]) {
      await spoil();
      const { added } = await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap);
      expect(added).toEqual(['x25519/inbox.json']);
      const now = await snapshot(folder);
      for (const [name, bytes] of good) expect(now.get(name), name).toEqual(bytes);
      await opens(folder, unlock);
    }
    expect((await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap)).added).toEqual([]);
  });

  it('does not replace another pair of the same name; the same pair taken in anew is no conflict', async () => {
    const { backup, folder, unlock, ring, opens } = await backedUp();
    const path = join(folder, 'x25519/inbox.json');
    const original = await readFile(path);
    await rm(path);
    const other = await openLocalKeyring(folder, unlock);
    await other.createX25519('inbox');
    const before = await snapshot(folder);
    const error = await refusal(restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap), 'ERR_KEY_EXISTS');
    expect(error.message).toContain('the key pair inbox');
    expect(await snapshot(folder)).toEqual(before);
    await rm(path);
    const privateKey = random();
    const imported = await other.importX25519('mine', privateKey);
    const twin = join(folder, '..', 'twin.json');
    await other.backup(twin, PASSPHRASE);
    await rm(join(folder, 'x25519/mine.json'));
    await other.importX25519('mine', privateKey);
    const kept = await readFile(join(folder, 'x25519/mine.json'));
    expect((await restoreLocalKeyring(twin, folder, PASSPHRASE, unlock, cheap)).added).toEqual([]);
    expect(await readFile(join(folder, 'x25519/mine.json'))).toEqual(kept);
    expect((await other.x25519Key('mine')).uri).toBe(imported.uri);
    await writeFile(path, original, { mode: 0o600 });
    await opens(folder, unlock);
    ring.close();
  });

  it('is not made of a damaged pair', async () => {
    const { ring, folder, base } = await backedUp();
    await truncate(join(folder, 'x25519/inbox.json'), 20);
    await refusal(ring.backup(join(base, 'new'), 'x'), 'ERR_KEYRING_DAMAGED');
    await expect(stat(join(base, 'new'))).rejects.toThrow();
  });
});
