import { describe, expect, it } from 'vitest';
import { inspect, open, rewrap, seal, verify } from '../../src/envelope/index.ts';
import { pattern } from '../support/bytes.ts';
import { memoryKey } from '../support/memory-key.ts';
import { collect, cut } from '../support/streams.ts';

const plaintext = pattern(300_000);

describe('rewrap of bytes and streams', () => {
  it.each(['bytes', 'stream'] as const)(
    '%s: a copy under the current version, payload untouched, input untouched',
    async (kind) => {
      const key = memoryKey();
      const sealed = await seal(plaintext, key, { segmentLength: 8192 });
      const copy = sealed.slice();
      key.bump();
      const rewrapped =
        kind === 'bytes' ? await rewrap(sealed, key) : await collect(await rewrap(cut(sealed, [50_000, 7]), key));
      expect(sealed).toEqual(copy);
      const { payloadOffset, recipients, generation, lists } = await inspect(rewrapped);
      expect({ generation, lists, version: recipients[0]?.version }).toEqual({
        generation: 2,
        lists: 'steady',
        version: '2',
      });
      expect(rewrapped.subarray(payloadOffset)).toEqual(sealed.subarray(payloadOffset));
      expect(await open(rewrapped, key)).toEqual(plaintext);
      expect((await verify(rewrapped, key)).ok).toBe(true);
    },
  );

  it('--from and --to: exactly one recipient is replaced, the other stays byte for byte', async () => {
    const [a, b, c] = [memoryKey('local:a'), memoryKey('local:b'), memoryKey('local:c')];
    const sealed = await seal(plaintext, [a, b]);
    const rewrapped = await rewrap(sealed, [b], { from: 'local:a', to: c });
    expect((await inspect(rewrapped)).recipients.map(({ uri }) => uri)).toEqual(['local:c', 'local:b']);
    await expect(open(rewrapped, a)).rejects.toMatchObject({ code: 'ERR_NO_MATCHING_KEY' });
    expect(await open(rewrapped, c)).toEqual(plaintext);
    expect((await verify(rewrapped, [b, c])).ok).toBe(true);
    await expect(rewrap(sealed, [b], { to: c })).rejects.toMatchObject({ code: 'ERR_USAGE' });
    await expect(rewrap(sealed, [b], { from: 'local:nobody', to: c })).rejects.toMatchObject({
      code: 'ERR_RECIPIENT_NOT_FOUND',
    });
    await expect(rewrap(sealed, [b], { from: 'local:a' })).rejects.toThrow(TypeError);
  });

  it('a stream that is not sealed is refused, and ended', async () => {
    let ended = false;
    function* junk(): Generator<Uint8Array> {
      try {
        for (;;) yield pattern(65_536);
      } finally {
        ended = true;
      }
    }
    await expect(rewrap(junk(), memoryKey())).rejects.toMatchObject({ code: 'ERR_NOT_SEALED' });
    expect(ended).toBe(true);
    await expect(rewrap(7 as never, memoryKey())).rejects.toThrow(TypeError);
  });
});
