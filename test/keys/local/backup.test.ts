import { chmod, mkdir, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLocalKeyring, restoreLocalKeyring } from '../../../src/keys/local/index.ts';
import { makeBackup, openBackup } from '../../../src/keys/local/backup-file.ts';
import { makeRecord } from '../../../src/keys/local/key-records.ts';
import type { JsonRecord } from '../../../src/keys/local/record.ts';
import { RingSecrets } from '../../../src/keys/local/ring-secrets.ts';
import type { KeyState, WrappedSecret } from '../../../src/keys/provider.ts';
import { leftovers } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';
import { cheap, random, refusal, snapshot, type TestRing, testRing } from './rings.ts';

const PASSPHRASE = 'backup passphrase';

interface Wrapped {
  readonly wrapped: WrappedSecret;
  readonly secret: Uint8Array;
  readonly bind: Uint8Array;
}

/** A keyring with a history, wraps under every version, and its backup. */
async function backedUp(): Promise<TestRing & { backup: string; wraps: Wrapped[] }> {
  const made = await testRing({}, ['default', 'second']);
  const wraps: Wrapped[] = [];
  const wrap = async (name: string): Promise<void> => {
    const [secret, bind] = [random(), random()];
    wraps.push({ wrapped: await made.ring.key(name).wrap(secret, bind), secret, bind });
  };
  await wrap('default');
  await made.ring.rotate('default');
  await wrap('default');
  await wrap('second');
  await made.ring.setState('default', '1', 'compromised');
  const backup = join(made.base, 'backup.json');
  await made.ring.backup(backup, PASSPHRASE);
  return { ...made, backup, wraps };
}

async function assertOpens(
  folder: string,
  unlock: TestRing['unlock'] | { passphrase: string },
  wraps: readonly Wrapped[],
): Promise<void> {
  const ring = await openLocalKeyring(folder, unlock);
  for (const { wrapped, secret, bind } of wraps) {
    const key = ring.key(wrapped.uri.slice('local:'.length));
    expect((await key.unwrap(wrapped, bind)).secret).toEqual(secret);
  }
  await ring.list();
  ring.close();
}

describe('a backup', () => {
  it('is one private file that holds every version and no key in the clear', async () => {
    const { backup, ring, base } = await backedUp();
    expect((await stat(backup)).mode & 0o777).toBe(0o600);
    expect(await leftovers(base)).toEqual([]);
    const { versions, keys, at } = await ring.backup(join(base, 'again.json'), PASSPHRASE);
    expect([keys, versions.size]).toEqual([2, 3]);
    expect(Date.now() - at.getTime()).toBeLessThan(60_000);
  });

  it('is not written over another file, nor into the keyring, nor under an empty passphrase', async () => {
    const { backup, ring, folder, base } = await backedUp();
    const before = await readFile(backup);
    await refusal(ring.backup(backup, PASSPHRASE), 'ERR_OUTPUT_EXISTS');
    expect(await readFile(backup)).toEqual(before);
    await symlink(folder, join(base, 'link'));
    for (const path of [join(folder, 'b'), join(folder, 'keys', 'b'), join(base, 'link', 'b')]) {
      await refusal(ring.backup(path, PASSPHRASE), 'ERR_USAGE');
    }
    await refusal(ring.backup(join(base, 'b2'), ''), 'ERR_USAGE');
    await refusal(ring.backup(join(base, 'none', 'b2'), 'x'), 'ERR_FILE_NOT_FOUND');
  });

  it('is complete until something new is made', async () => {
    const { ring, base } = await testRing();
    expect(await ring.lastBackup()).toBeUndefined();
    await ring.backup(join(base, '1'), 'x');
    expect(await ring.lastBackup()).toMatchObject({ complete: true });
    await ring.rotate('default');
    expect(await ring.lastBackup()).toMatchObject({ complete: false });
    await ring.backup(join(base, '2'), 'x');
    expect(await ring.lastBackup()).toMatchObject({ complete: true });
    await ring.create('other');
    expect(await ring.lastBackup()).toMatchObject({ complete: false });
    await ring.backup(join(base, '3'), 'x');
    await ring.setState('default', '1', 'destroyed');
    expect(await ring.lastBackup()).toMatchObject({ complete: true });
  });

  it('is not made of a damaged keyring', async () => {
    const { ring, folder, base } = await backedUp();
    await truncate(join(folder, 'keys/default/00000001.json'), 20);
    await refusal(ring.backup(join(base, 'new'), 'x'), 'ERR_KEYRING_DAMAGED');
    await expect(stat(join(base, 'new'))).rejects.toThrow();
  });

  it('holds no key that was destroyed, also when its file is still there', async () => {
    const { ring, folder, base, reopen } = await testRing();
    const path = join(folder, 'keys/default/00000001.json');
    const bytes = await readFile(path);
    await ring.rotate('default');
    await ring.setState('default', '1', 'destroyed');
    await writeFile(path, bytes, { mode: 0o600 });
    const other = await reopen();
    const { versions } = await other.backup(join(base, 'b'), 'x');
    expect(versions.size).toBe(1);
    const kek = (JSON.parse(bytes.toString()) as { kek: string }).kek;
    expect(await readFile(join(base, 'b'), 'utf8')).not.toContain(kek);
    await restoreLocalKeyring(join(base, 'b'), join(base, 'new'), 'x', { passphrase: 'y' }, cheap);
    const restored = await openLocalKeyring(join(base, 'new'), { passphrase: 'y' });
    expect((await restored.describe('default')).versions.map(({ state }) => state)).toEqual(['destroyed', 'active']);
  });
});

describe('a backup that we made wrongly', () => {
  it('is refused when a record is missing in it, twice in it, or under another name', async () => {
    const secrets = new RingSecrets(random(16), new Uint8Array(new ArrayBuffer(32)));
    const version = (n: number): JsonRecord => {
      const [keyId, sealedKek] = [random(16), new Uint8Array(72)];
      sealedKek.set(secrets.sealKek(random(), keyId));
      return makeRecord({ type: 'version', name: 'default', n, keyId, created: new Date(), sealedKek }, secrets);
    };
    const state = (n: number, sequence: number, to: KeyState): JsonRecord => {
      const [keyId, at] = [random(16), new Date()];
      return makeRecord({ type: 'state', name: 'default', n, keyId, created: at, sequence, state: to, at }, secrets);
    };
    const open = async (records: JsonRecord[]): Promise<number> => {
      const unlock = { passphrase: 'x' };
      const bytes = await makeBackup(secrets, new Date(), new Date(), records, unlock, cheap.scrypt, 'backup');
      return (await openBackup(bytes, 'backup', unlock)).entries.length;
    };
    const [one, two] = [version(1), version(2)];
    expect(await open([one, two])).toBe(2);
    expect(await open([two, state(1, 1, 'destroyed')])).toBe(2);
    for (const records of [
      [two],
      [one, one],
      [one, state(1, 2, 'suspended')],
      [one, state(2, 1, 'suspended')],
      [two, state(1, 1, 'suspended')],
    ]) {
      await refusal(open(records), 'ERR_KEYRING_DAMAGED');
    }
  });
});

describe('restoring', () => {
  it('brings a lost home back, with states and under a new passphrase', async () => {
    const { backup, wraps, folder, base, ring, unlock } = await backedUp();
    const described = await ring.list();
    await rm(folder, { recursive: true });
    await rm(unlock.keyFile);
    const report = await restoreLocalKeyring(backup, folder, PASSPHRASE, { passphrase: 'new' }, cheap);
    expect(report).toMatchObject({ id: ring.id, setAside: [] });
    expect(report.added).toHaveLength(5);
    await assertOpens(folder, { passphrase: 'new' }, wraps);
    const restored = await openLocalKeyring(folder, { passphrase: 'new' });
    expect(await restored.list()).toEqual(described);
    expect(await restored.lastBackup()).toMatchObject({ complete: true });
    // into a folder that exists, under a key file that is made for it
    const other = join(base, 'other');
    await mkdir(other, { mode: 0o700 });
    await restoreLocalKeyring(backup, other, PASSPHRASE, { keyFile: join(base, 'other.key') }, cheap);
    await assertOpens(other, { keyFile: join(base, 'other.key') }, wraps);
  });

  it('adds what is missing to the same keyring and touches nothing else', async () => {
    const { backup, wraps, folder, ring, unlock, base } = await backedUp();
    await ring.rotate('second');
    const complete = await snapshot(folder);
    const losses = [
      'keys/default/00000001.json',
      'keys/default/00000001.state-0001.json',
      'keys/second/00000001.json',
      'keys/second',
      'keys',
    ];
    for (const lost of losses) {
      await rm(join(folder, lost), { recursive: true });
      const left = await snapshot(folder);
      const report = await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap);
      expect(report.added.length).toBeGreaterThan(0);
      const now = await snapshot(folder);
      for (const [name, bytes] of left) expect(now.get(name), name).toEqual(bytes);
      for (const name of report.added) expect(now.get(name), name).toEqual(complete.get(name));
      await assertOpens(folder, unlock, wraps);
    }
    expect((await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap)).added).toEqual([]);
    await refusal(
      restoreLocalKeyring(backup, folder, PASSPHRASE, { keyFile: join(base, 'none') }, cheap),
      'ERR_FILE_NOT_FOUND',
    );
  });

  it('repairs damaged files and keeps them under another name', async () => {
    const { backup, wraps, folder, unlock } = await backedUp();
    const good = await snapshot(folder);
    for (const file of ['keys/default/00000002.json', 'keys/default/00000001.state-0001.json', 'keyring.json']) {
      await truncate(join(folder, file), 30);
      const report = await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap);
      expect(report.added).toEqual([file]);
      expect(report.setAside).toHaveLength(1);
      expect(await readFile(report.setAside[0] ?? '')).toEqual(good.get(file)?.subarray(0, 30));
      await assertOpens(folder, unlock, wraps);
    }
    await rm(join(folder, 'keyring.json'));
    await restoreLocalKeyring(backup, folder, PASSPHRASE, { passphrase: 'other' }, cheap);
    await assertOpens(folder, { passphrase: 'other' }, wraps);
  });

  it('never brings a destroyed version back into the keyring that destroyed it', async () => {
    const { backup, folder, unlock, ring } = await backedUp();
    await ring.setState('default', '1', 'destroyed');
    const report = await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap);
    expect(report.added).toEqual([]);
    expect((await ring.describe('default')).versions[0]?.state).toBe('destroyed');
  });

  it('leaves states alone that went their own way here', async () => {
    const { backup, folder, unlock, ring, base } = await testRing().then(async (made) => {
      const path = join(made.base, 'b');
      await made.ring.setState('default', '1', 'suspended');
      await made.ring.setState('default', '1', 'active');
      await made.ring.backup(path, PASSPHRASE);
      return { ...made, backup: path };
    });
    // the same keyring as it would be had its owner decided otherwise
    const keys = join(folder, 'keys/default');
    for (const n of ['1', '2']) await rename(join(keys, `00000001.state-000${n}.json`), join(base, n));
    const other = await openLocalKeyring(folder, unlock);
    await other.setState('default', '1', 'compromised');
    const before = await snapshot(folder);
    const report = await restoreLocalKeyring(backup, folder, PASSPHRASE, unlock, cheap);
    expect(report.added).toEqual([]);
    const after = await snapshot(folder);
    after.delete('last-backup.json');
    before.delete('last-backup.json');
    expect(after).toEqual(before);
    expect((await other.describe('default')).versions[0]?.state).toBe('compromised');
    ring.close();
  });

  it('refuses another keyring and one that was used in two places, before it writes anything', async () => {
    const { backup, folder, unlock, base, ring } = await backedUp();
    const other = await testRing();
    const before = await snapshot(other.folder);
    await refusal(restoreLocalKeyring(backup, other.folder, PASSPHRASE, other.unlock, cheap), 'ERR_KEY_EXISTS');
    expect(await snapshot(other.folder)).toEqual(before);
    // also when keyring.json is gone
    await rm(join(other.folder, 'keyring.json'));
    const headless = await snapshot(other.folder);
    await refusal(restoreLocalKeyring(backup, other.folder, PASSPHRASE, other.unlock, cheap), 'ERR_KEY_EXISTS');
    expect(await snapshot(other.folder)).toEqual(headless);

    const twin = join(base, 'twin');
    await restoreLocalKeyring(backup, twin, PASSPHRASE, { passphrase: 'x' }, cheap);
    await ring.rotate('default');
    const inTwin = await openLocalKeyring(twin, { passphrase: 'x' }, cheap);
    await inTwin.rotate('default');
    const twinBackup = join(base, 'twin.json');
    await inTwin.backup(twinBackup, 'y');
    const forked = await snapshot(folder);
    const error = await refusal(restoreLocalKeyring(twinBackup, folder, 'y', unlock, cheap), 'ERR_KEY_EXISTS');
    expect(error.message).toContain('version 3 of local:default');
    expect(await snapshot(folder)).toEqual(forked);
  });

  it('refuses a wrong passphrase and every damage of the backup, before it makes anything', async () => {
    const { backup, base } = await backedUp();
    const target = join(base, 'new');
    const restore = (passphrase = PASSPHRASE): Promise<unknown> =>
      restoreLocalKeyring(backup, target, passphrase, { passphrase: 'x' }, cheap);
    await refusal(restore('wrong'), 'ERR_WRONG_PASSPHRASE');
    await refusal(restoreLocalKeyring(join(base, 'none'), target, 'x', { passphrase: 'x' }), 'ERR_FILE_NOT_FOUND');
    const good = await readFile(backup);
    const step = scaled(97, 13, 1);
    for (let at = 0; at < good.length; at += step) {
      const bad = Buffer.from(good);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      await writeFile(backup, bad);
      const error = await restore().then(
        () => undefined,
        (reason: unknown) => reason as { code?: string },
      );
      expect(['ERR_KEYRING_DAMAGED', 'ERR_UNSUPPORTED_VERSION'], `byte ${String(at)}`).toContain(error?.code);
    }
    const record = JSON.parse(good.toString()) as { records: unknown[] };
    for (const records of [
      record.records.slice(1),
      [...record.records, record.records[0]],
      [...record.records].reverse(),
      [],
    ]) {
      await writeFile(backup, `${JSON.stringify({ ...record, records }, undefined, 2)}\n`);
      await refusal(restore(), 'ERR_KEYRING_DAMAGED');
    }
    await expect(stat(target)).rejects.toThrow();
    await writeFile(backup, good);
    await chmod(backup, 0o644);
    await restore();
  });
});
