import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, encodeCbor } from '../../../src/bytes/index.ts';
import { openMeta, sealedMetaLength, sealMeta } from '../../../src/envelope/format/meta.ts';
import { padded, sealedMeta } from '../../vectors/waxseal/make/craft.ts';
import { hex, random, refused } from './objects.ts';

const dataKey = random(32);
const bind = random(32);
const ground = { dataKey, bind, core: new Uint8Array(), slotSize: 4096 };
const sealed = (bytes: Uint8Array): Uint8Array => sealedMeta(ground, bytes);

describe('private metadata (SPEC section 6)', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 }).filter((s) => s.isWellFormed());
  const metadata = fc.record({
    name: fc.option(text, { nil: undefined }),
    mediaType: fc.option(text, { nil: undefined }),
  });

  it('round trip, of the length that was announced, a multiple of 64 and 28', () => {
    fc.assert(
      fc.property(metadata, (given) => {
        const meta = sealMeta(given, dataKey, bind);
        expect(openMeta(meta, dataKey, bind, 'x')).toEqual(given);
        expect(meta.length).toBe(sealedMetaLength(given));
        expect((meta.length - 28) % 64).toBe(0);
      }),
    );
  });

  it('refuses more than 4 KiB', () => {
    expect(sealMeta({ name: 'x'.repeat(4000) }, dataKey, bind).length).toBeLessThanOrEqual(4096);
    expect(() => sealMeta({ name: 'x'.repeat(4040) }, dataKey, bind)).toThrow(RangeError);
    // 5 bytes of encoding, and 28 around 63 blocks.
    expect(sealMeta({ name: 'x'.repeat(4027) }, dataKey, bind)).toHaveLength(28 + 63 * 64);
    expect(() => sealMeta({ name: 'x'.repeat(4028) }, dataKey, bind)).toThrow(
      new RangeError('the private metadata is over 4 KiB'),
    );
  });

  it('takes up nothing where there is none', () => {
    expect(sealedMetaLength(undefined)).toBe(0);
    expect(sealedMetaLength({})).toBe(92);
  });

  it.each([{ name: 'a\ud800' }, { mediaType: '\udc00' }])('refuses text that is no Unicode: %j', (metadata) => {
    expect(() => sealMeta(metadata, dataKey, bind)).toThrow(new TypeError('the private metadata is not valid Unicode'));
  });

  it('says what is wrong with which object', () => {
    const meta = sealMeta({ name: 'a' }, dataKey, bind);
    const open = (bytes: Uint8Array) => () => openMeta(bytes, dataKey, bind, 'x');
    refused(open(random(91)), 'ERR_MALFORMED', 'the private metadata of x has an impossible length');
    refused(open(random(93)), 'ERR_MALFORMED', 'the private metadata of x has an impossible length');
    refused(open(random(28)), 'ERR_MALFORMED', 'the private metadata of x has an impossible length');
    refused(open(random(92)), 'ERR_AUTHENTICATION', 'the private metadata of x does not authenticate');
    refused(open(sealed(padded(hex('01')))), 'ERR_MALFORMED', 'the private metadata of x is malformed');
    expect(open(meta)).not.toThrow();
  });

  it('every flipped bit, another data key and another object are refused', () => {
    const meta = sealMeta({ name: 'a' }, dataKey, bind);
    for (let bit = 0; bit < meta.length * 8; bit += 1) {
      const changed = meta.slice();
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit % 8));
      refused(() => openMeta(changed, dataKey, bind, 'x'), 'ERR_AUTHENTICATION');
    }
    refused(() => openMeta(meta, random(32), bind, 'x'), 'ERR_AUTHENTICATION');
    refused(() => openMeta(meta, dataKey, random(32), 'x'), 'ERR_AUTHENTICATION');
  });

  it.each([
    ['nothing', new Uint8Array(0)],
    ['less than a block', random(91)],
    ['no whole blocks', random(93)],
    ['no map', sealed(padded(hex('01')))],
    ['an unknown field below 24', sealed(padded(hex('a1 17 01')))],
    ['an unknown field after those that are known', sealed(padded(hex('a1 03 01')))],
    ['a media type that is no text', sealed(padded(hex('a1 02 01')))],
    ['field 0', sealed(padded(hex('a1 00 01')))],
    ['a text key', sealed(padded(hex('a1 6161 01')))],
    ['a name that is no text', sealed(padded(hex('a1 01 4161')))],
    ['unsorted', sealed(padded(hex('a2 02 6161 01 6162')))],
    ['bad UTF-8', sealed(padded(hex('a1 01 61ff')))],
    ['padding that is not zero', sealed(concat(hex('a0'), new Uint8Array(62), hex('80')))],
    ['a block too many', sealed(padded(hex('a0'), 128))],
    ['no end', sealed(padded(hex('a1 01 7840')))],
  ])('refuses %s', (_, meta) => refused(() => openMeta(meta, dataKey, bind, 'x'), 'ERR_MALFORMED'));

  it('ignores fields from 24 on', () => {
    const meta = sealed(
      padded(
        encodeCbor(
          new Map<number, string | number>([
            [2, 'text/plain'],
            [24, 1],
          ]),
        ),
      ),
    );
    expect(openMeta(meta, dataKey, bind, 'x')).toEqual({ name: undefined, mediaType: 'text/plain' });
  });
});

describe('private metadata that is not as writers make it', () => {
  it('says what is not canonical', () => {
    expect(() => openMeta(sealed(padded(Uint8Array.of(0x18, 1))), dataKey, bind, 'x')).toThrow(
      'the private metadata of x is not canonical CBOR',
    );
  });

  it('is refused with a whole block of padding too many', () => {
    const map = encodeCbor(new Map([[1, 'x'.repeat(60)]]));
    expect(map.length).toBe(64);
    expect(openMeta(sealed(map), dataKey, bind, 'x').name).toHaveLength(60);
    refused(() => openMeta(sealed(concat(map, new Uint8Array(64))), dataKey, bind, 'x'), 'ERR_MALFORMED');
  });

  it('is refused with a field that would not be stored', () => {
    expect(() => sealMeta({ filename: 'x' } as never, dataKey, bind)).toThrow(
      new TypeError('private metadata: unknown option "filename" (known: name, mediaType)'),
    );
  });
});
