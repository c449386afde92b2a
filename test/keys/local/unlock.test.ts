import { chmod, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createLocalKeyring, openLocalKeyring, type Unlock } from '../../../src/keys/local/index.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { cheap, random, refusal, snapshot, testRing } from './rings.ts';

async function ringUnder(unlock: Unlock): Promise<string> {
  const folder = join(await temporaryFolder(), 'ring');
  const ring = await createLocalKeyring(folder, unlock, cheap);
  await ring.create('default');
  ring.close();
  return folder;
}

const opens = async (folder: string, unlock: Unlock): Promise<void> => {
  const ring = await openLocalKeyring(folder, unlock);
  await ring.describe('default');
  ring.close();
};

describe('a passphrase', () => {
  it('opens the keyring, another one does not', async () => {
    const folder = await ringUnder({ passphrase: 'correct horse' });
    await opens(folder, { passphrase: 'correct horse' });
    await opens(folder, { passphrase: new TextEncoder().encode('correct horse') });
    for (const passphrase of ['correct horse ', 'Correct horse', 'correct hors', '\0', new Uint8Array(1)]) {
      const error = await refusal(openLocalKeyring(folder, { passphrase }), 'ERR_WRONG_PASSPHRASE');
      expect(error.message).not.toContain('orrect');
    }
  });

  it('is the same however the accents were typed', async () => {
    const folder = await ringUnder({ passphrase: 'Z\u0065\u0301br\u0061\u030a' });
    await opens(folder, { passphrase: 'Z\u00e9br\u00e5' });
    await refusal(openLocalKeyring(folder, { passphrase: 'Zebra' }), 'ERR_WRONG_PASSPHRASE');
  });

  it('is never empty, and never half a character', async () => {
    const folder = join(await temporaryFolder(), 'ring');
    for (const passphrase of ['', new Uint8Array()])
      await refusal(createLocalKeyring(folder, { passphrase }), 'ERR_USAGE');
    await expect(createLocalKeyring(folder, { passphrase: 'a\ud800' })).rejects.toThrow(TypeError);
  });

  it('given as bytes stays as it was', async () => {
    const passphrase = random();
    const before = passphrase.slice();
    await opens(await ringUnder({ passphrase }), { passphrase });
    expect(passphrase).toEqual(before);
  });

  it('costs what the design says unless somebody asked for less', async () => {
    const folder = join(await temporaryFolder(), 'ring');
    (await createLocalKeyring(folder, { passphrase: 'x' })).close();
    const { unlock } = JSON.parse(await readFile(join(folder, 'keyring.json'), 'utf8')) as { unlock: object };
    expect(unlock).toMatchObject({ kdf: 'scrypt', N: 65536, r: 8, p: 2 });
  });
});

describe('a key file', () => {
  it('is made for its user alone, and opens the keyring', async () => {
    const { unlock, folder } = await testRing();
    expect((await stat(unlock.keyFile)).mode & 0o777).toBe(0o600);
    const text = await readFile(unlock.keyFile, 'latin1');
    expect(text).toMatch(/^[\w-]{43}\n$/);
    expect(Buffer.from(text, 'base64url')).toHaveLength(32);
    expect(Buffer.from(text, 'base64url').toString('base64url')).toBe(text.trim());
    await opens(folder, unlock);
  });

  it('that exists is used, and serves several keyrings', async () => {
    const { unlock, base } = await testRing();
    const before = await readFile(unlock.keyFile);
    const second = join(base, 'second');
    (await createLocalKeyring(second, unlock)).close();
    expect(await readFile(unlock.keyFile)).toEqual(before);
    (await openLocalKeyring(second, unlock)).close();
  });

  it('may be a mounted secret behind a symbolic link, with or without its newline', async () => {
    const { unlock, folder, base } = await testRing();
    const text = (await readFile(unlock.keyFile, 'latin1')).trim();
    for (const [name, content] of [
      ['a', text],
      ['b', `${text}\r\n`],
    ] as const) {
      await writeFile(join(base, name), content, { mode: 0o400 });
      await symlink(join(base, name), join(base, `${name}.link`));
      await opens(folder, { keyFile: join(base, `${name}.link`) });
    }
  });

  it('that is another one, none, or missing does not open it', async () => {
    const { folder, base, unlock } = await testRing();
    const other = await testRing();
    await refusal(openLocalKeyring(folder, other.unlock), 'ERR_WRONG_PASSPHRASE');
    await refusal(openLocalKeyring(folder, { keyFile: join(base, 'none') }), 'ERR_FILE_NOT_FOUND');
    await refusal(openLocalKeyring(folder, { passphrase: 'x' }), 'ERR_WRONG_PASSPHRASE');
    const text = (await readFile(unlock.keyFile, 'latin1')).trim();
    const bad = [
      '',
      'x',
      text.slice(1),
      `${text}A`,
      text.replace(/./, '+'),
      `${text} \n`,
      `${text.slice(0, -1)}_`,
      'A'.repeat(5000),
    ];
    for (const [at, content] of bad.entries()) {
      const keyFile = join(base, `bad${String(at)}`);
      await writeFile(keyFile, content, { mode: 0o600 });
      const error = await refusal(openLocalKeyring(folder, { keyFile }), 'ERR_WRONG_PASSPHRASE');
      expect(error.message).not.toContain(text.slice(1, -1));
    }
    await refusal(openLocalKeyring(await ringUnder({ passphrase: 'x' }), unlock), 'ERR_WRONG_PASSPHRASE');
  });

  it('that others may read is refused', async () => {
    const { folder, unlock } = await testRing();
    for (const mode of [0o640, 0o604, 0o620, 0o601]) {
      await chmod(unlock.keyFile, mode);
      const error = await refusal(openLocalKeyring(folder, unlock), 'ERR_KEYRING_PERMISSIONS');
      expect(error.next).toContain(`chmod 600 ${unlock.keyFile}`);
    }
  });
});

describe('changing what unlocks the keyring', () => {
  it('keeps the keys, and the old way opens it no more', async () => {
    const { ring, folder, unlock, base } = await testRing();
    const bind = random();
    const secret = random();
    const wrapped = await ring.key('default').wrap(secret, bind);
    const ways: Unlock[] = [unlock, { passphrase: 'one' }, { passphrase: 'two' }, { keyFile: join(base, 'new.key') }];
    for (const [at, way] of ways.entries()) {
      if (at > 0) await ring.changeUnlock(way);
      const other = await openLocalKeyring(folder, way);
      expect((await other.key('default').unwrap(wrapped, bind)).secret).toEqual(secret);
      expect(other.id).toBe(ring.id);
      other.close();
      for (const past of ways.slice(0, at)) await refusal(openLocalKeyring(folder, past), 'ERR_WRONG_PASSPHRASE');
    }
    await ring.rotate('default');
  });

  it('done by many at once leaves one of their ways', async () => {
    const { ring, folder, reopen } = await testRing();
    const rings = [ring, await reopen(), await reopen()];
    await Promise.all(rings.map((one, at) => one.changeUnlock({ passphrase: `p${String(at)}` })));
    const opened = await Promise.allSettled(
      [0, 1, 2].map((at) => openLocalKeyring(folder, { passphrase: `p${String(at)}` })),
    );
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('never brings back a keyring that was replaced meanwhile', async () => {
    const { ring, folder } = await testRing();
    const other = await testRing();
    await writeFile(join(folder, 'keyring.json'), await readFile(join(other.folder, 'keyring.json')));
    const before = await snapshot(folder);
    await refusal(ring.changeUnlock({ passphrase: 'x' }), 'ERR_KEYRING_DAMAGED');
    expect(await snapshot(folder)).toEqual(before);
  });
});
