/** What the detached and the compact layout promise: a payload that no change of recipients looks at, and few bytes. */
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addRecipient,
  createLocalKeyring,
  inspect,
  openFile,
  removeRecipient,
  rewrap,
  type RewrapReport,
  seal,
  sealFile,
  verify,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { alice, bob, carol, expectBytes, LONG } from './support.ts';

const CHANGES: Readonly<Record<string, (path: string) => Promise<RewrapReport>>> = {
  rewrap: (path) => {
    alice.bump();
    return rewrap(path, alice);
  },
  addRecipient: (path) => addRecipient(path, alice, carol),
  removeRecipient: (path) => removeRecipient(path, alice, bob.uri),
};

/** What is where the payload should be; `undefined` for what is not there at all. */
const PAYLOADS: Readonly<Record<string, (path: string) => Promise<unknown> | undefined>> = {
  'does not exist': () => undefined,
  'is a folder': (path) => mkdir(path),
  'is a link to nowhere': (path) => symlink('/nowhere/at/all', path),
  // Opening one waits for a writer, for ever: a test that ends shows that nobody opened it.
  ...(process.platform === 'win32'
    ? {}
    : { 'is a pipe without a writer': async (path) => execFileSync('mkfifo', [path]) }),
  'is of another object': (path) => writeFile(path, pattern(500, 9)),
};

async function sealedPair(): Promise<{ path: string; payload: string; plaintext: Uint8Array }> {
  const folder = await temporaryFolder();
  const [path, payload] = [join(folder, 'm.wax'), join(folder, 'm.floe')];
  const plaintext = pattern(LONG);
  await sealFile([plaintext], path, [alice, bob], { layout: 'detached' });
  return { path, payload, plaintext };
}

/** Everything that would show that somebody wrote the file, or put another one in its place. */
async function traces(path: string): Promise<Readonly<Record<string, unknown>>> {
  const { ino, dev, size, mode, nlink, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  return { ino, dev, size, mode, nlink, mtimeNs, ctimeNs, bytes: (await readFile(path)).toString('base64') };
}

describe.each(Object.keys(CHANGES))('detached %s', (name) => {
  const change = CHANGES[name] as (path: string) => Promise<RewrapReport>;

  it('leaves the payload’s bytes, inode, mtime and ctime alone', async () => {
    const { path, payload, plaintext } = await sealedPair();
    const before = await traces(payload);
    const header = await stat(path);
    expect(await change(path)).toMatchObject({ changed: true });
    expect(await traces(payload)).toEqual(before);
    // Control: the header did change, by a new file in its place.
    expect((await stat(path)).ino).not.toBe(header.ino);
    const target = join(await temporaryFolder(), 'opened');
    await openFile(path, target, alice);
    expectBytes(await readFile(target), plaintext);
    expect((await verify(path, [alice, bob, carol])).findings).toEqual([]);
  });

  it.each(Object.keys(PAYLOADS))('works where the payload %s', async (what) => {
    const { path, payload, plaintext } = await sealedPair();
    const elsewhere = join(await temporaryFolder(), 'payload');
    await rename(payload, elsewhere);
    await PAYLOADS[what]?.(payload);
    expect(await change(path)).toMatchObject({ changed: true });
    await rm(payload, { recursive: true, force: true });
    const target = join(await temporaryFolder(), 'opened');
    await openFile({ header: path, payload: elsewhere }, target, alice);
    expectBytes(await readFile(target), plaintext);
  });

  it('writes no more than a header', async () => {
    const { path } = await sealedPair();
    const { bytesWritten } = await change(path);
    expect(bytesWritten).toBe((await stat(path)).size);
    expect(bytesWritten).toBeLessThan(4096);
  });
});

describe('compact', () => {
  it('one local recipient, no context: at most 450 bytes longer than its plaintext', async () => {
    const folder = await temporaryFolder();
    const ring = await createLocalKeyring(join(folder, 'ring'), { keyFile: join(folder, 'key') });
    await ring.create('default');
    for (const size of [0, 1, 1024, 200_000]) {
      const sealed = await seal(pattern(size), ring.key('default'), { layout: 'compact' });
      const overhead = sealed.length - size;
      console.log(`compact overhead of ${String(size)} bytes, one local recipient: ${String(overhead)} bytes`);
      expect((await inspect(sealed)).recipients.length).toBe(1);
      expect(overhead).toBeLessThanOrEqual(450);
    }
  });
});
