import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLocalKeyring, openLocalKeyring, readKeyringInfo } from '../../../src/keys/local/index.ts';
import { providerConformance } from '../../../src/testing/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { cheap, random, refusal, snapshot, testRing } from './rings.ts';

describe('a key of a local keyring keeps the promises of the port', () => {
  const skipped: string[] = [];
  const suite = providerConformance(async () => {
    const { ring } = await testRing();
    return {
      provider: ring.key('default'),
      unknownVersion: '7.AAAAAAAAAAAAAAAAAAAAAA',
      close: () => {
        ring.close();
      },
    };
  });
  for (const { name, run } of suite) {
    it(name, async () => {
      const result = await run();
      if (result.skipped !== undefined) skipped.push(result.skipped);
    });
  }
  it('skips only what a local key does not declare', () => {
    expect([...new Set(skipped)].sort()).toEqual([
      'canUnwrap is not false',
      'generateDataKey is not declared',
      'rewrap is not declared',
      'wrapRecomputed is not declared',
    ]);
  });
});

describe('keys', () => {
  it('are private to their user on disk, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const { folder } = await testRing();
      for (const path of await allPaths(folder)) expect((await stat(path)).mode & 0o077, path).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  it('are listed, described and found by name', async () => {
    const { ring, reopen, folder } = await testRing({}, ['b', 'a.1']);
    await ring.rotate('b');
    const other = await reopen();
    expect(
      (await other.list()).map(({ uri, versions }) => [uri, versions.map(({ label, state }) => `${label} ${state}`)]),
    ).toEqual([
      ['local:a.1', ['1 active']],
      ['local:b', ['1 deactivated', '2 active']],
    ]);
    expect((await other.keys()).map(({ uri }) => uri)).toEqual(['local:a.1', 'local:b']);
    expect(await readKeyringInfo(folder)).toMatchObject({ id: ring.id, unlock: 'key-file', names: ['a.1', 'b'] });
  });

  it('that do not exist are refused at their first use, and names that cannot exist at once', async () => {
    const { ring } = await testRing();
    const error = await refusal(ring.key('other').wrap(random(), random()), 'ERR_KEY_NOT_FOUND');
    expect(error.next).toContain('waxseal key create local:other');
    await refusal(ring.describe('other'), 'ERR_KEY_NOT_FOUND');
    await refusal(ring.rotate('other'), 'ERR_KEY_NOT_FOUND');
    await refusal(ring.setState('default', '2', 'suspended'), 'ERR_KEY_NOT_FOUND');
    for (const name of ['', '..', '../x', 'A', 'a/b', '.hidden', 'x'.repeat(65)]) {
      expect(() => ring.key(name), name).toThrow(expect.objectContaining({ code: 'ERR_INVALID_KEY_URI' }));
    }
  });

  it('are not made twice, and an interrupted creation is no key', async () => {
    const { ring, folder } = await testRing();
    await refusal(ring.create('default'), 'ERR_KEY_EXISTS');
    await mkdir(join(folder, 'keys', 'half'), { mode: 0o700 });
    expect(await ring.list()).toHaveLength(1);
    await ring.create('half');
    expect(await ring.list()).toHaveLength(2);
  });

  it('wrap under the version that another process made current', async () => {
    const { ring, reopen } = await testRing();
    const other = await reopen();
    const bind = random();
    const before = await ring.key('default').wrap(random(), bind);
    const { currentVersion } = await other.rotate('default');
    const after = await ring.key('default').wrap(random(), bind);
    expect(after.version).toBe(currentVersion);
    await other.key('default').unwrap(before, bind);
    await other.key('default').unwrap(after, bind);
  });

  it('of another keyring with the same name and number are told apart', async () => {
    const [a, b] = [await testRing(), await testRing()];
    const bind = random();
    const wrapped = await a.ring.key('default').wrap(random(), bind);
    const error = await refusal(b.ring.key('default').unwrap(wrapped, bind), 'ERR_KEY_NOT_FOUND');
    expect(error.next).toContain('waxseal key restore');
    const { version } = await b.ring.key('default').wrap(random(), bind);
    await refusal(b.ring.key('default').unwrap({ ...wrapped, version }, bind), 'ERR_AUTHENTICATION');
    for (const forged of [
      '1',
      '',
      '1.',
      `01.${version.slice(2)}`,
      `${version}=`,
      ` ${version}`,
      `1.${'A'.repeat(22)}`,
    ]) {
      await refusal(b.ring.key('default').unwrap({ ...wrapped, version: forged }, bind), 'ERR_KEY_NOT_FOUND');
    }
  });
});

describe('a keyring', () => {
  it('is made once', async () => {
    const { folder, unlock, base } = await testRing();
    const before = await snapshot(base);
    await refusal(createLocalKeyring(folder, unlock, cheap), 'ERR_KEY_EXISTS');
    await refusal(createLocalKeyring(folder, { passphrase: 'x' }, cheap), 'ERR_KEY_EXISTS');
    expect(await snapshot(base)).toEqual(before);
  });

  it('that is not there is said to be not there', async () => {
    const base = await temporaryFolder();
    const error = await refusal(openLocalKeyring(join(base, 'none'), { passphrase: 'x' }), 'ERR_KEYRING_NOT_FOUND');
    expect(error.next).toContain('waxseal init');
    await refusal(readKeyringInfo(base), 'ERR_KEYRING_NOT_FOUND');
  });

  it('whose keyring.json is lost is damaged, not absent: nobody makes a new master key over old keys', async () => {
    const { folder, unlock, ring } = await testRing();
    ring.close();
    await rm(join(folder, 'keyring.json'));
    for (const work of [openLocalKeyring, createLocalKeyring]) {
      const error = await refusal(work(folder, unlock), 'ERR_KEYRING_DAMAGED');
      expect(error.next).toContain('waxseal key restore');
    }
  });

  it('does nothing any more once it was closed', async () => {
    const { ring, folder, base } = await testRing();
    const key = ring.key('default');
    const bind = random();
    const wrapped = await key.wrap(random(), bind);
    const before = await snapshot(folder);
    ring.close();
    ring.close();
    const uses: (() => unknown)[] = [
      () => ring.key('default'),
      () => ring.keys(),
      () => ring.create('x'),
      () => ring.rotate('default'),
      () => ring.describe('default'),
      () => ring.list(),
      () => ring.setState('default', '1', 'suspended'),
      () => ring.changeUnlock({ passphrase: 'x' }),
      () => ring.backup(join(base, 'b'), 'x'),
      () => ring.lastBackup(),
      () => key.wrap(random(), bind),
      () => key.unwrap(wrapped, bind),
      () => key.describe?.(),
      () => key.rotate?.(),
      () => key.disableVersion?.(wrapped.version),
    ];
    for (const use of uses) await expect((async () => use())(), String(use)).rejects.toThrow(TypeError);
    expect(await snapshot(folder)).toEqual(before);
  });

  it('closed in the middle of calls lets none of them use a zeroed key', async () => {
    const { ring, reopen, folder } = await testRing();
    const bind = random();
    const secret = random();
    const calls = [...Array(20).keys()].map((at) =>
      at % 4 === 0 ? ring.rotate('default') : ring.key('default').wrap(secret, bind),
    );
    setTimeout(() => ring.close(), 4);
    const results = await Promise.allSettled(calls);
    const other = await reopen();
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(TypeError);
      else if ('wrap' in result.value) {
        expect((await other.key('default').unwrap(result.value, bind)).secret).toEqual(secret);
      }
    }
    await other.describe('default');
    expect((await snapshot(folder)).size).toBeGreaterThan(1);
  });

  it('refuses options that it does not know', async () => {
    const base = await temporaryFolder();
    const unlock = { passphrase: 'x' };
    const call = (options: object, way: object = unlock): Promise<unknown> =>
      createLocalKeyring(join(base, 'r'), way as typeof unlock, options);
    await expect(call({ observer: () => undefined })).rejects.toThrow(/unknown option "observer"/);
    await expect(call({ scrypt: { N: 2 ** 14, p: 1, r: 8 } })).rejects.toThrow(/unknown option "r"/);
    await expect(call({ scrypt: { N: 2 ** 10, p: 1 } })).rejects.toThrow(RangeError);
    await expect(call({ scrypt: { N: 2 ** 14 + 1, p: 1 } })).rejects.toThrow(RangeError);
    await expect(call({}, { passphrase: 'x', keyFile: 'y' })).rejects.toThrow(TypeError);
    await expect(call({}, {})).rejects.toThrow(TypeError);
    await expect(call({}, { password: 'x' })).rejects.toThrow(/unknown option "password"/);
    expect(await snapshot(base)).toEqual(new Map());
  });
});

async function allPaths(folder: string): Promise<string[]> {
  const files = [...(await snapshot(folder)).keys()].map((name) => join(folder, name));
  return [folder, join(folder, 'keys'), join(folder, 'keys', 'default'), ...files];
}
