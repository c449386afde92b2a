import { chmod, chown, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createLocalKeyring,
  openLocalKeyring,
  readKeyringInfo,
  restoreLocalKeyring,
} from '../../../src/keys/local/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startChild } from './child.ts';
import { cheap, random, refusal, testRing } from './rings.ts';

const isRoot = process.geteuid?.() === 0;
const NOBODY = 65534;

describe('a keyring that others may use is refused, with the command that mends it', () => {
  const places = [
    '',
    'keys',
    'keys/default',
    'keyring.json',
    'keys/default/00000001.json',
    'keys/default/00000001.state-0001.json',
  ];
  for (const place of places) {
    it(place === '' ? 'the folder itself' : place, async () => {
      const { ring, folder, unlock } = await testRing();
      await ring.setState('default', '1', 'suspended');
      await ring.setState('default', '1', 'active');
      ring.close();
      const path = join(folder, place);
      const isFile = path.endsWith('.json');
      for (const loose of [0o040, 0o020, 0o010, 0o004, 0o002, 0o001, 0o077]) {
        await chmod(path, (isFile ? 0o600 : 0o700) | loose);
        const opened = openLocalKeyring(folder, unlock).then(async (one) => {
          await one.key('default').wrap(random(), random());
        });
        const error = await refusal(opened, 'ERR_KEYRING_PERMISSIONS');
        expect(error.next).toContain(`run: chmod ${isFile ? '600' : '700'} ${path}`);
        expect(error.object).toBe(path);
      }
      await chmod(path, isFile ? 0o600 : 0o700);
      const again = await openLocalKeyring(folder, unlock);
      await again.key('default').wrap(random(), random());
    });
  }

  it('also where a keyring is about to be made or restored, or only looked at', async () => {
    const { ring, base, folder } = await testRing();
    await ring.backup(join(base, 'backup'), 'x');
    const loose = join(base, 'it is loose');
    await mkdir(loose, { mode: 0o755 });
    const error = await refusal(createLocalKeyring(loose, { passphrase: 'x' }, cheap), 'ERR_KEYRING_PERMISSIONS');
    expect(error.next).toContain(`chmod 700 '${loose}'`);
    const restored = restoreLocalKeyring(join(base, 'backup'), loose, 'x', { passphrase: 'x' }, cheap);
    await refusal(restored, 'ERR_KEYRING_PERMISSIONS');
    expect(await readdir(loose)).toEqual([]);
    await chmod(folder, 0o750);
    await refusal(readKeyringInfo(folder), 'ERR_KEYRING_PERMISSIONS');
  });
});

describe('a user who is not root', () => {
  /** What the child makes of the keyring, in a folder that belongs to it. */
  async function asNobody(prepare: (base: string) => Promise<void>, ...args: string[]): Promise<unknown[]> {
    const base = await temporaryFolder();
    if (isRoot) await chown(base, NOBODY, NOBODY);
    await prepare(base);
    const child = startChild('plain-user-process.ts', [base, ...args], isRoot ? { user: NOBODY } : {});
    const { lines, code, stderr } = await child.end();
    expect(stderr).toBe('');
    expect(code).toBe(0);
    return lines;
  }

  it('makes, uses and reopens a keyring', async () => {
    expect(await asNobody(() => Promise.resolve(), 'use')).toEqual(['used']);
  });

  it('is told what cannot be read or written', async () => {
    expect(await asNobody(() => Promise.resolve(), 'locked-out')).toEqual([
      { step: 'unreadable keyring.json', code: 'ERR_IO' },
      { step: 'create in a folder without write permission', code: 'ERR_NOT_WRITABLE' },
      { step: 'unwrap in a read-only folder', code: 'none' },
      { step: 'rotate in a read-only folder', code: 'ERR_NOT_WRITABLE' },
    ]);
  });

  it.runIf(isRoot)('is refused the keyring of somebody else', async () => {
    const lines = await asNobody(async (base) => {
      const ring = await createLocalKeyring(join(base, 'ring'), { keyFile: join(base, 'unlock.key') });
      await ring.create('default');
      ring.close();
      await chown(join(base, 'unlock.key'), NOBODY, NOBODY);
      await chown(join(base, 'ring', 'keyring.json'), NOBODY, NOBODY);
    }, 'foreign');
    expect(lines).toEqual([
      { step: 'foreign', code: 'ERR_KEYRING_PERMISSIONS', next: expect.stringContaining('chown 65534') as string },
    ]);
  });
});
