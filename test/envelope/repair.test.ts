/** Repair where nothing is carried twice: from another copy, in whatever layout that is. */
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convert, inspect, openObject, repair, rewrap, seal, verify } from '../../src/index.ts';
import { attachedHead } from '../support/heads.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';

const key = memoryKey();
const plaintext = pattern(50_000);

/** One object in every layout, and a header of it, in files. */
async function everyLayout(slotSize?: number) {
  const folder = await temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const attached = await seal(plaintext, key, { segmentLength: 8192, ...(slotSize === undefined ? {} : { slotSize }) });
  const { header, payload } = await convert(attached, 'detached');
  const compact = await convert(attached, 'compact');
  await writeFile(at('attached.wax'), attached);
  await writeFile(at('compact.wax'), compact);
  await writeFile(at('split.wax'), header);
  await writeFile(at('split.floe'), payload);
  return { at, attached, compact, header, payload };
}

async function expectWhole(path: string): Promise<void> {
  const object = await openObject(path, key);
  expect(Buffer.compare(await object.read(0), plaintext)).toBe(0);
  await object.close();
  expect((await verify(path, key)).findings).toEqual([]);
}

/** Overwrites a part with noise. */
async function damage(path: string, from: number, to: number): Promise<void> {
  const bytes = await readFile(path);
  bytes.fill(0xa5, from, to);
  await writeFile(path, bytes);
}

describe('repair of what carries nothing twice', () => {
  it.each(['attached', 'compact', 'split'])('recipients of a compact object, from a copy that is %s', async (donor) => {
    const { at, compact } = await everyLayout();
    const other = at('damaged.wax');
    await writeFile(other, compact);
    await damage(other, 150, 200);
    await expect(repair(other, key)).rejects.toMatchObject({ code: 'ERR_HEADER_DAMAGED' });
    const done = await repair(other, key, { from: at(`${donor}.wax`) });
    expect(done.repaired).toEqual(['header']);
    await expectWhole(other);
  });

  it.each(['attached', 'compact'])(
    'a detached header of which nothing is left, from a copy that is %s',
    async (donor) => {
      const { at } = await everyLayout();
      const { size } = await stat(at('split.wax'));
      await damage(at('split.wax'), 0, size);
      const done = await repair(at('split.wax'), key, { from: at(`${donor}.wax`) });
      expect(done.repaired).toEqual(['header']);
      expect((await inspect(at('split.wax'))).layout).toBe('detached');
      await expectWhole(at('split.wax'));
    },
  );

  it.each([undefined, 12_288, 65_536])(
    'an attached object without a head or slot, slots of %s bytes, from its detached header alone',
    async (slotSize) => {
      const { at, attached } = await everyLayout(slotSize);
      const path = at('attached.wax');
      await damage(path, 0, attachedHead(attached).geometry.segments);
      await expect(repair(path, key)).rejects.toMatchObject({ code: 'ERR_NOT_SEALED' });
      const done = await repair(path, key, { from: at('split.wax') });
      expect(done.repaired).toEqual(['slot A', 'slot B', 'second head', 'first head']);
      await expectWhole(path);
      expect(Buffer.compare(await readFile(path), attached)).toBe(0);
    },
  );

  it('an attached object from its compact copy, and a compact one whose head is gone', async () => {
    const { at, attached, compact } = await everyLayout();
    await damage(at('attached.wax'), 0, attachedHead(attached).geometry.segments);
    await repair(at('attached.wax'), key, { from: at('compact.wax') });
    await expectWhole(at('attached.wax'));
    await writeFile(at('other.wax'), compact);
    await damage(at('compact.wax'), 0, 200);
    await repair(at('compact.wax'), key, { from: at('other.wax') });
    await expectWhole(at('compact.wax'));
  });

  it('an old copy gives its old wraps, which open', async () => {
    const { at, header } = await everyLayout();
    await writeFile(at('old-header'), header);
    key.bump();
    await rewrap(at('split.wax'), key);
    await damage(at('split.wax'), 100, 300);
    await repair(at('split.wax'), key, { from: at('old-header') });
    await expectWhole(at('split.wax'));
  });

  it('refuses another object, and a header that does not open this payload; nothing is written', async () => {
    const { at, compact } = await everyLayout();
    const other = await everyLayout();
    const path = at('compact.wax');
    await damage(path, 150, 200);
    const before = await readFile(path);
    await expect(repair(path, key, { from: other.at('compact.wax') })).rejects.toMatchObject({
      code: 'ERR_UNEXPECTED_OBJECT',
    });
    await damage(at('split.wax'), 0, 60);
    const gone = await readFile(at('split.wax'));
    await expect(repair(at('split.wax'), key, { from: other.at('split.wax') })).rejects.toThrow(
      /damaged|not a sealed|authenticate|payload/,
    );
    expect(Buffer.compare(await readFile(at('split.wax')), gone)).toBe(0);
    expect(Buffer.compare(await readFile(path), before)).toBe(0);
    expect(compact.length).toBeGreaterThan(0);
  });

  it('says when nothing is wrong, and a dry run writes nothing', async () => {
    const { at } = await everyLayout();
    for (const name of ['attached.wax', 'compact.wax', 'split.wax']) {
      expect((await repair(at(name), key)).repaired).toEqual([]);
    }
    await damage(at('compact.wax'), 150, 200);
    const before = await readFile(at('compact.wax'));
    expect((await repair(at('compact.wax'), key, { from: at('split.wax'), dryRun: true })).repaired).toEqual([
      'header',
    ]);
    expect(Buffer.compare(await readFile(at('compact.wax')), before)).toBe(0);
  });
});

describe('verify and inspect of streams', () => {
  it('say what they say of the same bytes', async () => {
    const { attached, compact, header, payload } = await everyLayout();
    for (const sealed of [attached, compact]) {
      const pieces = [sealed.subarray(0, 1000), sealed.subarray(1000)];
      expect(await verify(pieces, key)).toEqual(await verify(sealed, key));
      expect(await inspect(pieces)).toEqual(await inspect(sealed));
      const cut = await verify([sealed.subarray(0, sealed.length - 1)], key);
      expect(cut.ok).toBe(false);
      expect(cut.size).toBeUndefined();
    }
    expect(await verify({ header, payload: [payload] }, key)).toMatchObject({ ok: true, size: plaintext.length });
  });
});
