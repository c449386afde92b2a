import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  addRecipient,
  inspect,
  open,
  openFile,
  openObject,
  openRange,
  plaintextSize,
  removeRecipient,
  repair,
  rewrap,
  seal,
  sealedSize,
  sealFile,
  verify,
} from '../../src/envelope/index.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';

const key = memoryKey();

describe('options', () => {
  it('every verb refuses an option that it does not know', async () => {
    const sealed = await seal(pattern(1), key);
    const bad = { expectID: 'typo' } as object;
    const calls: [string, () => unknown][] = [
      ['seal', () => seal(pattern(1), key, bad)],
      ['sealFile', () => sealFile('a', 'b', key, bad)],
      ['open', () => open(sealed, key, bad)],
      ['openFile', () => openFile(sealed, 'b', key, bad)],
      ['openObject', () => openObject(sealed, key, bad)],
      ['openRange', () => openRange(sealed, key, { start: 0, ...bad })],
      ['inspect', () => inspect(sealed, bad)],
      ['verify', () => verify(sealed, key, bad)],
      ['rewrap', () => rewrap('a', key, bad)],
      ['addRecipient', () => addRecipient('a', key, key, bad)],
      ['removeRecipient', () => removeRecipient('a', key, 'local:x', bad)],
      ['repair', () => repair('a', key, bad)],
      ['sealedSize', () => sealedSize(1, bad)],
      ['plaintextSize', () => plaintextSize(1, bad)],
    ];
    for (const [name, call] of calls) {
      await expect(Promise.resolve().then(call), name).rejects.toThrow(/unknown option "expectID"/);
    }
  });

  it('keys must be key providers, and at least one', async () => {
    for (const keys of [[], undefined, null, 'local:default', {}, [null]]) {
      await expect(seal(pattern(1), keys as never)).rejects.toThrow(TypeError);
    }
  });

  it('expectId opens the expected object only (attack 15)', async () => {
    const one = await seal(pattern(5), key);
    const other = await seal(pattern(5), key);
    const { id } = await inspect(one);
    expect(await open(one, key, { expectId: id })).toEqual(pattern(5));
    await expect(open(other, key, { expectId: id })).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    await expect(open(one, key, { expectId: 'short' })).rejects.toThrow(TypeError);
  });

  it('expectContext demands its entries, and no more', async () => {
    const sealed = await seal(pattern(5), key, { context: { team: 'vision', env: 'prod' } });
    await open(sealed, key, { expectContext: { team: 'vision' } });
    for (const expectContext of [{ team: 'audio' }, { nobody: '' }, { toString: 'x' }]) {
      await expect(open(sealed, key, { expectContext })).rejects.toMatchObject({ code: 'ERR_UNEXPECTED_OBJECT' });
    }
  });

  it('expectations hold without a key being used', async () => {
    const sealed = await seal(pattern(5), key);
    const { unwrap } = key.calls;
    await expect(open(sealed, key, { expectId: '0'.repeat(32) })).rejects.toMatchObject({
      code: 'ERR_UNEXPECTED_OBJECT',
    });
    expect(key.calls.unwrap).toBe(unwrap);
  });

  it('requireSymmetricWrap refuses to open through a public-key wrap (attack 15)', async () => {
    const publicKey = { ...memoryKey('local:public'), symmetric: false };
    const sealed = await seal(pattern(5), publicKey);
    expect(await open(sealed, publicKey)).toEqual(pattern(5));
    await expect(open(sealed, publicKey, { requireSymmetricWrap: true })).rejects.toMatchObject({
      code: 'ERR_UNEXPECTED_OBJECT',
    });
    const both = await seal(pattern(5), [publicKey, key]);
    expect(await open(both, [publicKey, key], { requireSymmetricWrap: true })).toEqual(pattern(5));
  });

  it('shape options outside the format are RangeError or TypeError', async () => {
    const bad: object[] = [
      { segmentLength: 4095 },
      { segmentLength: 4 * 1024 * 1024 + 1 },
      { segmentLength: 5000.5 },
      { slotSize: 4095 },
      { slotSize: 5000 },
      { slotSize: 128 * 1024 },
      { size: -1 },
      { context: { k: 1 } },
      { context: { k: '\ud800' } },
      { context: { k: 'x'.repeat(5000) } },
      { metadata: { name: 'x'.repeat(5000) } },
    ];
    for (const options of bad) {
      await expect(
        seal([pattern(1)], key, options).then((stream) => collect(stream)),
        JSON.stringify(options).slice(0, 40),
      ).rejects.toThrow(/RangeError|TypeError|over|must|not valid/);
    }
    await expect(seal(pattern(3), key, { size: 4 })).rejects.toMatchObject({ code: 'ERR_SIZE_MISMATCH' });
  });

  it('a context key named __proto__ is a context key', async () => {
    const context = Object.fromEntries([['__proto__', 'x']]);
    const sealed = await seal(pattern(1), key, { context });
    expect(Object.entries((await inspect(sealed)).context)).toEqual([['__proto__', 'x']]);
    await open(sealed, key, { expectContext: context });
  });

  it('sealedSize and plaintextSize agree with what seal writes', async () => {
    for (const size of [0, 1, 4064, 4065, 262_112, 262_113, 1_000_000]) {
      for (const options of [{}, { segmentLength: 4096 }, { context: { a: 'b'.repeat(3900) } }, { slotSize: 8192 }]) {
        const sealed = await seal(pattern(size), key, options);
        expect(sealedSize(size, options)).toBe(sealed.length);
        expect(plaintextSize(sealed.length, options)).toBe(size);
      }
    }
    const unsized = await collect(await seal([pattern(70_000)], key));
    expect(sealedSize(70_000, { sizeKnown: false })).toBe(unsized.length);
    expect(() => plaintextSize(17)).toThrow(/no sealed object/);
    for (const n of [2 ** 40, 2 ** 50]) expect(plaintextSize(sealedSize(n))).toBe(n);
  });

  it('files: existing output is refused and kept, unless overwrite', async () => {
    const folder = await temporaryFolder();
    const at = (name: string): string => join(folder, name);
    await sealFile([pattern(10)], at('x.wax'), key);
    await expect(sealFile([pattern(11)], at('x.wax'), key)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
    expect((await openFile(at('x.wax'), at('x'), key)).size).toBe(10);
    await expect(openFile(at('x.wax'), at('x'), key)).rejects.toMatchObject({ code: 'ERR_OUTPUT_EXISTS' });
    await sealFile([pattern(11)], at('x.wax'), key, { overwrite: true });
    expect((await openFile(at('x.wax'), at('x'), key, { overwrite: true })).size).toBe(11);
    await expect(sealFile(at('absent'), at('y.wax'), key)).rejects.toMatchObject({ code: 'ERR_FILE_NOT_FOUND' });
    await expect(sealFile(folder, at('y.wax'), key)).rejects.toMatchObject({ code: 'ERR_NOT_A_FILE' });
    await expect(openFile(at('x.wax'), join(folder, 'no', 'x'), key)).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND',
    });
  });
});
