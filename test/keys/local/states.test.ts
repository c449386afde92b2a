import fs, { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KEY_STATES, type KeyState } from '../../../src/keys/provider.ts';
import { random, refusal, snapshot, testRing } from './rings.ts';

interface StateFile {
  readonly state: string;
}

/** What is legal, written down a second time: from an older version (1) and from the newest (2). */
const LEGAL: Record<string, readonly KeyState[]> = {
  '1 deactivated': ['suspended', 'compromised', 'destroyed'],
  '2 active': ['suspended', 'deactivated', 'compromised'],
  '1 suspended': ['deactivated', 'compromised', 'destroyed'],
  '2 suspended': ['active', 'deactivated', 'compromised', 'destroyed'],
  '1 compromised': ['suspended', 'destroyed'],
  '2 compromised': ['suspended', 'destroyed'],
  '2 deactivated': ['suspended', 'compromised', 'destroyed'],
  '1 destroyed': [],
  '2 destroyed': [],
};

const WAY: Record<string, readonly KeyState[]> = {
  '1 deactivated': [],
  '2 active': [],
  '2 deactivated': ['deactivated'],
  '1 destroyed': ['destroyed'],
  '2 destroyed': ['deactivated', 'destroyed'],
};

describe('states of a key version (SP 800-57)', () => {
  for (const [from, legal] of Object.entries(LEGAL)) {
    it(`from ${from} it goes only to ${legal.join(', ') || 'nothing'}`, async () => {
      const [label = '', state = ''] = from.split(' ');
      for (const to of KEY_STATES.filter((candidate) => candidate !== state)) {
        const { ring, folder } = await testRing();
        await ring.rotate('default');
        for (const step of WAY[from] ?? [state as KeyState]) await ring.setState('default', label, step);
        const before = await snapshot(folder);
        if (legal.includes(to)) {
          const { versions } = await ring.setState('default', label, to);
          expect(versions[Number(label) - 1]?.state).toBe(to);
        } else {
          const error = await refusal(ring.setState('default', label, to), 'ERR_USAGE');
          expect(error.message).toContain(`is ${state} and cannot become ${to}`);
          expect(await snapshot(folder)).toEqual(before);
        }
        ring.close();
      }
    });
  }

  it('decide what may wrap and unwrap', async () => {
    const { ring } = await testRing();
    const key = ring.key('default');
    const bind = random();
    const wrapped = await key.wrap(random(), bind);
    const may: [readonly KeyState[], boolean][] = [
      [['suspended'], false],
      [['active'], true],
      [['deactivated'], true],
      [['compromised'], true],
      [['suspended'], false],
      [['destroyed'], false],
    ];
    for (const [steps, unwraps] of may) {
      for (const step of steps) await ring.setState('default', '1', step);
      const current = steps.at(-1) ?? 'active';
      if (unwraps) await key.unwrap(wrapped, bind);
      else {
        const error = await refusal(key.unwrap(wrapped, bind), 'ERR_KEY_DISABLED');
        expect(error.message).toContain(`version 1 of local:default is ${current}`);
      }
      if (current === 'active') await key.wrap(random(), bind);
      else {
        const error = await refusal(key.wrap(random(), bind), 'ERR_KEY_DISABLED');
        expect(error.next).toContain('waxseal rotate local:default');
      }
    }
    const { versions, currentVersion } = await ring.rotate('default');
    expect(versions.map(({ state }) => state)).toEqual(['destroyed', 'active']);
    expect((await key.wrap(random(), bind)).version).toBe(currentVersion);
  });

  it('never make an older version current again', async () => {
    const { ring } = await testRing();
    const first = (await ring.describe('default')).currentVersion ?? '';
    await ring.rotate('default');
    await ring.setState('default', '2', 'compromised');
    expect((await ring.describe('default')).currentVersion).toBeUndefined();
    await refusal(ring.key('default').wrap(random(), random()), 'ERR_KEY_DISABLED');
    await ring.setState('default', first, 'suspended');
    await refusal(ring.setState('default', first, 'active'), 'ERR_USAGE');
  });

  it('never forget a compromise, and a deactivated version stays one', async () => {
    const { ring } = await testRing();
    for (const state of ['compromised', 'suspended'] as const) await ring.setState('default', '1', state);
    for (const state of ['active', 'deactivated'] as const)
      await refusal(ring.setState('default', '1', state), 'ERR_USAGE');
    await ring.setState('default', '1', 'compromised');
    const other = await testRing();
    for (const state of ['deactivated', 'suspended'] as const) await other.ring.setState('default', '1', state);
    await refusal(other.ring.setState('default', '1', 'active'), 'ERR_USAGE');
  });

  it('set by another process are noticed by the next call', async () => {
    const { ring, reopen } = await testRing();
    const other = await reopen();
    const key = ring.key('default');
    const bind = random();
    const wrapped = await key.wrap(random(), bind);
    await other.setState('default', '1', 'suspended');
    await refusal(key.unwrap(wrapped, bind), 'ERR_KEY_DISABLED');
    await refusal(key.wrap(random(), bind), 'ERR_KEY_DISABLED');
    await other.setState('default', '1', 'active');
    await key.unwrap(wrapped, bind);
    await other.setState('default', '1', 'deactivated');
    await other.setState('default', '1', 'destroyed');
    await refusal(key.unwrap(wrapped, bind), 'ERR_KEY_DISABLED');
  });

  it('set at once from many sides end in one chain, and none of them is lost', async () => {
    for (let round = 0; round < 5; round++) {
      const { ring, reopen, folder } = await testRing();
      const wanted = [...Array(6).keys()].map((at) => (at % 2 === 0 ? 'suspended' : 'compromised'));
      const rings = await Promise.all(wanted.map(() => reopen()));
      const done = await Promise.allSettled(
        rings.map((one, at) => one.setState('default', '1', wanted[at] ?? 'suspended')),
      );
      await ring.describe('default');
      const keyFolder = join(folder, 'keys', 'default');
      const names = (await readdir(keyFolder)).filter((name) => name.includes('state')).sort();
      expect(names).toEqual(names.map((_, at) => `00000001.state-000${String(at + 1)}.json`));
      const recorded: string[] = [];
      for (const name of names)
        recorded.push((JSON.parse(await readFile(join(keyFolder, name), 'utf8')) as StateFile).state);
      done.forEach(({ status }, at) => {
        if (status === 'fulfilled') expect(recorded).toContain(wanted[at]);
      });
      expect(done.some(({ status }) => status === 'fulfilled')).toBe(true);
    }
  });

  it('destroyed takes the key off the disk, also when a crash came after the record', async () => {
    const { ring, folder, reopen } = await testRing();
    const path = join(folder, 'keys', 'default', '00000001.json');
    const bytes = await readFile(path);
    await ring.setState('default', '1', 'deactivated');
    await ring.setState('default', '1', 'destroyed');
    expect(await readdir(join(folder, 'keys', 'default'))).not.toContain('00000001.json');
    // as if the process had died before the erasure
    await writeFile(path, bytes, { mode: 0o600 });
    const other = await reopen();
    expect((await other.describe('default')).versions[0]?.state).toBe('destroyed');
    await other.setState('default', '1', 'destroyed');
    expect(await readdir(join(folder, 'keys', 'default'))).not.toContain('00000001.json');
  });

  it('a reader that meets a version half erased says that it was destroyed', async () => {
    const { ring, folder, reopen } = await testRing();
    const bind = random();
    const wrapped = await ring.key('default').wrap(random(), bind);
    const keyFolder = join(folder, 'keys', 'default');
    const listedBefore = await readdir(keyFolder);
    const other = await reopen();
    await ring.setState('default', '1', 'deactivated');
    await ring.setState('default', '1', 'destroyed');
    await writeFile(join(keyFolder, '00000001.json'), Buffer.alloc(300), { mode: 0o600 });
    // The reader looked before the record came, and reads the file while it is overwritten.
    const { readdir: real } = fs;
    fs.readdir = (() => {
      fs.readdir = real;
      syncBuiltinESMExports();
      return Promise.resolve(listedBefore);
    }) as unknown as typeof real;
    syncBuiltinESMExports();
    await refusal(other.key('default').unwrap(wrapped, bind), 'ERR_KEY_DISABLED');
    expect(fs.readdir).toBe(real);
  });
});

describe('rollback', () => {
  it('of a state or a version is noticed by a process that saw it', async () => {
    for (const file of ['00000001.state-0001.json', '00000002.json']) {
      const { ring, folder } = await testRing();
      const bind = random();
      const key = ring.key('default');
      const wrapped = await key.wrap(random(), bind);
      await ring.rotate('default');
      await ring.setState('default', '1', 'compromised');
      await rm(join(folder, 'keys', 'default', file));
      for (const work of [
        () => key.wrap(random(), bind),
        () => key.unwrap(wrapped, bind),
        () => ring.describe('default'),
      ]) {
        const error = await refusal(work(), 'ERR_KEYRING_DAMAGED');
        expect(error.message).toContain(file);
      }
    }
  });

  it('of a version that has records stops its use, although its key is still in memory', async () => {
    const { ring, folder } = await testRing();
    const bind = random();
    const wrapped = await ring.key('default').wrap(random(), bind);
    await ring.setState('default', '1', 'deactivated');
    await ring.key('default').unwrap(wrapped, bind);
    await rm(join(folder, 'keys', 'default', '00000001.json'));
    await refusal(ring.key('default').unwrap(wrapped, bind), 'ERR_KEYRING_DAMAGED');
  });

  it('by taking a record out of the middle is noticed by everybody', async () => {
    const { ring, folder, reopen } = await testRing();
    await ring.setState('default', '1', 'compromised');
    await ring.setState('default', '1', 'suspended');
    await rm(join(folder, 'keys', 'default', '00000001.state-0001.json'));
    await refusal((await reopen()).describe('default'), 'ERR_KEYRING_DAMAGED');
  });

  it('by taking a version out of the middle is noticed by everybody, and the others still open', async () => {
    const { ring, folder, reopen } = await testRing();
    const bind = random();
    await ring.rotate('default');
    await ring.rotate('default');
    const wrapped = await ring.key('default').wrap(random(), bind);
    await rm(join(folder, 'keys', 'default', '00000002.json'));
    const other = await reopen();
    await other.key('default').unwrap(wrapped, bind);
    for (const work of [() => other.describe('default'), () => other.list(), () => other.rotate('default')]) {
      await refusal(work(), 'ERR_KEYRING_DAMAGED');
    }
    expect((await readdir(join(folder, 'keys', 'default'))).sort()).toEqual(['00000001.json', '00000003.json']);
  });
});
