/** Attacks of the design that concern the reader, one test each, by their stable numbers. */
import { describe, expect, it } from 'vitest';
import { decrypt } from '../../src/crypto/floe/index.ts';
import { encodeCore, bindOf, decodeCore } from '../../src/envelope/format/core.ts';
import { encodeAttachedHead, objectAad } from '../../src/envelope/format/head.ts';
import { encodeSlot } from '../../src/envelope/format/slot.ts';
import { encodeRecipients, entryTagKey, makeRecipient } from '../../src/envelope/format/recipients.ts';
import { inspect, open, openFile, openObject, openRange, rewrap, seal, verify } from '../../src/envelope/index.ts';
import { startEncryption, encryptSegment } from '../../src/crypto/floe/segments.ts';
import { concat } from '../../src/bytes/index.ts';
import type { KeyProvider, WrappedSecret } from '../../src/keys/provider.ts';
import { pattern } from '../support/bytes.ts';
import { temporaryFolder } from '../support/folder.ts';
import { attachedHead } from '../support/heads.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect } from '../support/streams.ts';
import { join } from 'node:path';
import { writeFile, stat } from 'node:fs/promises';

/** An object of any type, made with the format's own parts. */
async function craft(key: KeyProvider, type: number, payload: Uint8Array): Promise<Uint8Array> {
  const tree = type === 2 ? { treeId: pattern(16), seq: 1 } : undefined;
  const core = encodeCore({
    id: pattern(16, 3),
    type,
    segmentLength: 4096,
    context: {},
    created: 0,
    size: payload.length,
    tree,
  });
  const bind = bindOf(core);
  const dataKey = pattern(32, 5);
  const entry = makeRecipient(await key.wrap(dataKey, bind), 0, entryTagKey(dataKey, bind));
  const none = new Uint8Array(0);
  const { state, header } = startEncryption(dataKey, objectAad(bind, none), { segmentLength: 4096 });
  const list = encodeRecipients([entry]);
  const head = encodeAttachedHead({ coreBytes: core, meta: none, floeHeader: header, bind }, 4096);
  const slots = ([0, 1] as const).map((index) => encodeSlot(index, 1, list, 4096, bind, 'x'));
  return concat(head, ...slots, head, encryptSegment(state, payload, 0, true));
}

describe('attacks on readers', () => {
  it('attack 9: every opener demands its type, so that data never becomes a manifest, nor a manifest data', async () => {
    const key = memoryKey();
    const data = await craft(key, 1, pattern(10));
    expect(await open(data, key)).toEqual(pattern(10));
    const folder = await temporaryFolder();
    for (const type of [2, 3]) {
      const other = await craft(key, type, pattern(10));
      const path = join(folder, `${String(type)}.wax`);
      await writeFile(path, other);
      const refused = { code: 'ERR_WRONG_TYPE' };
      await expect(open(other, key)).rejects.toMatchObject(refused);
      await expect(open([other], key).then((stream) => collect(stream))).rejects.toMatchObject(refused);
      await expect(openObject(other, key)).rejects.toMatchObject(refused);
      await expect(openRange(other, key, { start: 0 })).rejects.toMatchObject(refused);
      await expect(openFile(path, join(folder, 'out'), key)).rejects.toMatchObject(refused);
      await expect(verify(other, key)).rejects.toMatchObject(refused);
      expect((await inspect(other)).type).not.toBe('data');
      // A rewrap renews wraps and never looks at what they are for: it works for every type.
      key.bump();
      expect((await rewrap(path, key)).changed).toBe(true);
    }
  });

  it('attack 13: a wrapped data key moved to another object is refused, by the provider or by the header tag', async () => {
    for (const bindsContext of [true, false]) {
      const inner = memoryKey();
      // A mechanism without associated data, as RSA-OAEP: the header tag alone must catch the swap.
      const zero = new Uint8Array(32);
      const key: KeyProvider = bindsContext
        ? inner
        : {
            ...inner,
            bindsContext: false,
            wrap: (secret) => inner.wrap(secret, zero),
            unwrap: (wrapped: WrappedSecret) => inner.unwrap(wrapped, zero),
          };
      const [one, two] = [await seal(pattern(10), key), await seal(pattern(20), key)];
      const spliced = await withRecipientsOf(one, two);
      await expect(open(spliced, key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
      await expect(open([spliced], key).then((stream) => collect(stream))).rejects.toMatchObject({
        code: 'ERR_AUTHENTICATION',
      });
    }
  });

  it('a whole head of one object before the payload of another is refused', async () => {
    const key = memoryKey();
    const [one, two] = [await seal(pattern(10), key), await seal(pattern(10, 7), key)];
    const { payloadOffset } = await inspect(one);
    const spliced = concat(one.subarray(0, payloadOffset), two.subarray(payloadOffset));
    await expect(open(spliced, key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
  });

  it('attack 16: a bit flipped in the recovery wrap: open works, verify fails and names it', async () => {
    const [key, recovery] = [memoryKey('local:daily'), memoryKey('local:recovery')];
    const sealed = await seal(pattern(10), [key, recovery]);
    const head = attachedHead(sealed, 'x');
    const { decodeRecipients } = await import('../../src/envelope/format/recipients.ts');
    const { readSlot } = await import('../../src/envelope/format/slot.ts');
    const { slotA, slotB, slotSize } = head.geometry;
    const slot = readSlot(sealed.subarray(slotA, slotB), 0, slotSize, head.bind, 'x').slot;
    const list = (slot?.list ?? new Uint8Array(0)).slice();
    const wrap = decodeRecipients(list, 'x')[1]?.wrap ?? new Uint8Array(0);
    const at = Buffer.from(list).indexOf(Buffer.from(wrap));
    list[at + 40] = (list[at + 40] ?? 0) ^ 1;
    sealed.set(encodeSlot(0, 1, list, slotSize, head.bind, 'x'), slotA);
    sealed.set(encodeSlot(1, 1, list, slotSize, head.bind, 'x'), slotB);
    expect(await open(sealed, key)).toEqual(pattern(10));
    for (const keys of [[key], [key, recovery]]) {
      const report = await verify(sealed, keys);
      expect(report.ok).toBe(false);
      expect(report.findings.map((f) => f.message).join()).toContain('local:recovery');
    }
  });

  it('attack 27: a stock FLOE reader opens the payload at 2P + 2S - 74 with data key and AAD given', async () => {
    const dataKeys: Uint8Array[] = [];
    const inner = memoryKey();
    const key: KeyProvider = {
      ...inner,
      wrap(secret, binding) {
        dataKeys.push(secret.slice());
        return inner.wrap(secret, binding);
      },
    };
    const plaintext = pattern(10_000);
    const sealed = await seal(plaintext, key, { segmentLength: 4096, slotSize: 8192, metadata: { name: 'x' } });
    const head = attachedHead(sealed, 'x');
    const { headLength: p, slotSize: s } = head.geometry;
    const message = sealed.subarray(2 * p + 2 * s - 74);
    const dataKey = dataKeys[0] ?? new Uint8Array(0);
    expect(decrypt(dataKey, objectAad(head.bind, head.meta), message, { segmentLength: 4096 })).toEqual(plaintext);
    expect((2 * p + 2 * s) % 4096).toBe(0);
  });

  it('a key is tried at most four times for one open, whatever the list says', async () => {
    const key = memoryKey();
    const sealed = await seal(pattern(1), key, { slotSize: 65536 });
    const head = attachedHead(sealed, 'x');
    const junk = Array.from({ length: 20 }, (_, i) =>
      makeRecipient({ uri: key.uri, version: `v${String(i)}`, algorithm: 1, wrap: pattern(72) }, 0, pattern(32)),
    );
    const list = encodeRecipients(junk);
    const { slotA, slotB, slotSize } = head.geometry;
    sealed.set(encodeSlot(0, 1, list, slotSize, head.bind, 'x'), slotA);
    sealed.set(encodeSlot(1, 1, list, slotSize, head.bind, 'x'), slotB);
    const before = key.calls.unwrap;
    await expect(open(sealed, key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    expect(key.calls.unwrap - before).toBe(4);
  });

  it('no key fits: the error names what the object needs and what is at hand', async () => {
    const sealed = await seal(pattern(1), [memoryKey('local:a'), memoryKey('local:b')]);
    const opening = open(sealed, [memoryKey('local:c')]);
    await expect(opening).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    await expect(opening).rejects.toThrow(/local:a, local:b.*local:c/);
  });

  it('a sealed empty file is not an empty file: every byte of it is needed', async () => {
    const key = memoryKey();
    const sealed = await seal(new Uint8Array(0), key);
    expect(await open(sealed, key)).toHaveLength(0);
    const changed = sealed.slice();
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    await expect(open(changed, key)).rejects.toMatchObject({ code: 'ERR_AUTHENTICATION' });
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'x.wax'), changed);
    await expect(openFile(join(folder, 'x.wax'), join(folder, 'x'), key)).rejects.toMatchObject({
      code: 'ERR_AUTHENTICATION',
    });
    await expect(stat(join(folder, 'x'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('the core that a reader sees is the core that was sealed', async () => {
    const sealed = await seal(pattern(1), memoryKey(), { context: { b: '2', a: '1' } });
    const { core } = attachedHead(sealed, 'x');
    expect(decodeCore(encodeCore(core), 'x')).toEqual(core);
  });
});

/** `target` with the recipients of `donor`, hashed anew, as a storage administrator could do. */
async function withRecipientsOf(donor: Uint8Array, target: Uint8Array): Promise<Uint8Array> {
  const { readSlot } = await import('../../src/envelope/format/slot.ts');
  const [from, to] = [attachedHead(donor, 'donor'), attachedHead(target, 'target')];
  const { slotA, slotB, slotSize } = from.geometry;
  const list = readSlot(donor.subarray(slotA, slotB), 0, slotSize, from.bind, 'donor').slot?.list ?? new Uint8Array(0);
  const out = target.slice();
  out.set(encodeSlot(0, 5, list, to.geometry.slotSize, to.bind, 'target'), to.geometry.slotA);
  out.set(encodeSlot(1, 5, list, to.geometry.slotSize, to.bind, 'target'), to.geometry.slotB);
  return out;
}

describe('forged heads', () => {
  it('a first head with a right hash that fits no slot is stepped over: the second one opens, verify and repair say so', async () => {
    const key = memoryKey();
    const sealed = await seal(pattern(10), key);
    const other = attachedHead(await seal(pattern(10), key), 'other');
    const { repair } = await import('../../src/envelope/index.ts');
    const forged = sealed.slice();
    forged.set(other.bytes, 0);
    expect(await open(forged, key)).toEqual(pattern(10));
    expect((await inspect(forged)).warnings.join()).toMatch(/first head/);
    expect((await verify(forged, key)).ok).toBe(false);
    const path = join(await temporaryFolder(), 'x.wax');
    await writeFile(path, forged);
    expect((await repair(path, key)).repaired).toEqual(['first head']);
    expect((await verify(path, key)).ok).toBe(true);
    expect(await openObject(path, key).then(async (object) => object.read(0).finally(() => object.close()))).toEqual(
      pattern(10),
    );
  });

  it('both heads forged alike: refused', async () => {
    const key = memoryKey();
    const sealed = await seal(pattern(10), key);
    const other = attachedHead(await seal(pattern(10), key), 'other');
    const forged = sealed.slice();
    forged.set(other.bytes, 0);
    forged.set(other.bytes, other.geometry.head1);
    await expect(open(forged, key)).rejects.toMatchObject({ code: 'ERR_HEADER_DAMAGED' });
  });
});
