/** Every verb that writes files, in every layout: what it says it did, what is there afterwards, and that it opens. */
import { chmod, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  addRecipient,
  convertFile,
  inspect,
  open,
  openFile,
  removeRecipient,
  repair,
  reseal,
  rewrap,
  sealFile,
  type SealFileOptions,
  shred,
  verify,
} from '../../../src/index.ts';
import { pattern } from '../../support/bytes.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { scaled } from '../../tier.ts';
import { alice, bob, carol, expectBytes, LAYOUTS, LONG, SEGMENT, SIZES, STREAM_FORMS, STREAMS } from './support.ts';

// Every one of them takes several fsyncs.
const ALL = scaled([0, LONG], [...SIZES, LONG], [...SIZES, LONG]);

describe.each(LAYOUTS)('%s', (layout) => {
  const NAMES = layout === 'detached' ? ['m.floe', 'm.wax'] : ['m.wax'];
  const OPTIONS: SealFileOptions = { layout, segmentLength: SEGMENT };

  /** The folder has these files, and nothing else but the lock. */
  async function expectFiles(folder: string, names: readonly string[]): Promise<void> {
    expect((await readdir(folder)).filter((name) => name !== '.waxseal.lock').sort()).toEqual([...names].sort());
  }

  async function expectOpensFile(path: string, plaintext: Uint8Array, keys = [alice, bob]): Promise<void> {
    const target = join(await temporaryFolder(), 'opened');
    for (const key of keys) {
      expect((await openFile(path, target, key, { overwrite: true })).size).toBe(plaintext.length);
      expectBytes(await readFile(target), plaintext);
    }
    expect((await verify(path, keys)).findings).toEqual([]);
  }

  describe('sealFile', () => {
    const SOURCES: Readonly<Record<string, (bytes: Uint8Array) => Promise<unknown>>> = {
      path: plainFile,
      'file URL': async (bytes) => pathToFileURL(await plainFile(bytes)),
      ...Object.fromEntries(STREAM_FORMS.map((form) => [form, async (bytes: Uint8Array) => STREAMS[form](bytes)])),
    };

    it.each(Object.keys(SOURCES))('%s', async (form) => {
      for (const size of ALL) {
        for (const known of [size, undefined]) {
          const folder = await temporaryFolder();
          const target = join(folder, 'm.wax');
          const plaintext = pattern(size);
          const source = await SOURCES[form]?.(plaintext);
          const report = await sealFile(source as never, target, [alice, bob], { ...OPTIONS, size: known });
          await expectFiles(folder, NAMES);
          const lengths = await Promise.all(NAMES.map(async (name) => (await stat(join(folder, name))).size));
          expect(report).toMatchObject({ size, layout, sealedSize: lengths.reduce((sum, length) => sum + length, 0) });
          expect(report.recipients.map(({ uri }) => uri)).toEqual([alice.uri, bob.uri]);
          const sized = form === 'path' || form === 'file URL' || known !== undefined;
          expect(await inspect(target)).toMatchObject({ id: report.id, layout, size: sized ? size : undefined });
          await expectOpensFile(target, plaintext);
        }
      }
    });

    it('replaces an object of any layout with overwrite, and refuses without', async () => {
      for (const old of LAYOUTS) {
        const folder = await temporaryFolder();
        const target = join(folder, 'm.wax');
        await sealFile([pattern(10)], target, alice, { layout: old });
        await expect(sealFile([pattern(9000)], target, [alice, bob], OPTIONS)).rejects.toMatchObject({
          code: 'ERR_OUTPUT_EXISTS',
        });
        await expectOpensFile(target, pattern(10), [alice]);
        await sealFile([pattern(9000)], target, [alice, bob], { ...OPTIONS, overwrite: true });
        await expectOpensFile(target, pattern(9000));
      }
    });
  });

  async function plainFile(bytes: Uint8Array): Promise<string> {
    const path = join(await temporaryFolder(), 'plain');
    await writeFile(path, bytes);
    return path;
  }

  async function sealedFile(size: number): Promise<{ folder: string; path: string; plaintext: Uint8Array }> {
    const folder = await temporaryFolder();
    const path = join(folder, 'm.wax');
    const plaintext = pattern(size);
    await sealFile(await plainFile(plaintext), path, [alice, bob], OPTIONS);
    return { folder, path, plaintext };
  }

  it.each(ALL)('rewrap, addRecipient, removeRecipient: %i bytes', async (size) => {
    const { folder, path, plaintext } = await sealedFile(size);
    alice.bump();
    expect(await rewrap(path, alice, { dryRun: true })).toMatchObject({ changed: true, bytesWritten: 0 });
    expect((await inspect(path)).recipients[0]?.version).not.toBe((await alice.describe?.())?.currentVersion);
    expect(await rewrap(path, alice)).toMatchObject({ changed: true });
    expect((await inspect(path)).recipients[0]?.version).toBe((await alice.describe?.())?.currentVersion);
    expect(await rewrap(path, alice)).toMatchObject({ changed: false, bytesWritten: 0 });
    await expectOpensFile(path, plaintext);
    await addRecipient(path, bob, carol);
    await expectOpensFile(path, plaintext, [alice, bob, carol]);
    await removeRecipient(path, carol, alice.uri);
    await expectOpensFile(path, plaintext, [bob, carol]);
    await expect(open(await readFile(path), alice)).rejects.toMatchObject({
      code: layout === 'detached' ? 'ERR_PAYLOAD_NOT_FOUND' : 'ERR_NO_MATCHING_KEY',
    });
    await expectFiles(folder, NAMES);
  });

  it.each(ALL)('reseal: %i bytes', async (size) => {
    const { folder, path, plaintext } = await sealedFile(size);
    const before = await inspect(path);
    expect(await reseal(path, [alice, bob], { dryRun: true })).toMatchObject({
      id: undefined,
      previousId: before.id,
      size,
    });
    const report = await reseal(path, [alice, bob]);
    expect(report).toMatchObject({ previousId: before.id, size, recipients: [alice.uri, bob.uri], dropped: [] });
    expect(await inspect(path)).toMatchObject({ id: report.id, layout, size });
    await expectOpensFile(path, plaintext);
    await reseal(path, [bob], { dropOthers: true });
    await expectOpensFile(path, plaintext, [bob]);
    await expectFiles(folder, NAMES);
  });

  describe.each(LAYOUTS)('convertFile to %s', (to) => {
    it.each(ALL)('in place and to another file: %i bytes', async (size) => {
      const { folder, path, plaintext } = await sealedFile(size);
      const { id } = await inspect(path);
      const pair = (name: string): string[] => (to === 'detached' ? [`${name}.floe`, `${name}.wax`] : [`${name}.wax`]);
      const output = join(folder, 'other.wax');
      expect(await convertFile(path, to, { output })).toMatchObject({ id, from: layout, to, path: output });
      await expectOpensFile(output, plaintext);
      await expectFiles(folder, [...NAMES, ...pair('other')]);
      expect(await convertFile(path, to, { dryRun: true })).toMatchObject({ from: layout, to, changed: layout !== to });
      expect((await inspect(path)).layout).toBe(layout);
      expect(await convertFile(path, to)).toMatchObject({ from: layout, to, changed: layout !== to, path });
      expect(await inspect(path)).toMatchObject({ id, layout: to });
      await expectOpensFile(path, plaintext);
      await expectFiles(folder, [...pair('m'), ...pair('other')]);
    });
  });

  it.each(ALL)('repair: nothing to do, a damaged head, erased recipients, %i bytes', async (size) => {
    const { folder, path, plaintext } = await sealedFile(size);
    expect((await repair(path, [alice, bob])).repaired).toEqual([]);
    const good = await readFile(path);
    for (const forms of [good, new Blob([good])]) {
      const spoiled = Buffer.from(good);
      spoiled.fill(0xee, 0, 200);
      await writeFile(path, spoiled);
      expect((await repair(path, [alice, bob], { from: forms, dryRun: true })).repaired.length).toBeGreaterThan(0);
      expect((await repair(path, [alice, bob], { from: forms })).repaired.length).toBeGreaterThan(0);
      await expectOpensFile(path, plaintext);
    }
    await shred(path);
    const backup = join(await temporaryFolder(), 'backup');
    await writeFile(backup, good);
    for (const from of [backup, pathToFileURL(backup)]) {
      await repair(path, [alice, bob], { from });
      await expectOpensFile(path, plaintext);
    }
    await expectFiles(folder, NAMES);
  });

  it.each(ALL)('shred: %i bytes, nobody opens it any more', async (size) => {
    const { folder, path, plaintext } = await sealedFile(size);
    const { id } = await inspect(path);
    const parts = layout === 'attached' ? ['slot A', 'slot B'] : ['recipients'];
    const erased = parts.map((part) => ({ path, part }));
    expect(await shred(path, { dryRun: true, expectId: id })).toEqual({ id, erased, deleted: [] });
    await expectOpensFile(path, plaintext);
    expect(await shred(path, { expectId: id })).toEqual({ id, erased, deleted: [] });
    for (const key of [alice, bob]) {
      await expect(openFile(path, join(folder, 'x'), key)).rejects.toMatchObject({ code: 'ERR_SHREDDED' });
    }
    expect((await inspect(path)).lists).toBe('erased');
    await expectFiles(folder, NAMES);
    const { deleted } = await shred(path, { delete: true });
    expect(deleted.length).toBe(NAMES.length);
    await expectFiles(folder, []);
  });

  it('keeps the permissions of a file that is replaced', async () => {
    const { folder, path, plaintext } = await sealedFile(LONG);
    for (const name of NAMES) await chmod(join(folder, name), 0o640);
    alice.bump();
    await rewrap(path, alice);
    await reseal(path, [alice, bob]);
    for (const name of NAMES) expect((await stat(join(folder, name))).mode & 0o777, name).toBe(0o640);
    await expectOpensFile(path, plaintext);
  });
});
