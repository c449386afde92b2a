import { copyFile, cp, mkdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLocalKeyring, readKeyringInfo } from '../../../src/keys/local/index.ts';
import { WaxsealError } from '../../../src/errors/index.ts';
import { scaled } from '../../tier.ts';
import { type TestRing, random, refusal, snapshot, testRing } from './rings.ts';

/** Opens everything that a keyring holds. */
async function readAll({ folder, unlock }: TestRing): Promise<void> {
  const ring = await openLocalKeyring(folder, unlock);
  try {
    await ring.list();
    await ring.lastBackup();
  } finally {
    ring.close();
  }
}

async function fullRing(): Promise<TestRing> {
  const made = await testRing();
  await made.ring.rotate('default');
  await made.ring.setState('default', '1', 'compromised');
  await made.ring.backup(join(made.base, 'backup.json'), 'x');
  return made;
}

const FILES = [
  'keyring.json',
  'keys/default/00000001.json',
  'keys/default/00000002.json',
  'keys/default/00000001.state-0001.json',
  'last-backup.json',
];

describe('damage of', () => {
  for (const file of FILES) {
    it(`${file}: any flipped bit is refused and the file is named`, async () => {
      const made = await fullRing();
      const path = join(made.folder, file);
      const good = await readFile(path);
      for (let at = 0; at < good.length; at += scaled(7, 1, 1)) {
        for (const bit of scaled([at % 8], [0, at % 8], [0, 1, 2, 3, 4, 5, 6, 7])) {
          const bad = Buffer.from(good);
          bad[at] = (bad[at] ?? 0) ^ (1 << bit);
          await writeFile(path, bad);
          const error: unknown = await readAll(made).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          const where = `bit ${String(bit)} of byte ${String(at)}`;
          expect(error, where).toBeInstanceOf(WaxsealError);
          const { code, object, message } = error as WaxsealError;
          // A flipped format number looks like a later format.
          if (code !== 'ERR_UNSUPPORTED_VERSION') expect(code, `${where}: ${message}`).toBe('ERR_KEYRING_DAMAGED');
          expect(object, where).toBe(path);
        }
      }
      await writeFile(path, good);
      await readAll(made);
    });

    it(`${file}: cut short, grown, emptied, replaced by junk or a link is refused`, async () => {
      const made = await fullRing();
      const path = join(made.folder, file);
      const good = await readFile(path);
      const bad: Uint8Array[] = [
        Buffer.alloc(0),
        Buffer.alloc(good.length),
        Buffer.from('null\n'),
        Buffer.from('[]\n'),
        Buffer.from('{}\n'),
        Buffer.concat([good, Buffer.from('\n')]),
        Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), good]),
        Buffer.concat([good, good]),
        Buffer.from(JSON.stringify(JSON.parse(good.toString()))),
        Buffer.from(good.toString().replace('{', '{\n  "extra": 1,')),
        Buffer.from(good.toString().replace('"kind"', '"kind": "x",\n  "kind"')),
        Buffer.from(good.toString().replace(/"mac": "[^"]*",?/, '')),
        Buffer.alloc(32 * 2 ** 20, 0x20),
      ];
      for (const length of [1, good.length >> 1, good.length - 2, good.length - 1]) bad.push(good.subarray(0, length));
      for (const bytes of bad) {
        await writeFile(path, bytes);
        await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
      }
      await writeFile(path, good);
      await truncate(path, 2 ** 42);
      await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
      await writeFile(`${path}.real`, good, { mode: 0o600 });
      await rm(path);
      await symlink(`${path}.real`, path);
      await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
      await rm(path);
      await mkdir(path, { mode: 0o700 });
      await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
      await rm(path, { recursive: true });
      // A FIFO without a writer must not hang the reader.
      execFileSync('mkfifo', ['-m', '600', path]);
      await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
    });
  }

  it('a file of the keyring names the way back', async () => {
    const made = await fullRing();
    await truncate(join(made.folder, 'keys/default/00000002.json'), 10);
    const error = await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
    expect(error.message).toContain('00000002.json is damaged');
    expect(error.next).toContain('waxseal key restore');
  });

  it('one version leaves the others usable', async () => {
    const { ring, folder, reopen } = await testRing();
    const bind = random();
    const old = await ring.key('default').wrap(random(), bind);
    await ring.rotate('default');
    await truncate(join(folder, 'keys/default/00000002.json'), 10);
    const other = await reopen();
    await other.key('default').unwrap(old, bind);
    await refusal(other.key('default').wrap(random(), bind), 'ERR_KEYRING_DAMAGED');
  });

  it('a later format is told apart from damage', async () => {
    const { folder, unlock } = await testRing();
    const path = join(folder, 'keyring.json');
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace('"format": 1', '"format": 2'));
    const error = await refusal(openLocalKeyring(folder, unlock), 'ERR_UNSUPPORTED_VERSION');
    expect(error.next).toBe('upgrade waxseal');
    await refusal(readKeyringInfo(folder), 'ERR_UNSUPPORTED_VERSION');
  });
});

describe('intact files in the wrong place are refused:', () => {
  it('another version, another key, another keyring', async () => {
    const moves: [string, string][] = [
      ['keys/default/00000001.json', 'keys/default/00000002.json'],
      ['keys/default/00000002.json', 'keys/default/00000003.json'],
      ['keys/default/00000001.state-0001.json', 'keys/default/00000002.state-0001.json'],
      ['keys/default/00000001.state-0001.json', 'keys/default/00000001.state-0002.json'],
      ['keys/default/00000001.json', 'keys/default/00000001.state-0002.json'],
      ['keys/default/00000001.state-0001.json', 'keys/default/00000001.json'],
    ];
    for (const [from, to] of moves) {
      const made = await fullRing();
      await copyFile(join(made.folder, from), join(made.folder, to));
      await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
    }
    const made = await fullRing();
    await cp(join(made.folder, 'keys/default'), join(made.folder, 'keys/copy'), { recursive: true });
    await refusal(readAll(made), 'ERR_KEYRING_DAMAGED');
    const [a, b] = [await fullRing(), await fullRing()];
    for (const file of FILES.slice(1)) {
      const keep = await readFile(join(a.folder, file));
      await copyFile(join(b.folder, file), join(a.folder, file));
      await refusal(readAll(a), 'ERR_KEYRING_DAMAGED');
      await writeFile(join(a.folder, file), keep);
    }
    await readAll(a);
  });

  it('names that are none of ours are left alone', async () => {
    const made = await fullRing();
    for (const name of [
      'keys/default/notes.txt',
      'keys/default/1.json',
      'keys/.DS_Store',
      'keys/default/00000001.json~',
    ]) {
      await writeFile(join(made.folder, name), 'x');
    }
    await mkdir(join(made.folder, 'keys', 'NotAName'));
    await readAll(made);
    expect((await snapshot(made.folder)).has('keys/default/notes.txt')).toBe(true);
  });
});
