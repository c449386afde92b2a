import { chmod, copyFile, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addRecipient,
  inspect,
  type Layout,
  open,
  openFile,
  openObject,
  removeRecipient,
  repair,
  reseal,
  rewrap,
  seal,
  sealFile,
  verify,
  type WaxsealEvent,
} from '../../src/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { forgedEntry, withEntries } from './support/forged.ts';

const LAYOUTS = ['attached', 'compact', 'detached'] as const;
const plaintext = pattern(100_000);
const bytesOf = async (path: string): Promise<Uint8Array> => new Uint8Array(await readFile(path));

async function sealedFile(layout: Layout, keys = [memoryKey('local:a'), memoryKey('local:b')]) {
  const folder = await temporaryFolder();
  const path = join(folder, 'x.wax');
  const source = join(folder, 'x');
  await writeFile(source, plaintext);
  const report = await sealFile(source, path, keys, {
    layout,
    context: { team: 'vision' },
    metadata: { name: 'x', mediaType: 'text/plain' },
    segmentLength: 8192,
    ...(layout === 'attached' ? { slotSize: 12_288 } : {}),
  });
  return { folder, path, payload: join(folder, 'x.floe'), keys, report };
}

async function plaintextOf(path: string, keys: Parameters<typeof openObject>[1]): Promise<Uint8Array> {
  const object = await openObject(path, keys);
  try {
    return await object.read(0);
  } finally {
    await object.close();
  }
}

describe.each(LAYOUTS)('reseal, %s', (layout) => {
  it('new id, new wraps, new payload; context, metadata, segment length, layout, slots and recipients stay', async () => {
    const { path, payload, keys, report } = await sealedFile(layout);
    const [before, segments] = [await inspect(path), await bytesOf(layout === 'detached' ? payload : path)];
    const done = await reseal(path, keys);
    expect(done).toMatchObject({ previousId: report.id, size: plaintext.length, dropped: [] });
    expect(done.recipients).toEqual(['local:a', 'local:b']);
    const after = await inspect(path);
    expect(after.id).toBe(done.id);
    expect(after.id).not.toBe(before.id);
    for (const name of ['layout', 'context', 'segmentLength', 'slotSize', 'size', 'hasPrivateMetadata'] as const) {
      expect(after[name]).toEqual(before[name]);
    }
    const old = new Set(
      Buffer.from(segments)
        .toString('latin1')
        .match(/[^]{16}/g),
    );
    const now = Buffer.from(await bytesOf(layout === 'detached' ? payload : path));
    // The last kilobyte is nothing but payload: not a block of 16 bytes of it is an old one.
    expect(
      now
        .subarray(-1024)
        .toString('latin1')
        .match(/[^]{16}/g)
        ?.filter((block) => old.has(block)),
    ).toEqual([]);
    for (const key of keys) {
      const object = await openObject(path, key);
      expect(object.info.metadata).toEqual({ name: 'x', mediaType: 'text/plain' });
      expect(Buffer.compare(await object.read(0), plaintext)).toBe(0);
      await object.close();
    }
    expect((await verify(path, keys)).findings).toEqual([]);
  });

  it('only the keys that are named, once the others may be dropped', async () => {
    const { path, keys } = await sealedFile(layout);
    const [a, b] = keys;
    const c = memoryKey('local:c');
    if (a === undefined || b === undefined) throw new Error('no keys');
    await expect(reseal(path, a)).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
    await expect(reseal(path, keys, { recipients: [c] })).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
    const done = await reseal(path, a, { recipients: [c, a], dropOthers: true });
    expect(done).toMatchObject({ recipients: ['local:c', 'local:a'], dropped: ['local:b'] });
    await expect(openObject(path, b)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    expect(Buffer.compare(await plaintextOf(path, c), plaintext)).toBe(0);
  });

  it('ATTACKS 7: an entry that a keyless attacker appended gets no wrap of the new data key', async () => {
    const { path, keys, payload } = await sealedFile(layout);
    const attacker = 'x25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAk';
    await writeFile(path, await withEntries(await bytesOf(path), (list) => [...list, forgedEntry(attacker, 2)]));
    const before = await bytesOf(path);
    await expect(reseal(path, keys)).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
    expect(Buffer.compare(await bytesOf(path), before)).toBe(0);
    expect(await reseal(path, keys, { dropOthers: true })).toMatchObject({ dropped: [attacker] });
    expect((await inspect(path)).recipients.map(({ uri }) => uri)).toEqual(['local:a', 'local:b']);
    expect((await stat(layout === 'detached' ? payload : path)).size).toBeGreaterThan(plaintext.length);
  });

  it('a forged entry for another key of the caller does not make that key a recipient', async () => {
    const { path, keys } = await sealedFile(layout);
    const other = memoryKey('local:other');
    await writeFile(path, await withEntries(await bytesOf(path), (list) => [...list, forgedEntry(other.uri, 1)]));
    await expect(reseal(path, [...keys, other])).rejects.toMatchObject({ code: 'ERR_RECIPIENT_NOT_ALLOWED' });
    const done = await reseal(path, [...keys, other], { dropOthers: true });
    expect(done.recipients).toEqual(['local:a', 'local:b']);
  });

  it('a recipient that was removed meanwhile stays removed: the reseal gives up', async () => {
    const { path, keys, folder } = await sealedFile(layout);
    const [a] = keys;
    if (a === undefined) throw new Error('no key');
    let removed = false;
    const observe = async (event: WaxsealEvent): Promise<void> => {
      if (event.type !== 'wrap.done' || removed) return;
      removed = true;
      await removeRecipient(path, a, 'local:b');
    };
    await expect(reseal(path, keys, { observe })).rejects.toMatchObject({ code: 'ERR_INPUT_CHANGED', retryable: true });
    expect((await inspect(path)).recipients.map(({ uri }) => uri)).toEqual(['local:a']);
    expect(Buffer.compare(await plaintextOf(path, a), plaintext)).toBe(0);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp') || name.endsWith('.next'))).toEqual([]);
  });

  it('a damaged payload is not resealed: the old object stays, and nothing beside it', async () => {
    const { path, payload, keys, folder } = await sealedFile(layout);
    const target = layout === 'detached' ? payload : path;
    const bytes = await bytesOf(target);
    bytes[bytes.length - 9000] = (bytes[bytes.length - 9000] ?? 0) ^ 1;
    await writeFile(target, bytes);
    await expect(reseal(path, keys)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(Buffer.compare(await bytesOf(target), bytes)).toBe(0);
    expect((await readdir(folder)).filter((name) => !['x', 'x.wax', 'x.floe', '.waxseal.lock'].includes(name))).toEqual(
      [],
    );
  });

  it('keeps permissions, goes through a link, and a dry run writes nothing', async () => {
    const { path, keys, folder } = await sealedFile(layout);
    const elsewhere = await temporaryFolder();
    await chmod(path, 0o640);
    if (layout !== 'detached') {
      await symlink(path, join(elsewhere, 'link.wax'));
      await reseal(join(elsewhere, 'link.wax'), keys);
      expect(await readdir(elsewhere)).toEqual(['link.wax']);
    } else await reseal(path, keys);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
    const before = await bytesOf(path);
    const dry = await reseal(path, keys, { dryRun: true });
    expect(dry.id).toBeUndefined();
    expect(Buffer.compare(await bytesOf(path), before)).toBe(0);
    expect((await readdir(folder)).some((name) => name.endsWith('.tmp'))).toBe(false);
  });

  it('a veto stops it before anything is written', async () => {
    const { path, keys } = await sealedFile(layout);
    const before = await bytesOf(path);
    const observe = (event: WaxsealEvent): void => {
      if (event.type === 'reseal.intent') throw new Error('not on a Friday');
    };
    await expect(reseal(path, keys, { observe })).rejects.toMatchObject({ code: 'ERR_VETOED' });
    expect(Buffer.compare(await bytesOf(path), before)).toBe(0);
  });
});

describe('reseal of bytes and streams', () => {
  it('bytes give bytes, a stream a stream, pieces pieces', async () => {
    const key = memoryKey();
    for (const layout of ['attached', 'compact'] as const) {
      const sealed = await seal(plaintext, key, { layout });
      const again = await reseal(sealed, key);
      expect(Buffer.compare(await open(again, key), plaintext)).toBe(0);
      expect((await inspect(again)).layout).toBe(layout);
      const stream = await reseal(new Blob([sealed]).stream(), key);
      const bytes = new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer());
      expect(Buffer.compare(await open(bytes, key), plaintext)).toBe(0);
    }
    const { header, payload } = await seal(plaintext, key, { layout: 'detached' });
    const again = await reseal({ header, payload }, key);
    expect(Buffer.compare(await open(again, key), plaintext)).toBe(0);
    await expect(open({ header, payload: again.payload }, key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    const streamed = await reseal({ header, payload: [payload] }, key);
    expect(
      await new Response((await open(streamed, key)) as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
    ).toHaveProperty('byteLength', plaintext.length);
  });
});

describe('a reseal of a detached object that was interrupted after its payload was replaced', () => {
  async function interrupted() {
    const made = await sealedFile('detached');
    const { path, keys, folder } = made;
    const old = join(folder, 'old.wax');
    await copyFile(path, old);
    await reseal(path, keys);
    await rename(path, `${path}.next`);
    await rename(old, path);
    return made;
  }

  it('opens with a warning, and verify says what to do', async () => {
    const { path, keys, folder } = await interrupted();
    const warnings: string[] = [];
    const observe = ({ warning }: WaxsealEvent): void => void (warning === undefined ? 0 : warnings.push(warning));
    await openFile(path, join(folder, 'opened'), keys, { observe });
    expect(warnings).toEqual([
      expect.stringMatching(/a reseal of .*x\.wax was interrupted; .*x\.wax\.next was read: run repair/),
    ]);
    const { ok, findings } = await verify(path, keys);
    expect(ok).toBe(true);
    expect(findings).toMatchObject([{ severity: 'warning', next: 'run repair' }]);
  });

  it('repair completes it', async () => {
    const { path, keys, folder } = await interrupted();
    expect((await repair(path, keys, { dryRun: true })).repaired).toEqual(['interrupted reseal']);
    expect((await repair(path, keys)).repaired).toEqual(['interrupted reseal']);
    expect(await readdir(folder)).not.toContain('x.wax.next');
    expect((await verify(path, keys)).findings).toEqual([]);
  });

  it('before its payload was replaced, repair removes what it left', async () => {
    const { path, keys, folder } = await sealedFile('detached');
    const other = await sealedFile('detached');
    await copyFile(other.path, `${path}.next`);
    expect((await repair(path, keys)).repaired).toEqual(['interrupted reseal']);
    expect(await readdir(folder)).not.toContain('x.wax.next');
    expect(Buffer.compare(await plaintextOf(path, keys), plaintext)).toBe(0);
  });

  it('a rewrap or a new recipient reaches the true header too, also without the payload', async () => {
    const { path, keys, payload, folder } = await interrupted();
    const c = memoryKey('local:c');
    const away = join(folder, 'away');
    await rename(payload, away);
    await addRecipient(path, keys, c);
    await rewrap(path, keys);
    await rename(away, payload);
    expect(Buffer.compare(await plaintextOf(path, c), plaintext)).toBe(0);
    await repair(path, c);
    expect(Buffer.compare(await plaintextOf(path, c), plaintext)).toBe(0);
  });

  it('the next reseal, and sealing over it, lose nothing', async () => {
    const { path, keys } = await interrupted();
    await reseal(path, keys);
    expect((await verify(path, keys)).findings).toEqual([]);
    const again = await interrupted();
    await sealFile([plaintext], again.path, again.keys, { layout: 'detached', overwrite: true });
    expect((await verify(again.path, again.keys)).findings).toEqual([]);
    expect(Buffer.compare(await plaintextOf(again.path, again.keys), plaintext)).toBe(0);
  });

  it('a junk file under that name changes nothing', async () => {
    const { path, keys } = await sealedFile('detached');
    await writeFile(`${path}.next`, 'junk');
    expect(Buffer.compare(await plaintextOf(path, keys), plaintext)).toBe(0);
    const warnings: string[] = [];
    await rewrap(path, keys, { observe: ({ warning }) => void (warning === undefined ? 0 : warnings.push(warning)) });
    expect(warnings).toEqual([expect.stringMatching(/left by an interrupted reseal, was not changed/)]);
    await rm(`${path}.next`);
  });
});
